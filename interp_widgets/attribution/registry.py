"""The methods by name, with what each costs and promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.integrated_gradients import BASELINES, QUADRATURES, not_one_of
from interp_widgets.attribution.target import Question
from interp_widgets.results.provenance import Verdict

__all__ = ["AUTO", "BASELINES", "QUADRATURES", "Method", "Scores", "Work", "describe", "find", "register"]

AUTO = "integrated_gradients"  # what method="auto" means


@dataclass(frozen=True)
class Work:
    """What a method gets beside the question: its settings, seed and batch size, and whom to tell of progress."""

    settings: dict[str, Any]
    seed: int
    batch_size: int
    advance: Callable[[int, int, str], None]


@dataclass(frozen=True)
class Scores:
    """What a method gives: float64 scores (tokens,), measured diagnostics, the verdict, and its cost.

    forward_passes counts all; `test_passes` of them belong to a test of the scores and have no way back.
    """

    scores: NDArray[np.float64]
    diagnostics: dict[str, float]
    verdict: Verdict
    forward_passes: int
    batch_size: int
    test_passes: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """One attribution method.

    settings: which of baseline, steps and quadrature it takes; gradient: whether it needs a backward pass;
    cost: forward passes in words; promises: what its scores guarantee; passes: for (tokens, steps, passes of one
    evaluation), how many the scores take, and how many more a test of them that may follow.
    """

    name: str
    label: str
    settings: tuple[str, ...]
    gradient: bool
    cost: str
    promises: str
    source: str
    passes: Callable[[int, int, int], tuple[int, int]]
    run: Callable[[Question, Work], Scores]


_METHODS: dict[str, Method] = {}


def register(method: Method) -> Method:
    _METHODS[method.name] = method
    return method


def find(name: str) -> Method:
    """The method by its name; "auto" is the default one. Raises ArgumentError offering the nearest name."""
    _load()
    wanted = AUTO if name == "auto" else name
    if not isinstance(wanted, str) or wanted not in _METHODS:
        raise not_one_of("method", name, ["auto", *_METHODS])
    return _METHODS[wanted]


def describe() -> list[Method]:
    """All methods, the default one first."""
    _load()
    return sorted(_METHODS.values(), key=lambda method: method.name != AUTO)


def attribution_methods() -> list[dict[str, str]]:
    """The methods of `iw.attribute`: name, cost, what they promise, and the source."""
    return [{"name": m.name, "cost": m.cost, "promises": m.promises, "source": m.source} for m in describe()]


def _load() -> None:
    from interp_widgets.attribution import path_methods  # noqa: F401  # each registers itself when imported
