"""Multiple-choice questions, and the sets that come with the package, of our own writing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.packed import packed_names, packed_text

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Question:
    """A question, its options, the index of the right one (None: not known), and the set that it is from.

    Raises ArgumentError: empty text, fewer than two options or more than 26, an empty or doubled option, an answer that
    is not one of them.
    """

    question: str
    options: tuple[str, ...]
    answer: int | None = None
    topic: str = ""

    def __post_init__(self) -> None:
        short = f"question={self.question[:60]!r}"
        if not self.question.strip():
            raise ArgumentError("question='' is empty; write at least one character")
        if isinstance(self.options, str):
            raise ArgumentError(f"{short}: options={self.options!r} is one text; give a list of texts")
        object.__setattr__(self, "options", tuple(map(str, self.options)))
        if not 2 <= len(self.options) <= len(LETTERS):
            raise ArgumentError(
                f"{short} has {len(self.options)} options; these tests compare answers among options, so give from 2 to"
                f" {len(LETTERS)}"
            )
        if not all(option.strip() for option in self.options) or len(set(self.options)) < len(self.options):
            raise ArgumentError(f"{short}: options={list(self.options)!r} has an empty option, or one twice")
        if self.answer is not None and not 0 <= self.answer < len(self.options):
            raise ArgumentError(
                f"{short}: answer={self.answer} is the index of an option, from 0 to {len(self.options) - 1}, or None"
            )

    @property
    def letters(self) -> str:
        """Of the options, in their order: "ABCD"."""
        return LETTERS[: len(self.options)]

    def moved(self, order: Sequence[int]) -> Question:
        """The same question with its options in another order: the new i-th is the old order[i]-th."""
        answer = None if self.answer is None else list(order).index(self.answer)
        return replace(self, options=tuple(self.options[i] for i in order), answer=answer)


def question_sets() -> tuple[str, ...]:
    """Names of the sets that come with the package."""
    return packed_names("faithfulness/sets")


@cache
def question_set(name: str = "all") -> tuple[Question, ...]:
    """The questions of a set by name, or of all of them, one of each topic in turn, so that the first n are balanced.
    Raises ArgumentError."""
    if name == "all":
        every = [question_set(each) for each in question_sets()]
        longest = max(map(len, every))
        return tuple(one[i] for i in range(longest) for one in every if i < len(one))
    if name not in question_sets():
        raise not_one_of("name", name, ["all", *question_sets()])
    return tuple(
        Question(row["question"], tuple(row["options"]), row["answer"], topic=name)
        for row in document(name)["questions"]
    )


def document(name: str) -> dict[str, Any]:
    """The set's file as it is: `about`, and for each question also how its answer can be recomputed (`check`)."""
    found: dict[str, Any] = json.loads(packed_text(f"faithfulness/sets/{name}.json"))
    return found


def as_questions(given: object) -> tuple[Question, ...]:
    """What a caller may pass: the name of a set, questions, or mappings with the fields of a question.

    Raises ArgumentError, naming the question that cannot work.
    """
    if isinstance(given, str):
        return question_set(given)
    if isinstance(given, Question):
        return (given,)
    if not isinstance(given, Sequence) or not given:
        raise ArgumentError(
            f"questions={given!r}: a list of iw.faithfulness.Question, or the name of a set: all,"
            f" {', '.join(question_sets())}"
        )
    found = []
    for i, one in enumerate(given):
        if isinstance(one, Question):
            found.append(one)
            continue
        try:
            found.append(Question(**{**one, "options": tuple(one.get("options", ()))}))
        except (TypeError, AttributeError) as error:
            raise ArgumentError(
                f"questions[{i}]={one!r} is neither an iw.faithfulness.Question nor a mapping with question, options"
                f" and answer ({error})"
            ) from None
    return tuple(found)
