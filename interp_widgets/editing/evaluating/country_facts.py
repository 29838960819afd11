"""Some thousand questions about countries with their true answers and four wrong ones each, from a library of country
data (`countryinfo`; names of languages and currencies from `Babel`).  The wording of the questions is ours.

Every wrong answer is a true answer to the same question about another country, and true for this one in no way that the
library knows of.  Which four are taken belongs to the seed and the question.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interp_widgets.errors import MissingPackageError

WRONG = 4  # answers beside the true one: who guesses is right once in five
_LEAST = 500_000  # inhabitants
_PARTS = {"Caribbean": "the Caribbean"}
_OLD_MONEY = {"kuna"}
_PROVINCES = 6  # a country
_ARTICLE = re.compile(r"Republic|United|Islands|Kingdom|Emirates|^(Netherlands|Philippines|Bahamas|Gambia|Comoros)$")
_PLAIN = re.compile(r"[A-Z][a-z]{3,}([ -][A-Z][a-z]+)*")
# Renamed since the library's data were gathered, or no country of their own by all accounts.
_LEFT_OUT = {
    *("Swaziland", "Republic of Macedonia", "Serbia and Montenegro"),
    *("Hong Kong", "Puerto Rico", "Palestine", "R\u00e9union", "Taiwan", "Western Sahara"),
}
_TWO_CONTINENTS = {"Armenia", "Azerbaijan", "Cyprus", "Egypt", "Georgia", "Indonesia", "Kazakhstan", "Russia", "Turkey"}


@dataclass(frozen=True)
class Question:
    """A prompt, its true answer, wrong ones of the same type, and the kind of question; answers begin with a space."""

    kind: str
    prompt: str
    answer: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class _Asked:
    kind: str
    prompt: str
    answer: str
    also_true: frozenset[str]


def country_questions(seed: int = 0) -> list[Question]:
    """All of them, in an order that belongs to the seed. Raises MissingPackageError."""
    asked = list(_asked(_countries()))
    times = Counter(one.prompt for one in asked)
    asked = [one for one in asked if times[one.prompt] == 1]  # leaves out names that several countries share
    pools: dict[str, list[str]] = {}
    for one in asked:
        pools.setdefault(one.kind, []).append(one.answer)
    found = []
    for one in asked:
        pool = sorted(set(pools[one.kind]) - one.also_true - {one.answer})
        wrong = random.Random(f"{seed}|{one.prompt}").sample(pool, WRONG)
        found.append(Question(one.kind, one.prompt, f" {one.answer}", tuple(f" {other}" for other in wrong)))
    random.Random(seed).shuffle(found)
    return found


def _countries() -> list[dict[str, Any]]:
    try:
        from babel import Locale
        from countryinfo import CountryInfo
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"questions about countries need {error.name}: pip install 'interp-widgets[evaluate]'"
        ) from error
    english = Locale("en")
    found = []
    names: dict[str, str] = {}
    infos: list[Any] = list(CountryInfo.all().values())
    for info in infos:
        code = info["ISO"]["alpha2"]
        known = code and info.get("capital") and "borders" in info and info["population"] >= _LEAST
        # Parts of countries and countries of the past carry the code of another one.
        if not known or info["name"] in _LEFT_OUT or CountryInfo(code).name() != info["name"]:
            continue
        name, part = info["name"].removeprefix("The "), info.get("intermediateregion") or info["subregion"]
        it = f"the {name}" if _ARTICLE.search(name) else name
        names[info["ISO"]["alpha3"]] = it
        units = {_unit(english.currencies.get(code, "")) for code in info["currencies"]} - {"", *_OLD_MONEY}
        found.append(
            {
                "it": it,
                "It": it[0].upper() + it[1:],
                "name": name,
                "capital": info["capital"].removesuffix(" D.C."),
                "continent": _continent(name, info["region"], part),
                "part": _PARTS.get(part, part),
                "languages": [english.languages[code] for code in info["languages"] if code in english.languages],
                "units": sorted(units),
                "demonym": info["demonym"] if info["demonym"].isalpha() else "",
                "borders": info["borders"],
                "provinces": [one for one in info["provinces"] if _PLAIN.fullmatch(one) and name not in one],
                "domain": next(iter(info["tld"]), ""),
            }
        )
    for one in found:
        one["borders"] = [names[code] for code in one["borders"] if code in names]
    return sorted(found, key=lambda one: str(one["name"]))


def _continent(name: str, region: str, part: str) -> str:
    """Of the library's "Americas" what is not South America is North America; "" for what lies on two."""
    if name in _TWO_CONTINENTS:
        return ""
    return (part if part == "South America" else "North America") if region == "Americas" else region


def _unit(currency: str) -> str:
    """The last word of a currency's name: "krona" of "Swedish Krona"."""
    return re.sub(r" *\(.*\)", "", currency).split(" ")[-1].lower()


def _asked(countries: list[dict[str, Any]]) -> Iterator[_Asked]:
    for one in countries:
        it, It, capital = one["it"], one["It"], one["capital"]

        def ask(kind: str, prompt: str, answer: str, *also: str) -> Iterator[_Asked]:
            if answer and answer.lower() not in prompt.lower():  # what stands in the question is no knowledge
                yield _Asked(kind, prompt, answer, frozenset(also))

        yield from ask("capital", f"The capital of {it} is", capital)
        yield from ask("capital of", f"{capital} is the capital city of", it)
        yield from ask("continent", f"{It} is a country on the continent of", one["continent"])
        yield from ask("continent of a city", f"The city of {capital} lies on the continent of", one["continent"])
        yield from ask("part of the world", f"{It} belongs to the part of the world known as", one["part"])
        if one["languages"]:
            first, others = one["languages"][0], one["languages"]
            yield from ask("language", f"An official language of {it} is", first, *others)
            country = f"An official language of the country that is governed from {capital} is"
            yield from ask("language by capital", country, first, *others)
        if len(one["units"]) == 1:
            yield from ask("currency", f"The currency of {it} is called the", one["units"][0])
        yield from ask("nationality", f"The nationality of a person from {it} is", one["demonym"])
        yield from ask("domain", f"Web addresses of sites in {it} end in", one["domain"])
        words = (f"{It}, which lies next to", f"One of the neighbours of {it} is")
        for prompt, other in zip(words, _some(one["borders"], len(words), it), strict=False):
            yield from ask("neighbour", prompt, other, *one["borders"], it)
        for province in _some(one["provinces"], _PROVINCES, it):
            yield from ask("province", f"{province} is a province in the country of", it)


def _some(names: list[str], n: int, subject: str) -> list[str]:
    return random.Random(subject).sample(names, min(n, len(names)))
