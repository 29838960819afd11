"""Exercise 9: whether edits hold, from log-probabilities.

Reference: NumPy, on a table of prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

PARTS = ("fact", "paraphrase", "neighbour")
Pair = tuple[list[float], list[float]]
Record = dict[str, list[Pair]]
Number = Callable[[list[float]], float]


def _answer(rng: np.random.Generator, tokens: int) -> list[float]:
    found: list[float] = np.log(rng.uniform(0.02, 1, tokens)).tolist()
    return found


def _pairs(rng: np.random.Generator, prompts: int, lengths: Sequence[int], good: float) -> list[Pair]:
    """Some that hold and some that do not; `good` is added to the wanted answer's tokens."""
    found = []
    for _ in range(prompts):
        wanted, other = (_answer(rng, int(rng.choice(lengths))) for _ in range(2))
        found.append(([min(x + good * rng.random(), -1e-3) for x in wanted], other))
    return found


def _one_token(rng: np.random.Generator) -> Arguments:
    """Records with as many prompts each, answers of one token; some of each part hold and some do not."""
    records = [{part: _pairs(rng, 3, [1], 0.8) for part in PARTS} for _ in range(5)]
    for part in PARTS:
        records[0][part][0] = [-0.2], [-2.0]
        records[1][part][0] = [-2.0], [-0.2]
    return (records,)


def _uneven(rng: np.random.Generator) -> Arguments:
    """Longer and shorter answers, and records with many and with few prompts."""
    records: list[Record] = []
    for prompts in (1, 6, 2, 4):
        records.append({part: _pairs(rng, 1 if part == "fact" else prompts, [1, 2, 4], 0.5) for part in PARTS})
    for part in PARTS:
        records[0][part] = [([-0.5, -0.5, -0.5, -0.5], [-1.2])]  # by the sum the other way round
        records[1][part][0] = [-2.5], [-0.9, -0.9, -0.9]
        # The means of the probabilities say the other way round.
        records[2][part][0] = [-0.05, -6.0], [-1.4, -1.4]
    return (records,)


def _nothing_kept(rng: np.random.Generator) -> Arguments:
    """No neighbour is left."""
    (records,) = _one_token(rng)
    for record in records:
        record["neighbour"] = [([-3.0], [-0.1]) for _ in record["neighbour"]]
    return (records,)


def _shares(records: Sequence[Record], number: Number, at_least: bool = False) -> list[list[list[bool]]]:
    """By part and record: which prompts hold, by a number of an answer's tokens."""

    def holds(wanted: list[float], other: list[float]) -> bool:
        return number(wanted) > number(other) or (at_least and number(wanted) == number(other))

    return [[[holds(*pair) for pair in record[part]] for record in records] for part in PARTS]


def _harmonic(values: Sequence[float]) -> float:
    return float(stats.hmean(values)) if min(values) > 0 else 0.0


def _scored(
    number: Number = lambda tokens: float(np.mean(tokens)),
    *,
    pooled: bool = False,
    turned: bool = False,
    whole: bool = False,
    mean: Callable[[Sequence[float]], float] = _harmonic,
) -> Callable[[Sequence[Record]], tuple[float, ...]]:
    def answer(records: Sequence[Record]) -> tuple[float, ...]:
        found = []
        for part, rows in zip(PARTS, _shares(records, number), strict=True):
            every = [hold for row in rows for hold in row]
            by_record = [float(all(row)) if whole else float(np.mean(row)) for row in rows]
            share = float(np.mean(every)) if pooled else float(np.mean(by_record))
            found.append(1 - share if turned and part == "neighbour" else share)
        return (*found, mean(found))

    return answer


_right = _scored()


def _expected(records: Any) -> tuple[float, ...]:
    return _right(records)


SCORES = Exercise(
    id="lab05-q9",
    title="Does it hold, and what else changed",
    difficulty=2,
    minutes=20,
    signature="scores(records)",
    cases=(
        Case(
            name="answers of one token, as many prompts in each record",
            points=1,
            arguments=_one_token,
            expected=_expected,
            hint="In each part the share of prompts at which the wanted answer is above the other one; then the"
            " harmonic mean of the three.",
        ),
        Case(
            name="longer answers, records of different size",
            points=2,
            arguments=_uneven,
            expected=_expected,
            hint="An answer's number is the mean of its tokens' log-probabilities; a part's share is the mean over"
            " records of each record's share.",
        ),
        Case(
            name="no neighbour is kept",
            points=1,
            arguments=_nothing_kept,
            expected=_expected,
            hint="Where one share is 0, the harmonic mean is 0.",
        ),
    ),
    mistakes=(
        Mistake(
            name="tokens-summed",
            hint="The tokens' log-probabilities were summed, so that of two answers the shorter one nearly always wins."
            " Take the mean a token.",
            answer=_scored(lambda tokens: float(np.sum(tokens))),
        ),
        Mistake(
            name="mean-probability",
            hint="The probabilities were averaged. One token that is nearly impossible then hardly counts; take the"
            " mean of the log-probabilities.",
            answer=_scored(lambda tokens: float(np.mean(np.exp(tokens)))),
        ),
        Mistake(
            name="first-token",
            hint="Only the first token of each answer was looked at.",
            answer=_scored(lambda tokens: tokens[0]),
        ),
        Mistake(
            name="pooled",
            hint="All prompts were counted alike, so that a record with many of them weighs more. Take each record's"
            " share first, then the mean.",
            answer=_scored(pooled=True),
        ),
        Mistake(
            name="all-or-nothing",
            hint="A record counted only where all its prompts hold. Take the share of them.",
            answer=_scored(whole=True),
        ),
        Mistake(
            name="arithmetic-mean",
            hint="This is the plain mean of the three. An edit that holds everywhere and spoils every neighbour would"
            " get two thirds; in the harmonic mean the smallest one decides.",
            answer=_scored(mean=lambda values: float(np.mean(values))),
        ),
        Mistake(
            name="geometric-mean",
            hint="This is the geometric mean. Asked is the harmonic one, 3 / (1/a + 1/b + 1/c).",
            answer=_scored(mean=lambda values: float(np.prod(values) ** (1 / 3))),
        ),
        Mistake(
            name="neighbours-turned",
            hint="The neighbours are the wrong way round. There, too, `wanted` is what should lead: the answer that"
            " stays.",
            answer=_scored(turned=True),
        ),
    ),
    hints=(
        'A record is a dict with the keys "fact", "paraphrase" and "neighbour", each a list of pairs of lists:'
        " `for wanted, other in record[part]`.",
        "The harmonic mean of three numbers is 3 over the sum of their inverses, and 0 where one of them is 0.",
    ),
)
