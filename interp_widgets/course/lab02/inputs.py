"""Random games, prompts and scores for the cases of the lab's exercises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.lab02.games import Dividends


def random_numbers(rng: np.random.Generator, *shape: int) -> Tensor:
    """Away from zero, of both signs, so that nothing cancels by chance."""
    return torch.as_tensor(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def linear(rng: np.random.Generator, n: int) -> Dividends:
    """Each token is worth something by itself, whatever else is there; and so is nothing at all."""
    worth = random_numbers(rng, n + 1).tolist()
    return Dividends(n, {(): worth[n], **{(i,): worth[i] for i in range(n)}})


def with_pairs(rng: np.random.Generator, n: int) -> Dividends:
    """A linear game in which some tokens are worth more, or less, together."""
    game = linear(rng, n)
    pairs: dict[tuple[int, ...], float] = {
        (int(min(pair)), int(max(pair))): float(random_numbers(rng)) for pair in _some_pairs(rng, n)
    }
    return Dividends(n, {**game.dividends, **pairs})


def _some_pairs(rng: np.random.Generator, n: int) -> list[tuple[int, int]]:
    order = rng.permutation(n).tolist()
    return list(pairwise(order))[: max(n - 2, 1)]


def any_game(rng: np.random.Generator, n: int) -> Dividends:
    """Every set pays something of its own: no value follows from the others."""
    sets = [tuple(i for i in range(n) if number >> i & 1) for number in range(2**n)]
    return Dividends(n, dict(zip(sets, random_numbers(rng, 2**n).tolist(), strict=True)))


def large_game(rng: np.random.Generator, n: int) -> Dividends:
    """Pairs, and a few large sets."""
    game = with_pairs(rng, n)
    large = {tuple(sorted(rng.choice(n, 4, replace=False).tolist())): float(random_numbers(rng)) for _ in range(4)}
    return Dividends(n, {**game.dividends, **large})


def dummy_and_twins(rng: np.random.Generator, n: int) -> Dividends:
    """The last token changes nothing; the first two are alike, and stand for one another."""
    a, b = (float(random_numbers(rng)) for _ in range(2))
    rest: dict[tuple[int, ...], float] = {(i,): float(random_numbers(rng)) for i in range(2, n - 1)}
    return Dividends(n, {(): float(random_numbers(rng)), (0,): a, (1,): a, (0, 1): -a, (0, 2): b, (1, 2): b, **rest})


def random_sets(rng: np.random.Generator, rows: int, n: int) -> Tensor:
    """(rows, n): all kept, then sets of random size with at least one kept and one gone."""
    kept = torch.ones(rows, n, dtype=torch.bool)
    for row in kept[1:]:
        row[torch.as_tensor(rng.permutation(n)[: rng.integers(1, n)])] = False
    return kept
