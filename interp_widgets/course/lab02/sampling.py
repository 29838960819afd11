"""Exercise 5: Shapley values from some orders, with an interval.

References: plain loops over the orders, and scipy's one-sample t-test for the interval; closed forms where orders in
pairs are exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab02.games import Dividends
from interp_widgets.course.lab02.inputs import any_game, linear, with_pairs

Floats = NDArray[np.float64]
Answer = tuple[Tensor, Tensor]
_LEVEL = 0.95


def _some_orders(game: Callable[[np.random.Generator, int], Dividends], n: int, pairs: int) -> Callable[..., Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        return game(rng, n), torch.as_tensor(np.stack([rng.permutation(n) for _ in range(pairs)]))

    return arguments


def _walk(v: Dividends, order: list[int], by_token: bool = True) -> Floats:
    """(tokens,): what each token adds in this order, one set after the other."""
    added = np.zeros(len(order))
    for place, token in enumerate(order):
        before, after = v.kept_of(order[:place], order[: place + 1]).tolist()
        added[token if by_token else place] = after - before
    return added


def _pairs(v: Dividends, orders: Tensor, by_token: bool = True) -> Floats:
    """(pairs, tokens): the mean of each order and its reverse."""
    return np.stack([(_walk(v, o, by_token) + _walk(v, o[::-1], by_token)) / 2 for o in orders.tolist()])


def _with_interval(samples: Floats) -> Answer:
    test = stats.ttest_1samp(samples, 0.0, axis=0)
    low, high = test.confidence_interval(_LEVEL)
    return torch.as_tensor(samples.mean(0)), torch.as_tensor((high - low) / 2)


def _sampled(v: Dividends, orders: Tensor) -> Answer:
    samples = _pairs(v, orders)
    if np.ptp(samples, axis=0).max() < 1e-9:  # scipy warns of samples that are all alike
        return torch.as_tensor(samples.mean(0)), torch.zeros(samples.shape[1], dtype=torch.float64)
    return _with_interval(samples)


def _exact(v: Dividends, orders: Tensor) -> Answer:
    return v.shapley(), torch.zeros(v.n, dtype=torch.float64)


def _half(v: Dividends, orders: Tensor, factor: Callable[[int], float]) -> Answer:
    """The right scores with another width."""
    scores, half = _sampled(v, orders)
    return scores, half * factor(len(orders))


def _t(m: int) -> float:
    return float(stats.t.ppf((1 + _LEVEL) / 2, m - 1))


SAMPLED = Exercise(
    id="lab02-q5",
    title="Sampling, with an interval",
    difficulty=3,
    minutes=25,
    signature="sampled(v, orders)",
    cases=(
        Case(
            name="five tokens, every set with a value of its own, six orders and their reverses",
            points=2,
            arguments=_some_orders(any_game, 5, 6),
            expected=_sampled,
            hint="The scores are the mean over the pairs; the half width is t(0.975, pairs − 1) times the standard"
            " deviation of the pairs' means (with pairs − 1), divided by the root of their number.",
        ),
        Case(
            name="a linear game: exact, and no doubt about it",
            points=1,
            arguments=_some_orders(linear, 6, 3),
            expected=_exact,
            absolute=1e-7,
            hint="In a linear game every order gives the same, so the width is 0.",
        ),
        Case(
            name="tokens that act in pairs: an order and its reverse are exact together",
            points=1,
            arguments=_some_orders(with_pairs, 6, 3),
            expected=_exact,
            absolute=1e-7,
            hint="Of two tokens that act together the later one gets all: once this one, and in the reverse the other.",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-reverse",
            hint="The orders were walked forwards only. Walk each one backwards too: that is what makes them pairs.",
            answer=lambda v, orders: _with_interval(np.stack([_walk(v, order) for order in orders.tolist()])),
        ),
        Mistake(
            name="no-pairs",
            hint="An order and its reverse were counted as two samples. They depend on one another: their mean is one"
            " sample.",
            answer=lambda v, orders: _with_interval(
                np.stack([_walk(v, one) for order in orders.tolist() for one in (order, order[::-1])])
            ),
        ),
        Mistake(
            name="deviation-not-error",
            hint="This is how much single samples vary. Their mean varies less: divide by the root of their number.",
            answer=lambda v, orders: _half(v, orders, lambda m: m**0.5),
        ),
        Mistake(
            name="normal-not-t",
            hint="1.96 holds for very many samples. With few, take the t distribution with pairs − 1 degrees of"
            " freedom.",
            answer=lambda v, orders: _half(v, orders, lambda m: float(stats.norm.ppf((1 + _LEVEL) / 2)) / _t(m)),
        ),
        Mistake(
            name="biased-deviation",
            hint="The standard deviation was divided by the number of samples. From a sample, divide by one less:"
            " `correction=1` in torch, `ddof=1` in NumPy.",
            answer=lambda v, orders: _half(v, orders, lambda m: ((m - 1) / m) ** 0.5),
        ),
        Mistake(
            name="one-sided",
            hint="t was taken at 0.95, which leaves 5 % at each end. Take it at 0.975.",
            answer=lambda v, orders: _half(v, orders, lambda m: float(stats.t.ppf(_LEVEL, m - 1)) / _t(m)),
        ),
        Mistake(
            name="whole-width",
            hint="This is the width of the whole interval. Half of it is asked for.",
            answer=lambda v, orders: _half(v, orders, lambda m: 2.0),
        ),
        Mistake(
            name="by-place",
            hint="Contributions were gathered by place in the order. They belong to the token that stands there.",
            answer=lambda v, orders: _with_interval(_pairs(v, orders, by_token=False)),
        ),
    ),
    hints=(
        "Walk one order as in exercise 2; `order.flip(0)` is its reverse.",
        "Keep one row for each pair, the mean of both walks: (pairs, n). Scores are its mean over the rows.",
        "`scipy.stats.t.ppf(0.975, m - 1) * rows.std(0) / m ** 0.5` with m pairs; torch's `std` divides by m − 1.",
    ),
)
