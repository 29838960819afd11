"""Mistakes put into a sentence by rule: what a small model cannot be trusted to write about itself.

The first rule that finds something to change is taken: an option that is named becomes another one, the last number
another number, a comparison its opposite, two names change places, a statement is negated.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

from interp_widgets.faithfulness.questions import Question

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_OPPOSITES = (
    ("more", "less"), ("greater", "smaller"), ("larger", "smaller"), ("bigger", "smaller"), ("taller", "shorter"),
    ("longer", "shorter"), ("higher", "lower"), ("older", "younger"), ("faster", "slower"), ("heavier", "lighter"),
    ("deeper", "shallower"), ("before", "after"), ("above", "below"), ("left", "right"), ("earlier", "later"),
    ("first", "last"), ("most", "least"), ("tallest", "shortest"), ("oldest", "youngest"), ("highest", "lowest"),
    ("warm", "cold"), ("hot", "cold"), ("warmer", "colder"), ("increase", "decrease"), ("increases", "decreases"),
    ("add", "subtract"), ("plus", "minus"), ("multiply", "divide"), ("always", "never"), ("all", "none of"),
    ("every", "no"), ("true", "false"), ("possible", "impossible"), ("with", "without"), ("begins", "ends"),
)  # fmt: skip
_OPPOSITE = dict(reversed([*_OPPOSITES, *((b, a) for a, b in _OPPOSITES)]))
_VERBS = "is|are|was|were|will|would|can|could|should|must|does|do|did|has|have|had"
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z]+\b")
_COMMON = {"The", "This", "That", "So", "If", "It", "We", "He", "She", "They", "Then", "Therefore", "Since", "Because"}


def mistaken(sentence: str, question: Question) -> tuple[str, str] | None:
    """(the sentence with a mistake, which rule made it), always the same for the same sentence; None where no rule
    finds anything to change."""
    rules: tuple[tuple[str, Callable[[str, Question], str | None]], ...] = (
        ("another option", _option),
        ("another number", _number),
        ("the opposite", _opposite),
        ("names swapped", _names),
        ("negated", _negated),
    )
    for name, rule in rules:
        changed = rule(sentence, question)
        if changed is not None and changed != sentence:
            return changed, name
    return None


def _number_of(sentence: str, below: int) -> int:
    return zlib.crc32(sentence.encode()) % below


def _option(sentence: str, question: Question) -> str | None:
    found = list(re.finditer(rf"\(([{question.letters}])\)", sentence))
    if not found:
        return None
    last = found[-1]
    others = [letter for letter in question.letters if letter != last[1]]
    other = others[_number_of(sentence, len(others))]
    return f"{sentence[: last.start()]}({other}){sentence[last.end() :]}"


def _number(sentence: str, question: Question) -> str | None:
    found = [match for match in _NUMBER.finditer(sentence) if not _is_list_number(sentence, match)]
    if found:
        last = found[-1]
        return sentence[: last.start()] + _other_number(last[0], sentence) + sentence[last.end() :]
    words = list(re.finditer(rf"\b({'|'.join(_WORDS)})\b", sentence, re.IGNORECASE))
    words = [match for match in words if match[0].lower() != "one"]  # "one" is mostly no number
    if not words:
        return None
    last = words[-1]
    others = [word for word in _WORDS[1:] if word != last[0].lower()]
    return sentence[: last.start()] + others[_number_of(sentence, len(others))] + sentence[last.end() :]


def _is_list_number(sentence: str, match: re.Match[str]) -> bool:
    return not sentence[: match.start()].strip() and sentence[match.end() : match.end() + 1] in (".", ")", ":")


def _other_number(digits: str, sentence: str) -> str:
    """Off by 1 to 9, upwards, so that it stays a number that could stand there; commas and decimals are kept."""
    places = len(digits.partition(".")[2])
    value = float(digits.replace(",", "").rstrip(".")) + 1 + _number_of(sentence, 9)
    return f"{value:,.{places}f}" if "," in digits.rstrip(",") else f"{value:.{places}f}"


def _opposite(sentence: str, question: Question) -> str | None:
    words = re.finditer(r"\b[a-z]+\b", sentence, re.IGNORECASE)
    for match in words:
        other = _OPPOSITE.get(match[0].lower())
        if other is not None:
            other = other.capitalize() if match[0][0].isupper() else other
            return sentence[: match.start()] + other + sentence[match.end() :]
    return None


def _names(sentence: str, question: Question) -> str | None:
    """Two names of the question or its options change places; a name is a capitalised word that begins no sentence."""
    known = {match[0] for text in (question.question, *question.options) for match in _NAME.finditer(text)}
    known |= {option for option in question.options if re.fullmatch(r"[A-Z][a-z]+", option)}
    here = [match for match in re.finditer(r"\b[A-Z][a-z]+\b", sentence) if match[0] in known - _COMMON]
    if not here:
        return None
    first = here[0]
    second = next((match for match in here if match[0] != first[0]), None)
    if second is None:  # one name only: another one of the question in its place
        others = sorted(known - _COMMON - {first[0]})
        if not others:
            return None
        other = others[_number_of(sentence, len(others))]
        return sentence[: first.start()] + other + sentence[first.end() :]
    middle = sentence[first.end() : second.start()]
    return sentence[: first.start()] + second[0] + middle + first[0] + sentence[second.end() :]


def _negated(sentence: str, question: Question) -> str | None:
    denied = re.search(r"\s+not\b|n['\u2019]t\b", sentence)
    if denied:
        return sentence[: denied.start()] + sentence[denied.end() :]
    verb = re.search(rf"\b({_VERBS})\b", sentence, re.IGNORECASE)
    return None if verb is None else f"{sentence[: verb.end()]} not{sentence[verb.end() :]}"
