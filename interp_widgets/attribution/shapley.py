"""Shapley values (Shapley 1953; for models Strumbelj and Kononenko 2010).

    score_i = mean over all orders of  F(those before i, and i) - F(those before i)

Exact over all 2^n sets for 12 units or fewer; else over sampled orders, each with its reverse (antithetic; Mitchell et
al. 2022, section 3), with a 95 % confidence interval for each unit from the pairs.  Both sum to F(x) - F(nothing).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from interp_widgets.attribution.diagnostics import stability
from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.question import Question

EXACT = 12  # units: 4,096 evaluations
PERMUTATIONS = 50
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def all_sets(units: int) -> Bools:
    """Every set of kept units, (2^units, units); bit i of a row's number says whether unit i is kept."""
    sets: Bools = (np.arange(2**units)[:, None] >> np.arange(units)) & 1 == 1
    return sets


def exact(values: Floats, units: int) -> Floats:
    """Shapley values from the value of every set, numbered as in `all_sets`."""
    number = np.arange(2**units)
    size = all_sets(units).sum(1)
    weight = np.asarray([1 / (units * math.comb(units - 1, k)) if k < units else 0.0 for k in range(units + 1)])[size]
    scores = np.empty(units)
    for i in range(units):
        out = number[(number >> i) & 1 == 0]
        scores[i] = weight[out] @ (values[out | (1 << i)] - values[out])
    return scores


def orders(units: int, permutations: int, seed: int) -> NDArray[np.int64]:
    """(permutations, units): random orders, each followed by its reverse."""
    chance = np.random.default_rng(seed)
    some = [chance.permutation(units) for _ in range((permutations + 1) // 2)]
    return np.asarray([order for one in some for order in (one, one[::-1])], dtype=np.int64)


def chains(order: NDArray[np.int64]) -> Bools:
    """Kept units after each step of each order (orders, units + 1, units), from none to all."""
    place = np.argsort(order, axis=1)
    return place[:, None, :] < np.arange(order.shape[1] + 1)[None, :, None]


def contributions(order: NDArray[np.int64], values: Floats) -> Floats:
    """(orders, units): what each unit adds in each order, from the values along the chains (orders, units + 1)."""
    added = np.empty(order.shape)
    np.put_along_axis(added, order, np.diff(values, axis=1), axis=1)
    return added


def interval(added: Floats, level: float = 0.95) -> Floats:
    """(units, 2): confidence interval of the mean; an order and its reverse are one sample."""
    pairs = added.reshape(-1, 2, added.shape[1]).mean(1)
    if len(pairs) < 2:
        return np.stack([np.full(added.shape[1], -np.inf), np.full(added.shape[1], np.inf)], axis=1)
    half = student.ppf((1 + level) / 2, len(pairs) - 1) * pairs.std(0, ddof=1) / math.sqrt(len(pairs))
    return np.stack([pairs.mean(0) - half, pairs.mean(0) + half], axis=1)


def _permutations(settings: dict[str, Any]) -> int:
    asked = int(settings["samples"] or PERMUTATIONS)
    return asked + asked % 2


def _run(question: Question, work: Work) -> Scores:
    n = len(work.units)
    if n <= EXACT:
        values = work.without(~all_sets(n))
        scores = exact(values, n)
        return Scores(scores, due=question.value - float(values[0]), interval=np.stack([scores, scores], axis=1))
    order = orders(n, _permutations(work.settings), work.seed)
    kept = chains(order)
    values = work.without(~kept.reshape(-1, n)).reshape(len(order), n + 1)
    added = contributions(order, values)
    pairs = added.reshape(-1, 2, n).mean(1)
    return Scores(
        added.mean(0),
        due=question.value - float(values[0, 0]),
        interval=interval(added),
        stability=stability(pairs[0::2].mean(0), pairs[1::2].mean(0)) if len(pairs) >= 4 else None,
    )


SHAPLEY = register(
    Method(
        name="shapley",
        label="Shapley values",
        settings=("delete", "samples"),
        random=True,
        by_units=True,
        explains="log-probability",
        cost="exact, 2^tokens forward, for 12 tokens or fewer; else samples (50 orders) x tokens forward",
        promises="completeness: scores sum to the difference between the prompt and nothing; a 95 % interval for each",
        source="Shapley 1953; Strumbelj and Kononenko 2010, equation 4; Mitchell et al. 2022, section 3",
        passes=lambda units, settings: 2**units if units <= EXACT else _permutations(settings) * (units - 1) + 1,
        run=_run,
    )
)
