"""Games with a known answer, asked as methods that delete units ask a perturber."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.registry import Work
from tests.attribution.formulas import ignore

Floats = NDArray[np.float64]
Game = Callable[[NDArray[np.bool_]], float]  # of the units that are kept, (units,)


class Answers:
    """Tells a game's value for each set of units, and how many sets were asked for."""

    def __init__(self, game: Game, units: int) -> None:
        self.game, self.rows = game, 0
        self.question: Any = SimpleNamespace(value=game(np.ones(units, dtype=bool)))

    def without(self, gone: NDArray[np.bool_], way: str, draw: int = 0) -> Floats:
        self.rows += len(gone)
        return np.asarray([self.game(~row) for row in gone])


def played(method: Any, game: Game, units: int, seed: int = 0, **settings: Any) -> Any:
    """What a method that deletes units says of a game."""
    answers: Any = Answers(game, units)
    work = Work(
        settings={"delete": "eos", "samples": None, **settings},
        seed=seed,
        batch_size=1,
        advance=ignore,
        perturber=answers,
        units=np.eye(units, dtype=bool),
        names=tuple(f" unit{i}" for i in range(units)),
    )
    return method.run(answers.question, work)


def of_all_orders(game: Game, units: int) -> Floats:
    """Shapley values by their definition: what each unit adds, over every order."""
    scores = np.zeros(units)
    for order in permutations(range(units)):
        kept = np.zeros(units, dtype=bool)
        before = game(kept)
        for unit in order:
            kept[unit] = True
            after = game(kept)
            scores[unit] += after - before
            before = after
    return scores / math.factorial(units)


def random_game(units: int, seed: int = 0) -> Game:
    """Any number for any set."""
    values = np.random.default_rng(seed).normal(size=2**units)
    return lambda kept: float(values[int(kept @ (1 << np.arange(units)))])


def additive(worths: Any) -> Game:
    return lambda kept: float(kept @ np.asarray(worths))
