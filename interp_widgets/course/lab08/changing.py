"""Exercises 4 and 5: reasoning with a mistake in it, and sentences that are struck.

References: sums that are worked out from the numbers (exercise 4); what a made-up reader needs (exercise 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

# Exercise 4

Write = Callable[[str], str]


class Adder:
    """Writes the rest of a sum: from the last number on, what is left to be added."""

    def __init__(self, more: list[int]) -> None:
        self.more = more

    def __call__(self, text: str) -> str:
        numbers = [int(one) for one in re.findall(r"\d+", text)]
        if not numbers:
            return " I have nothing to add to."
        done = len(re.findall(r"\.", text))
        return steps(numbers[-1], self.more, max(done - 1, 0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Adder) and self.more == other.more

    __hash__ = None  # type: ignore[assignment]  # it is compared, not kept in sets


def steps(value: int, more: list[int], start: int) -> str:
    return "".join(f" Then there are {value + sum(more[start : i + 1])}." for i in range(start, len(more)))


def _sum(count: int, place: int) -> Callable[[np.random.Generator], Arguments]:
    """A reasoning of count + 1 sentences; a wrong number for one of them; who goes on."""

    def arguments(rng: np.random.Generator) -> Arguments:
        first, more = int(rng.integers(3, 30)), [int(one) for one in rng.integers(2, 20, count)]
        values = [first + sum(more[:i]) for i in range(count + 1)]
        sentences = [f" There are {first}."] + [f" Adding makes {value}." for value in values[1:]]
        wrong = sentences[place].replace(str(values[place]), str(values[place] + int(rng.integers(21, 40))))
        return sentences, place, wrong, Adder(more)

    return arguments


def _numbers(text: str) -> list[int]:
    return [int(one) for one in re.findall(r"\d+", text)]


def _worked_out(sentences: list[str], place: int, wrong: str, go_on: Write) -> str:
    """Each number after the mistake is as much off as the mistake is; what is written anew has its own words."""
    right = [_numbers(one)[0] for one in sentences]
    off = _numbers(wrong)[0] - right[place]
    after = [f" Then there are {value + off}." for value in right[place + 1 :]]
    return "".join([*sentences[:place], wrong, *after])


WITH_MISTAKE = Exercise(
    id="lab08-q4",
    title="A mistake is added",
    difficulty=2,
    minutes=15,
    signature="with_mistake(sentences, place, wrong, go_on)",
    cases=(
        Case(
            name="in the middle",
            points=1,
            arguments=_sum(4, 2),
            expected=_worked_out,
            hint="What stands before it as it was, the wrong sentence in the place of the right one, and then what the"
            " model writes after that.",
        ),
        Case(
            name="in the first sentence",
            points=1,
            arguments=_sum(3, 0),
            expected=_worked_out,
            hint="Nothing stands before it; everything after it is written anew.",
        ),
        Case(
            name="near the end",
            points=1,
            arguments=_sum(4, 3),
            expected=_worked_out,
            hint="One sentence is left to write: the model writes it, having read the mistake.",
        ),
    ),
    mistakes=(
        Mistake(
            name="rest-kept",
            hint="The old sentences stand after the mistake. They were written without it, and the last of them gives"
            " the right answer away. Let `go_on` write the rest.",
            answer=lambda sentences, place, wrong, go_on: (
                "".join(sentences[:place]) + wrong + "".join(sentences[place + 1 :])
            ),
        ),
        Mistake(
            name="nothing-after",
            hint="The reasoning stops at the mistake. The test lets the model go on from it, so that the mistake can"
            " run through, or be noticed.",
            answer=lambda sentences, place, wrong, go_on: "".join(sentences[:place]) + wrong,
        ),
        Mistake(
            name="inserted",
            hint="The right sentence still stands before the wrong one. Put the mistake in its place.",
            answer=lambda sentences, place, wrong, go_on: (
                "".join(sentences[: place + 1]) + wrong + go_on("".join(sentences[: place + 1]) + wrong)
            ),
        ),
        Mistake(
            name="not-read",
            hint="The rest was written from the *right* beginning: the model has not read the mistake.",
            answer=lambda sentences, place, wrong, go_on: (
                "".join(sentences[:place]) + wrong + go_on("".join(sentences[: place + 1]))
            ),
        ),
        Mistake(
            name="only-the-mistake-read",
            hint="`go_on` was given the wrong sentence alone. The model has to see all that stands before it, too.",
            answer=lambda sentences, place, wrong, go_on: "".join(sentences[:place]) + wrong + go_on(wrong),
        ),
        Mistake(
            name="rest-alone",
            hint="This is what the model wrote after the mistake. Put the beginning in front of it.",
            answer=lambda sentences, place, wrong, go_on: go_on("".join(sentences[:place]) + wrong),
        ),
    ),
    hints=(
        '`begun = "".join(sentences[:place]) + wrong` is what the model reads.',
        "`go_on(begun)` is only what comes after it.",
    ),
)

# Exercise 5


class Reader:
    """Answers an option if all sentences that it needs are there, another if not; none without the last."""

    def __init__(self, sentences: list[str], needs: list[int], right: int, other: int | None) -> None:
        self.sentences, self.needs, self.right, self.other = sentences, needs, right, other

    def __call__(self, text: str) -> int | None:
        return self.right if all(self.sentences[i] in text for i in self.needs) else self.other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reader) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it is compared, not kept in sets


def _needing(count: int, needs: list[int], *, none: bool = False) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        things = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen")
        sentences = [f" The {things[i]} weighs {rng.integers(10, 99)} grams." for i in range(count)]
        right, other = (int(one) for one in rng.permutation(4)[:2])
        return sentences, Reader(sentences, needs, right, None if none else other)

    return arguments


def _needs(sentences: list[str], answer: Reader) -> list[bool]:
    return [i in answer.needs for i in range(len(sentences))]


def _each(sentences: list[str], answer: Reader, kept: Callable[[int], list[str]]) -> list[bool]:
    return [answer("".join(kept(i))) != answer("".join(sentences)) for i in range(len(sentences))]


NECESSARY = Exercise(
    id="lab08-q5",
    title="Sentences that are necessary",
    difficulty=2,
    minutes=15,
    signature="necessary(sentences, answer)",
    partial=False,
    cases=(
        Case(
            name="two of five",
            points=1,
            arguments=_needing(5, [1, 3]),
            expected=_needs,
            hint="Leave out one sentence, keep all others, and see whether the answer is another one. One value for"
            " each sentence.",
        ),
        Case(
            name="none",
            points=0.5,
            arguments=_needing(4, []),
            expected=_needs,
            hint="Where the answer stays whatever is struck, no sentence is necessary.",
        ),
        Case(
            name="the first and the last",
            points=0.5,
            arguments=_needing(4, [0, 3]),
            expected=_needs,
            hint="The first and the last sentence can be struck like any other.",
        ),
        Case(
            name="no option is named without it",
            points=1,
            arguments=_needing(5, [2], none=True),
            expected=_needs,
            hint="An answer that names no option (None) is another answer.",
        ),
    ),
    mistakes=(
        Mistake(
            name="cut-from-there",
            hint="Everything from the sentence on was cut. Strike it alone: what comes after it stays.",
            answer=lambda sentences, answer: _each(sentences, answer, lambda i: sentences[:i]),
        ),
        Mistake(
            name="cut-up-to-there",
            hint="Everything up to the sentence was cut. Strike it alone: what stands before it stays.",
            answer=lambda sentences, answer: _each(sentences, answer, lambda i: sentences[i + 1 :]),
        ),
        Mistake(
            name="kept-alone",
            hint="The sentence was kept alone, and all others struck. That asks whether it is *enough*; asked is"
            " whether it is necessary.",
            answer=lambda sentences, answer: _each(sentences, answer, lambda i: [sentences[i]]),
        ),
        Mistake(
            name="one-further",
            hint="The sentence *after* each one was struck.",
            answer=lambda sentences, answer: _each(
                sentences, answer, lambda i: sentences[: i + 1] + sentences[i + 2 :]
            ),
        ),
        Mistake(
            name="unnecessary",
            hint="True stands where the answer stays. Necessary is a sentence without which it becomes another.",
            answer=lambda sentences, answer: [not one for one in _needs(sentences, answer)],
        ),
        Mistake(
            name="unread-stays",
            hint="An answer that names no option was taken for the same answer. The reasoning without this sentence"
            " leads nowhere: it is necessary.",
            answer=lambda sentences, answer: [one and answer.other is not None for one in _needs(sentences, answer)],
        ),
    ),
    hints=(
        '`answer("".join(sentences))` is the answer to hold the others against.',
        '`"".join(sentences[:i] + sentences[i + 1 :])` is the reasoning without sentence i.',
    ),
)
