"""Exercises 2 and 3: Shapley values by orders and by sets.

References: closed forms of games given by dividends, which know neither orders nor weights (see `games.Dividends`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from interp_widgets.course.compare import Miss
from interp_widgets.course.exercise import Case, Exercise, Mistake
from interp_widgets.course.lab02.games import Dividends
from interp_widgets.course.lab02.inputs import any_game, dummy_and_twins, large_game, with_pairs


def _shapley(v: Dividends, n: int) -> Tensor:
    return v.shapley()


def _leave_one_out(v: Dividends, n: int) -> Tensor:
    everything = range(n)
    whole = v.kept_of(everything)
    return whole - v.kept_of(*[[j for j in everything if j != i] for i in everything])


def _alone(v: Dividends, n: int) -> Tensor:
    return v.kept_of(*[[i] for i in range(n)]) - v.kept_of([])


def _one_order(v: Dividends, n: int) -> Tensor:
    return v.kept_of(*[range(k) for k in range(n + 1)]).diff()


def _by_place(v: Dividends, n: int) -> Tensor:
    """What the first, second, ... to come adds on average: the mean value of a set of each size, less the one
    before."""
    means = [v.kept_of(*combinations(range(n), size)).mean() for size in range(n + 1)]
    return torch.stack(means).diff()


def _weighted(v: Dividends, n: int, weight: Callable[[int], float]) -> Tensor:
    """Sum over the sets without i of weight(size) times what i adds."""
    scores = torch.zeros(n, dtype=torch.float64)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            sets = list(combinations(others, size))
            added = v.kept_of(*[[*one, i] for one in sets]) - v.kept_of(*sets)
            scores[i] += weight(size) * added.sum()
    return scores


_LEAVE_ONE_OUT = Mistake(
    name="leave-one-out",
    hint="This is what each token adds to all the others: one of many contributions. Take the mean over all of them.",
    answer=_leave_one_out,
)
_WRONG_SIGN = Mistake(
    name="wrong-sign",
    hint="The signs are turned: a contribution is the value with the token less the value without it.",
    answer=lambda v, n: -_shapley(v, n),
)

ORDERS = Exercise(
    id="lab02-q2",
    title="All orders, by hand",
    difficulty=2,
    minutes=20,
    signature="by_orders(v, n)",
    cases=(
        Case(
            name="four tokens, of which some are worth more together",
            points=1,
            arguments=lambda rng: (with_pairs(rng, 4), 4),
            expected=_shapley,
            hint="In each of the 24 orders, the token at each place adds v(it and all before it) − v(all before it).",
        ),
        Case(
            name="four tokens, every set with a value of its own",
            points=2,
            arguments=lambda rng: (any_game(rng, 4), 4),
            expected=_shapley,
            hint="The mean over all 24 orders, gathered by token and not by place.",
        ),
    ),
    mistakes=(
        Mistake(
            name="sum-not-mean",
            hint="The sum over the orders is too large by their number, n!: take the mean.",
            answer=lambda v, n: math.factorial(n) * _shapley(v, n),
        ),
        Mistake(
            name="one-order",
            hint="Only one order was walked, 0, 1, 2, ...: in it the early tokens meet no others. Walk all of them.",
            answer=_one_order,
        ),
        Mistake(
            name="by-place",
            hint="Contributions were gathered by place in the order. They belong to the token that stands there.",
            answer=_by_place,
        ),
        Mistake(
            name="empty-is-zero",
            hint="The first token's contribution is v({i}) less v of nothing, and v of nothing is not 0.",
            answer=lambda v, n: _shapley(v, n) + v.kept_of([]) / n,
        ),
        Mistake(
            name="alone",
            hint="This is what each token adds when it comes first. Take the mean over all places where it can come.",
            answer=_alone,
        ),
        _LEAVE_ONE_OUT,
        _WRONG_SIGN,
    ),
    hints=(
        "`itertools.permutations(range(n))` gives all orders.",
        "Along one order, `kept = torch.zeros(n + 1, n, dtype=torch.bool)` with one more True in each row has all its"
        " sets; `v(kept).diff()` what each place adds.",
        "`scores[list(order)] += ...` gives it to the tokens; divide by the number of orders at the end.",
    ),
)


def _each_set_once(value: Any, v: Dividends, n: int) -> None:
    if v.rows > 2**n:
        raise Miss(
            f"v was asked for {v.rows:,} sets; there are {2**n:,}",
            mistake="asked-again",
        )


SUBSETS = Exercise(
    id="lab02-q3",
    title="Exact Shapley values by sets",
    difficulty=3,
    minutes=30,
    signature="shapley(v, n)",
    cases=(
        Case(
            name="four tokens, every set with a value of its own",
            points=1,
            arguments=lambda rng: (any_game(rng, 4), 4),
            expected=_shapley,
            hint="For each token, the sum over the sets S without it of |S|! (n − |S| − 1)! / n! times what it adds.",
        ),
        Case(
            name="a token that changes nothing gets 0, and two that are alike get the same",
            points=1,
            arguments=lambda rng: (dummy_and_twins(rng, 5), 5),
            expected=_shapley,
            absolute=1e-9,
            hint="The weight depends on the size of the set alone.",
        ),
        Case(
            name="ten tokens, each of the 1,024 sets asked for once",
            points=2,
            arguments=lambda rng: (large_game(rng, 10), 10),
            expected=_shapley,
            judge=_each_set_once,
            hint="The same formula for n = 10; the weights of one token's 512 sets sum to 1.",
        ),
    ),
    mistakes=(
        Mistake(
            name="asked-again",
            hint="Each set is needed by many tokens. Ask for all values once, and look them up.",
        ),
        Mistake(
            name="plain-mean",
            hint="Every set has the same weight here. Large and small sets are few and medium ones many; each *size*"
            " must count the same, so a set's weight is |S|! (n − |S| − 1)! / n!.",
            answer=lambda v, n: _weighted(v, n, lambda size: 1 / 2 ** (n - 1)),
        ),
        Mistake(
            name="no-factorial",
            hint="The weights do not sum to 1: n! is missing in the denominator.",
            answer=lambda v, n: math.factorial(n) * _shapley(v, n),
        ),
        Mistake(
            name="sum-not-weighted",
            hint="The contributions were added up without a weight.",
            answer=lambda v, n: _weighted(v, n, lambda size: 1.0),
        ),
        Mistake(
            name="no-minus-one",
            hint="(n − |S|)! counts the token itself among those that come later. There are n − |S| − 1 of them.",
            answer=lambda v, n: _weighted(
                v, n, lambda size: math.factorial(size) * math.factorial(n - size) / math.factorial(n)
            ),
        ),
        _LEAVE_ONE_OUT,
        _WRONG_SIGN,
    ),
    hints=(
        "Number the sets from 0 to 2ⁿ − 1 and let bit i say whether token i is in: then set number s with token i is"
        " `s | (1 << i)`.",
        "`lab02.all_sets(n)` gives all sets in that order; one call of v gives all values.",
        "`sizes = lab02.all_sets(n).sum(1)`; for token i, pick the numbers s with `(s >> i) & 1 == 0`.",
    ),
    seconds=20.0,
)

EXACT = (ORDERS, SUBSETS)
