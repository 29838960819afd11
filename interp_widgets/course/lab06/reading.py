"""Exercises 8 and 9: how long an editor holds, and whether a suite passes.

References: over what all counts have in common (exercise 8); shares by part in a table (exercise 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

# Exercise 8

_EDITS = [1, 2, 5, 10, 20, 50, 100, 200]
_LEAST, _BEFORE, _FACTOR = 70.0, 30.0, 1.1
_READ = {"x": (31.0, 32.5), ".": (33.5, 34.0), "!": (40.0, 60.0)}


def _curve(score: str, perplexity: str) -> Callable[[np.random.Generator], Arguments]:
    """A letter for each count: x holds, "." does not, "!" by far not."""

    def arguments(rng: np.random.Generator) -> Arguments:
        scores = [float(rng.uniform(72, 90) if mark == "x" else rng.uniform(20, 68)) for mark in score]
        # The first value is above what the model has without edits, so that a comparison with it shows.
        read = [float(rng.uniform(*_READ[mark])) for mark in perplexity]
        return _EDITS[: len(score)], scores, read, _LEAST, _BEFORE, _FACTOR

    return arguments


def _good(scores: Sequence[float], read: Sequence[float], least: float, before: float, factor: float) -> list[bool]:
    return [s >= least and p <= factor * before for s, p in zip(scores, read, strict=True)]


def _last_before(marks: Sequence[bool], edits: Sequence[int]) -> int:
    """The largest count up to which all marks are good."""
    return max((n for n in edits if all(mark for m, mark in zip(edits, marks, strict=True) if m <= n)), default=0)


def held_until(
    edits: list[int], scores: list[float], read: list[float], least: float, before: float, factor: float
) -> int:
    return _last_before(_good(scores, read, least, before, factor), edits)


HOLDS = Exercise(
    id="lab06-q8",
    title="How long it holds",
    difficulty=1,
    minutes=15,
    signature="holds_until(edits, scores, perplexities, least, before, factor)",
    partial=False,
    cases=(
        Case(
            name="the score falls",
            points=0.5,
            arguments=_curve("xxxxx...", "xxxxxxxx"),
            expected=held_until,
            hint="The last count at which the score is still at least `least`.",
        ),
        Case(
            name="the perplexity rises first",
            points=0.5,
            arguments=_curve("xxxxxxx.", "xxx..!!!"),
            expected=held_until,
            hint="Both must hold: a model that no longer reads can still score well.",
        ),
        Case(
            name="it comes back",
            points=0.5,
            arguments=_curve("xx.xxx..", "xxxxxxxx"),
            expected=held_until,
            hint="What broke once is broken: only the counts before the first failure count.",
        ),
        Case(
            name="it never fails",
            points=0.25,
            arguments=_curve("xxxxxxxx", "xxxxxxxx"),
            expected=held_until,
            hint="Then it holds up to the last count that was measured.",
        ),
        Case(
            name="the first edit fails",
            points=0.25,
            arguments=_curve(".xxx", "xxxx"),
            expected=held_until,
            hint="Then it holds for 0 edits.",
        ),
    ),
    mistakes=(
        Mistake(
            name="last-good",
            hint="This is the last count at which all was well. Before it there was a failure, and edits after a"
            " failure are edits of a broken model.",
            answer=lambda edits, *rest: max(
                (n for n, good in zip(edits, _good(*rest), strict=True) if good), default=0
            ),
        ),
        Mistake(
            name="first-bad",
            hint="This is the count at which it failed. Asked is the one before.",
            answer=lambda edits, *rest: next(
                (n for n, good in zip(edits, _good(*rest), strict=True) if not good), edits[-1]
            ),
        ),
        Mistake(
            name="score-alone",
            hint="The perplexity was not looked at.",
            answer=lambda edits, scores, read, least, before, factor: _last_before([s >= least for s in scores], edits),
        ),
        Mistake(
            name="perplexity-alone",
            hint="The score was not looked at.",
            answer=lambda edits, scores, read, least, before, factor: _last_before(
                [p <= factor * before for p in read], edits
            ),
        ),
        Mistake(
            name="either",
            hint="One of the two was enough here. Both must hold.",
            answer=lambda edits, scores, read, least, before, factor: _last_before(
                [s >= least or p <= factor * before for s, p in zip(scores, read, strict=True)], edits
            ),
        ),
        Mistake(
            name="against-the-first",
            hint="The perplexity was compared with the one after the first edit. Compare it with the model before any:"
            " a first edit can break it.",
            answer=lambda edits, scores, read, least, before, factor: held_until(
                edits, scores, read, least, read[0], factor
            ),
        ),
        Mistake(
            name="place",
            hint="This is how many *measurements* held. Asked is the number of edits.",
            answer=lambda edits, *rest: edits.index(held_until(edits, *rest)) + 1 if held_until(edits, *rest) else 0,
        ),
    ),
    hints=(
        "Go through the counts in order, and stop at the first one that fails.",
        "`held = 0` before the loop is the answer where the first one fails.",
    ),
)

# Exercise 9

Cases = list[tuple[str, float]]
Limits = dict[str, float]


def _suite(marks: dict[str, str], limits: Limits) -> Callable[[np.random.Generator], Arguments]:
    """Leads by part, a letter each: x above 0, "." below, "=" just 0; mixed."""

    def lead(rng: np.random.Generator, mark: str) -> float:
        size = float(rng.uniform(0.1, 0.6) if mark == "x" else rng.uniform(2, 4))
        return {"x": size, ".": -size, "=": 0.0}[mark]

    def arguments(rng: np.random.Generator) -> Arguments:
        cases = [(part, lead(rng, mark)) for part, row in marks.items() for mark in row]
        return [cases[i] for i in rng.permutation(len(cases))], dict(limits)

    return arguments


def _shares(cases: Cases, holds: Callable[[float], bool] = lambda lead: lead > 0) -> dict[str, float]:
    parts = sorted({part for part, _ in cases})
    table = np.asarray([[part == own for own in parts] for part, _ in cases])
    passed = np.asarray([holds(lead) for _, lead in cases])
    return dict(zip(parts, (table & passed[:, None]).sum(0) / table.sum(0), strict=True))


def _failed(cases: Cases, at_least: Limits) -> list[str]:
    found = _shares(cases)
    return [part for part, limit in at_least.items() if found.get(part, -1.0) < limit]


def _pooled(cases: Cases, at_least: Limits) -> list[str]:
    share = sum(lead > 0 for _, lead in cases) / len(cases)
    return [part for part, limit in at_least.items() if share < limit]


def _mean_lead(cases: Cases, at_least: Limits) -> list[str]:
    leads = {part: [lead for own, lead in cases if own == part] for part in at_least}
    return [part for part, some in leads.items() if not some or sum(some) <= 0]


SUITE = Exercise(
    id="lab06-q9",
    title="The verdict of a suite",
    difficulty=2,
    minutes=15,
    signature="failed(cases, at_least)",
    partial=False,
    cases=(
        Case(
            name="one part below its limit",
            points=0.5,
            arguments=_suite(
                {"fact": "xx", "paraphrase": "xx..", "neighbour": "xxx."},
                {"fact": 1.0, "paraphrase": 0.75, "neighbour": 0.7},
            ),
            expected=_failed,
            hint="Share by part: how many of its cases have a lead above 0. It fails where the share is below its"
            " limit.",
        ),
        Case(
            name="just at the limit, and a lead of 0",
            points=0.5,
            arguments=_suite(
                {"neighbour": "xxx.", "fact": "xx=", "paraphrase": "x."},
                {"fact": 1.0, "neighbour": 0.75, "paraphrase": 0.5},
            ),
            expected=_failed,
            hint="A share that equals its limit passes. A lead of 0 does not: the two answers are level.",
        ),
        Case(
            name="a part without cases",
            points=0.5,
            arguments=_suite({"fact": "xx", "ripple": ".."}, {"fact": 1.0, "neighbour": 0.9}),
            expected=_failed,
            hint="A part that is named and has no case fails: nothing was shown. One that is not named is only"
            " reported.",
        ),
        Case(
            name="few large losses, many small leads",
            points=0.5,
            arguments=_suite({"neighbour": "xxxxxx..", "fact": "x"}, {"neighbour": 0.7, "fact": 1.0}),
            expected=_failed,
            hint="Count cases; how large a lead is does not matter.",
        ),
    ),
    mistakes=(
        Mistake(
            name="pooled",
            hint="All cases went into one share. Two lost facts then hide behind many neighbours.",
            answer=_pooled,
        ),
        Mistake(
            name="level-holds",
            hint="A lead of 0 was counted as held. The answer that should lead is then only level with the other.",
            answer=lambda cases, at_least: [
                part
                for part, limit in at_least.items()
                if _shares(cases, lambda lead: lead >= 0).get(part, -1.0) < limit
            ],
        ),
        Mistake(
            name="limit-fails",
            hint="A share that equals its limit was taken to fail. The limit is the smallest share that passes.",
            answer=lambda cases, at_least: [
                part for part, limit in at_least.items() if _shares(cases).get(part, -1.0) <= limit
            ],
        ),
        Mistake(
            name="nothing-passes",
            hint="A part without a case was let through. A suite that asks nothing has shown nothing.",
            answer=lambda cases, at_least: [
                part for part, limit in at_least.items() if _shares(cases).get(part, 1.0) < limit
            ],
        ),
        Mistake(
            name="mean-lead",
            hint="The mean lead was looked at. One large loss then outweighs many that hold, and the other way round.",
            answer=_mean_lead,
        ),
        Mistake(
            name="those-that-pass",
            hint="These are the parts that pass.",
            answer=lambda cases, at_least: [part for part in at_least if part not in _failed(cases, at_least)],
        ),
    ),
    hints=(
        "For each part of `at_least` collect its cases: `[lead for own, lead in cases if own == part]`.",
        "`sum(lead > 0 for lead in leads) / len(leads)` is the share; look at the empty list first.",
    ),
)
