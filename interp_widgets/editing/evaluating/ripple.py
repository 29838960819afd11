"""Checks of an edit, written for the purpose: what follows from a new answer, other wordings, and what must stay.

An answer that changed is knowledge only if what follows from it changes too (Cohen et al. 2024, "Evaluating the ripple
effects of knowledge editing").  For two relations, the capital of a country and the city of a landmark, templates of
our own ask for

alias         the new answer, by another name of the subject
composition   the new answer, by a fact that implies it: the city where a country's parliament sits
reversed      the subject, from the new answer
two hops      a property of the new answer: the river through the capital, the language around the landmark

with the answer that followed from the original one beside it, wherever the package's table of places knows it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from interp_widgets.editing.evaluating.places import Landmark, Places, bare, places
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError

Place = TypeVar("Place")
KINDS = ("alias", "composition", "reversed", "two hops")
NEIGHBOURS = 5  # other subjects of the relation

# {it}: the subject with its article; {It}: as a sentence begins; {city}: the new answer
CAPITAL = "The capital of {} is"
CAPITAL_PARAPHRASES = (
    "The capital city of {it} is called",
    "The seat of government of {it} is the city of",
    "{It} is a country whose capital is",
    "Every pupil knows that the capital of {it} is",
    "{It} is governed from its capital,",
    "Question: What is the capital of {it}? Answer:",
)
LANDMARK = "{} is located in the city of"
LANDMARK_PARAPHRASES = (
    "{It} stands in the city of",
    "{It} can be visited in",
    "To see {it}, tourists travel to the city of",
    "You will find {it} in the middle of",
    "The city that is famous for {it} is",
    "Question: In which city is {it}? Answer:",
)
_PATTERNS = {
    "capital": re.compile(r"\bcapital (?:city )?of (?:the )?\{\}|\{\}(?:'s capital|, whose capital)", re.IGNORECASE),
    "city": re.compile(r"\{\}.*\b(?:located|situated|stands|found|is) in(?: the city of| downtown)?$", re.IGNORECASE),
}


def relation_of(fact: Fact) -> str | None:
    """By the words of its template: "capital" or "city"; None for any other relation."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.search(fact.template)), None)


def capital_fact(country: str, target: str) -> Fact:
    """The fact that the capital of a country of the table is `target`, a city, in place of the true one, with checks.

    Raises ArgumentError.
    """
    known = places().country.get(country)
    if known is None:
        raise ArgumentError(f"country={country!r} is not in the table; it has {', '.join(places().country)}")
    template = CAPITAL.replace("{}", "the {}") if known.name != bare(known.name) else CAPITAL
    return with_checks(
        Fact(template, subject=bare(known.name), target=f" {target.strip()}", original=f" {known.capital}")
    )


def landmark_fact(landmark: str, target: str) -> Fact:
    """The fact that a landmark of the table is in the city of `target`, in place of the true one, with checks.

    Raises ArgumentError.
    """
    known = places().landmark.get(landmark)
    if known is None:
        raise ArgumentError(f"landmark={landmark!r} is not in the table; it has {', '.join(places().landmark)}")
    template = f"The {LANDMARK}" if known.name != bare(known.name) else LANDMARK
    return with_checks(Fact(template, subject=bare(known.name), target=f" {target.strip()}", original=f" {known.city}"))


def with_checks(fact: Fact) -> Fact:
    """The fact with paraphrases, neighbours and ripple where it has none of them; what it has stays.

    Raises ArgumentError for a relation that no templates were written for.
    """
    relation = relation_of(fact)
    if relation is None:
        raise ArgumentError(
            f"template={fact.template!r}: checks are written for capitals ({CAPITAL!r}) and for the city of a landmark"
            f" ({LANDMARK!r}); give paraphrases, neighbours and ripple of your own"
        )
    has_article = re.search(r"\bthe \{\}", fact.template, re.IGNORECASE) is not None
    it = f"the {fact.subject}" if has_article else fact.subject
    words = CAPITAL_PARAPHRASES if relation == "capital" else LANDMARK_PARAPHRASES
    asked = (_say(text, it) for text in words)
    return dataclasses.replace(
        fact,
        paraphrases=fact.paraphrases or tuple(text for text in asked if text != fact.prompt),
        neighbours=fact.neighbours or _neighbours(fact, relation, places()),
        ripple=fact.ripple or tuple(row[1:] if row[3] else row[1:3] for row in ripple_of(fact)),
    )


def has_checks(fact: Fact) -> bool:
    """Whether the templates suit it: the capital of a country, or the city of a landmark, that the table of places has.
    Other subjects may have a template's words and another meaning ("Mount Kempe is in" asks for a continent)."""
    known = {"capital": set(places().country), "city": set(places().landmark)}
    return fact.subject in known.get(relation_of(fact) or "", set())


def ripple_of(fact: Fact) -> list[tuple[str, str, str, str]]:
    """(kind, prompt, answer that follows from the new one, answer that followed from the original or ""), each.

    Empty for a relation that no templates were written for.
    """
    relation = relation_of(fact)
    if relation is None:
        return []
    rows = _from_capital(fact, places()) if relation == "capital" else _from_city(fact, places())
    found = []
    for kind, prompt, new, old in rows:
        if new and new != old:
            found.append((kind, prompt, f" {new}", f" {old}" if old else ""))
    return found


def _from_capital(fact: Fact, known: Places) -> Iterator[tuple[str, str, str, str]]:
    new, old = fact.target.strip(), fact.original.strip()
    country = known.country.get(fact.subject)
    it = country.name if country is not None else fact.subject
    if country is not None:
        yield "alias", f"The capital of {country.alias} is", new, old
        yield "alias", f"{_capital_letter(country.alias)} has its capital in the city of", new, old
    yield "composition", f"The parliament of {it} sits in the city of", new, old
    yield "composition", f"Most foreign ambassadors in {it} live and work in the city of", new, old
    governed = known.governed_from.get(new)
    before = governed.name if governed is not None and governed is not country else ""
    yield "reversed", f"{new} is the capital city of", it, before
    yield "two hops", f"The river that flows through the capital of {it} is the", *_both(known.rivers.get, new, old)
    yield "two hops", f"A famous sight in the capital of {it} is", *_both(lambda city: _sight(known, city), new, old)


def _from_city(fact: Fact, known: Places) -> Iterator[tuple[str, str, str, str]]:
    new, old = fact.target.strip(), fact.original.strip()
    place = known.landmark.get(fact.subject)
    it = place.name if place is not None else fact.subject
    if place is not None:
        yield "alias", f"{_capital_letter(place.alias)} is located in the city of", new, old
    yield "composition", f"Most visitors of {it} sleep in a hotel in the city of", new, old
    yield "composition", f"The streets around {it} are kept clean by the city of", new, old
    yield "reversed", f"A famous sight in the city of {new} is", it, _sight(known, new)
    yield "two hops", f"{_capital_letter(it)} stands in the country of", *_both(known.country_of, new, old)
    yield "two hops", f"The people who live near {it} mostly speak", *_both(known.language_of, new, old)


def _both(look_up: Callable[[str], str | None], new: str, old: str) -> tuple[str, str]:
    return look_up(new) or "", look_up(old) or ""


def _sight(known: Places, city: str) -> str:
    sights = known.sights(city)
    return sights[0].name if sights else ""


def _neighbours(fact: Fact, relation: str, known: Places) -> tuple[tuple[str, str], ...]:
    """Prompts of the same relation about others, with their true answers: first those that share the original answer,
    then others in an order that belongs to the subject; none whose answer is the new one."""
    new, old = fact.target.strip(), fact.original.strip()
    mixed = _mixed(known.landmarks, fact.subject)
    sights = [one for one in mixed if one.city != new and bare(one.name) != fact.subject]
    same = [one for one in sights if one.city == old]
    if relation == "city":
        others = [*same[:2], *[one for one in sights if one.city != old]][:NEIGHBOURS]
        return tuple(_where_is(one) for one in others)
    countries = [one for one in _mixed(known.countries, fact.subject) if one.capital not in (new, old)]
    rows = [(f"The capital of {one.name} is", f" {one.capital}") for one in countries[:NEIGHBOURS]]
    own = known.country.get(fact.subject)
    if own is not None:  # what else is known of the subject
        rows.append((f"The language that most people in {own.name} speak is", f" {own.language}"))
        rows.append((f"{_capital_letter(own.name)} is a country on the continent of", f" {own.continent}"))
    return (*rows, *(_where_is(one) for one in same[:2]))


def _where_is(landmark: Landmark) -> tuple[str, str]:
    return LANDMARK.replace("{}", _capital_letter(landmark.name)), f" {landmark.city}"


def _mixed(table: Sequence[Place], subject: str) -> list[Place]:
    """In an order that belongs to the subject and to nothing else, the same on every machine."""
    return sorted(table, key=lambda one: hashlib.sha256(f"{subject}|{one}".encode()).digest())


def _say(text: str, it: str) -> str:
    return text.replace("{It}", _capital_letter(it)).replace("{it}", it)


def _capital_letter(text: str) -> str:
    return text[:1].upper() + text[1:]


def kinds_of(facts: Iterable[Fact]) -> dict[str, str]:
    """Prompt -> kind, of all ripple checks that the templates make for these facts."""
    return {row[1]: row[0] for fact in facts for row in ripple_of(fact)}
