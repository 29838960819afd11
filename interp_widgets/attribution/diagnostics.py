"""Measurements that say whether scores may be believed; `verdicts` makes a word of them.

Comprehensiveness and sufficiency (DeYoung et al. 2020, equations 1 and 2), over several k and ways of deleting:

    comprehensiveness   F(x) - F(x without the k highest)     large if what is ranked high matters
    sufficiency         F(x) - F(x with only the k highest)   small if what is ranked low does not
    quality             comprehensiveness - sufficiency

Quality depends on the prompt as much as on the scores, so it is held against random orders of the same tokens, each
with its reverse, which cancels most of their chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interp_widgets.models.question import Question

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

PARTS = (0.1, 0.25, 0.5)  # of the prompt that k covers
TEST_WAYS = ("random", "mask")  # most methods delete by end-of-text: none is judged by its own way only
TEST_DRAW = 1_000  # the test's random tokens are not those of the methods


class Answers(Protocol):
    """What a test asks: a Perturber, or one that makes a single number of several."""

    question: Question

    def without(self, gone: Bools, way: str, draw: int = 0) -> Floats: ...


def completeness_error(scores: Floats, due: float) -> float:
    """|sum of scores - due| / max(|due|, 1 % of the sum of |scores|): 0 is perfect. The second term keeps a
    vanishing `due` from making noise of rounding look like a failure."""
    total = float(scores.sum())
    scale = max(abs(due), 0.01 * float(np.abs(scores).sum()), 1e-12)
    return abs(total - due) / scale


def counts(units: int, parts: Sequence[float] = PARTS) -> list[int]:
    """The values of k, each from 1 to units - 1; none for a single unit."""
    return sorted({min(max(1, round(units * part)), units - 1) for part in parts} - {0})


def deletions(orders: NDArray[np.int64], ks: Sequence[int]) -> Bools:
    """Which units are gone, (orders, 2, k, units): without the k first of each order, then with only these."""
    place = np.argsort(orders, axis=1)
    first = place[:, None, :] < np.asarray(ks)[None, :, None]
    return np.stack([first, ~first], axis=1)


@dataclass(frozen=True)
class WayTest:
    """One way of deleting: comprehensiveness and sufficiency of the scores' order, mean over k, and the quality of
    random orders: its mean, and the standard error of that mean."""

    way: str
    comprehensiveness: float
    sufficiency: float
    random: float
    random_error: float

    @property
    def quality(self) -> float:
        return self.comprehensiveness - self.sufficiency

    @property
    def margin(self) -> float:
        """By how much the order beats random ones."""
        return self.quality - self.random


@dataclass(frozen=True)
class Faithfulness:
    """What was measured in each way of deleting; `pairs` random orders and their reverses were drawn."""

    ways: tuple[WayTest, ...]
    pairs: int

    @property
    def quality(self) -> float:
        return float(np.mean([test.quality for test in self.ways]))

    @property
    def random(self) -> float:
        return float(np.mean([test.random for test in self.ways]))

    @property
    def margin(self) -> float:
        """The least over the ways."""
        return min(test.margin for test in self.ways)

    def numbers(self) -> dict[str, float]:
        """For `result.diagnostics`."""
        found = {
            "comprehensiveness": float(np.mean([test.comprehensiveness for test in self.ways])),
            "sufficiency": float(np.mean([test.sufficiency for test in self.ways])),
            "quality": self.quality,
            "quality_random": self.random,
        }
        return found | {f"margin_{test.way}": test.margin for test in self.ways}


def rows_of_test(units: int, pairs: int, ways: Sequence[str] = TEST_WAYS) -> int:
    """How many changed prompts `faithfulness` evaluates at most: equal ones are evaluated once."""
    return len(ways) * 2 * len(counts(units)) * (1 + 2 * pairs)


def faithfulness(
    perturber: Answers,
    scores: Floats,
    member: Bools,
    *,
    seed: int,
    pairs: int,
    ways: Sequence[str] = TEST_WAYS,
    parts: Sequence[float] = PARTS,
) -> Faithfulness | None:
    """Test the order of scores (units,), highest first; member (units, tokens) says which tokens each unit has.

    None for a single unit, which has no order. Raises NonFiniteError, MemoryExhaustedError, Cancelled.
    """
    n = len(scores)
    ks = counts(n, parts)
    if not ks:
        return None
    chance = np.random.default_rng(seed)
    drawn = [chance.permutation(n) for _ in range(pairs)]
    orders = np.asarray([np.argsort(-scores, kind="stable"), *(o for one in drawn for o in (one, one[::-1]))])
    gone = deletions(orders, ks).reshape(-1, n) @ member
    value = perturber.question.value
    tests = []
    for way in ways:
        left = perturber.without(gone, way, TEST_DRAW).reshape(len(orders), 2, len(ks))
        comprehensiveness, sufficiency = (value - left).mean(2).T
        random = (comprehensiveness - sufficiency)[1:].reshape(pairs, 2).mean(1)
        tests.append(
            WayTest(
                way=way,
                comprehensiveness=float(comprehensiveness[0]),
                sufficiency=float(sufficiency[0]),
                random=float(random.mean()),
                random_error=float(random.std(ddof=1) / np.sqrt(pairs)) if pairs > 1 else float("nan"),
            )
        )
    return Faithfulness(tuple(tests), pairs)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's; nan where either gives every unit the same score."""
    from scipy.stats import rankdata

    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def stability(one: Floats, other: Floats) -> float:
    """How much the order of the whole would repeat with another seed, from the scores of two halves of the samples:
    their rank correlation, stepped up to the full number (Spearman 1910; Brown 1910); nan where there is no order."""
    r = rank_correlation(one, other)
    return r if np.isnan(r) or r < 0 else 2 * r / (1 + r)  # below zero there is nothing to step up
