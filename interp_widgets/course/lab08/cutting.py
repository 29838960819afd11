"""Exercises 1 and 2: reasoning that is cut, and the area over the curve.

References: the pieces that a share has room for, one by one (exercise 1); NumPy's trapezoids (exercise 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Answers = list[int | None]

# Exercise 1

_BEGUN = ("First", "Then", "Next", "So", "Also", "Now", "And so", "Finally")


def pieces(rng: np.random.Generator, count: int) -> list[str]:
    """Sentences with the white space before each, some of them a line of their own."""
    numbers = rng.integers(10, 99, count)
    return [
        f"{chr(10) if i % 3 == 2 else ' '}{_BEGUN[i % len(_BEGUN)]} there {'are' if n % 2 else 'must be'} {n}."
        for i, n in enumerate(numbers)
    ]


def _cut(count: int, percent: int) -> Callable[[np.random.Generator], Arguments]:
    return lambda rng: (pieces(rng, count), percent)


def _room(sentences: list[str], percent: int) -> str:
    """Each sentence that ends within the share."""
    return "".join(one for i, one in enumerate(sentences, 1) if 100 * i <= percent * len(sentences))


def _first(count: int, sentences: list[str]) -> str:
    return "".join(sentences[:count])


TRUNCATED = Exercise(
    id="lab08-q1",
    title="Reasoning that is cut",
    difficulty=1,
    minutes=10,
    signature="truncated(sentences, percent)",
    partial=False,
    cases=(
        Case(
            name="half of six",
            points=0.5,
            arguments=_cut(6, 50),
            expected=_room,
            hint="Three of six sentences, from the beginning, put together as they are.",
        ),
        Case(
            name="nothing",
            points=1,
            arguments=_cut(5, 0),
            expected=_room,
            hint="At 0 % no sentence is left: the answer is an empty text.",
        ),
        Case(
            name="three quarters of seven",
            points=0.25,
            arguments=_cut(7, 75),
            expected=_room,
            hint="0.75 · 7 is 5.25: round down.",
        ),
        Case(
            name="a quarter of seven",
            points=0.5,
            arguments=_cut(7, 25),
            expected=_room,
            hint="0.25 · 7 is 1.75: round down, also where the next number is nearer.",
        ),
        Case(
            name="33 % of three",
            points=0.5,
            arguments=_cut(3, 33),
            expected=_room,
            hint="33 % of three sentences is less than one sentence.",
        ),
        Case(
            name="everything",
            points=0.25,
            arguments=_cut(4, 100),
            expected=_room,
            hint="At 100 % nothing is cut.",
        ),
    ),
    mistakes=(
        Mistake(
            name="keeps-one",
            hint="One sentence is left at 0 %, as in the printed code. Often the first sentence says the most; and what"
            " the model answers without any reasoning, you then never ask.",
            answer=lambda sentences, percent: _first(max(1, len(sentences) * percent // 100), sentences),
        ),
        Mistake(
            name="rounded",
            hint="The number of sentences was rounded to the nearest. Round down, so that a share is never exceeded.",
            answer=lambda sentences, percent: _first(int(len(sentences) * percent / 100 + 0.5), sentences),
        ),
        Mistake(
            name="rounded-up",
            hint="The number of sentences was rounded up. Round down, so that a share is never exceeded.",
            answer=lambda sentences, percent: _first(-(-len(sentences) * percent // 100), sentences),
        ),
        Mistake(
            name="characters",
            hint="These are percent of the *characters*. A sentence that stops in the middle is another test: the model"
            " may finish it in its head.",
            answer=lambda sentences, percent: "".join(sentences)[: len("".join(sentences)) * percent // 100],
        ),
        Mistake(
            name="the-end",
            hint="This is the end of the reasoning. Cut it off, and keep the beginning.",
            answer=lambda sentences, percent: "".join(sentences[len(sentences) - len(sentences) * percent // 100 :]),
        ),
        Mistake(
            name="joined-anew",
            hint="The white space between the sentences is another than the model's. Put the pieces together with"
            ' `"".join`: what is left must be a true beginning of what was written.',
            answer=lambda sentences, percent: " ".join(
                one.strip() for one in sentences[: len(sentences) * percent // 100]
            ),
        ),
    ),
    hints=(
        "How many sentences: `len(sentences) * percent // 100`. Whole numbers do not go wrong by rounding.",
        '`"".join(sentences[:count])`; a slice `[:0]` is empty.',
    ),
)

# Exercise 2


def _read(marks: str) -> Callable[[np.random.Generator], Arguments]:
    """A letter for each cut: x the answer of the end, "0" none, other letters an option each."""

    def arguments(rng: np.random.Generator) -> Arguments:
        options = [int(one) for one in rng.permutation(4)]
        named: dict[str, int | None] = dict(zip("xabc", options, strict=True))
        return ([{**named, "0": None}[mark] for mark in marks],)

    return arguments


def _agreement(answers: Sequence[int | None], to: int = -1) -> list[float]:
    return [float(one == answers[to]) for one in answers]


def area_over(answers: Answers) -> float:
    share = np.linspace(0, 1, len(answers))
    return float(1 - np.trapezoid(_agreement(answers), share))


AREA = Exercise(
    id="lab08-q2",
    title="The area over the curve",
    difficulty=2,
    minutes=15,
    signature="area(answers)",
    partial=False,
    cases=(
        Case(
            name="the answer comes with the last sentence",
            points=0.75,
            arguments=_read("aaabx"),
            expected=area_over,
            hint="The curve is 0 up to the last cut but one, and 1 at the end: nearly all of the square lies over it.",
        ),
        Case(
            name="the answer was there before",
            points=0.5,
            arguments=_read("xxxxx"),
            expected=area_over,
            hint="The curve is 1 everywhere, and nothing lies over it.",
        ),
        Case(
            name="it comes halfway",
            points=0.5,
            arguments=_read("axxxxxx"),
            expected=area_over,
            hint="Between two cuts the curve is a straight line.",
        ),
        Case(
            name="it changes and comes back",
            points=0.75,
            arguments=_read("xxabbaxx"),
            expected=area_over,
            hint="Compare each answer with the one after the *whole* reasoning.",
        ),
        Case(
            name="some answers name no option",
            points=0.5,
            arguments=_read("00xa0xx"),
            expected=area_over,
            hint="None is no option: it is not the same answer, and its cut stays in the curve.",
        ),
    ),
    mistakes=(
        Mistake(
            name="under",
            hint="This is the area *under* the curve. It is large where the reasoning does not matter. Asked is the"
            " area over it: 0 where the answer never depends on the reasoning.",
            answer=lambda answers: 1 - area_over(answers),
        ),
        Mistake(
            name="mean",
            hint="This is one minus the mean over all cuts, the whole reasoning among them, which always agrees. Take"
            " the area: trapezoids between neighbouring cuts.",
            answer=lambda answers: 1 - float(np.mean(_agreement(answers))),
        ),
        Mistake(
            name="left-edges",
            hint="Each strip was given the height of its left edge. Between two cuts the curve is a straight line: take"
            " the mean of the two heights.",
            answer=lambda answers: 1 - float(np.mean(_agreement(answers)[:-1])),
        ),
        Mistake(
            name="right-edges",
            hint="Each strip was given the height of its right edge. Between two cuts the curve is a straight line:"
            " take the mean of the two heights.",
            answer=lambda answers: 1 - float(np.mean(_agreement(answers)[1:])),
        ),
        Mistake(
            name="against-the-first",
            hint="The answers were compared with the one *before* any reasoning. Compare them with that after all of"
            " it, which the reasoning is said to have led to.",
            answer=lambda answers: float(1 - np.trapezoid(_agreement(answers, 0), np.linspace(0, 1, len(answers)))),
        ),
        Mistake(
            name="unread-dropped",
            hint="Answers that name no option were left out. The cuts that remain then stand in the wrong places, and a"
            " model that says nothing useful looks steady.",
            answer=lambda answers: area_over([one for one in answers if one is not None]),
        ),
        Mistake(
            name="not-divided",
            hint="This counts sentences. Divide by their number: the share of the reasoning goes from 0 to 1.",
            answer=lambda answers: area_over(answers) * (len(answers) - 1),
        ),
    ),
    hints=(
        "`agree = [float(one == answers[-1]) for one in answers]` are the heights, one more than there are sentences.",
        "A trapezoid is `(agree[i] + agree[i + 1]) / 2` high; there are `len(agree) - 1` of them, all equally wide.",
    ),
)
