"""The methods by name, with what each costs and promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.integrated_gradients import BASELINES, QUADRATURES
from interp_widgets.attribution.perturbation import WAYS, Perturber
from interp_widgets.errors import not_one_of
from interp_widgets.models.question import Question

__all__ = ["AUTO", "BASELINES", "QUADRATURES", "WAYS", "Method", "Scores", "Work", "describe", "find", "register"]

# What method="auto" means: the best by benchmarks/attribution_quality.py within the cost of 50 passes with gradient;
# for prompts of many units, where it would cost more, the best of those that need no pass for each.
AUTO = "two_sided_occlusion"
_AUTO_BY_UNITS = ((30, AUTO), (90, "leave_one_out"))
_AUTO_LONG = "relevance"

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Work:
    """What a method gets beside the question.

    settings: those that it takes; units: bool, (units, tokens), the tokens of each unit that is deleted as one;
    names: the units' texts; perturber: answers for changed prompts; batch_size: rows of a pass with gradient;
    advance: whom to tell of progress.
    """

    settings: dict[str, Any]
    seed: int
    batch_size: int
    advance: Callable[[int, int, str], None]
    perturber: Perturber
    units: Bools
    names: tuple[str, ...]

    def without(self, gone: Bools, draw: int = 0) -> Floats:
        """The number explained, (rows,), without the units in each row of `gone` (rows, units), deleted as the
        setting `delete` says."""
        return self.perturber.without(gone @ self.units, self.settings["delete"], draw)


@dataclass(frozen=True)
class Scores:
    """What a method gives: float64 scores, for each unit (units,) if it deletes units, else for each token.

    due: what they promise to sum to, if they do; interval: (units, 2), 95 % confidence; stability: rank correlation
    between two halves of the samples, where there are samples; forward_passes: its own, beside the perturber's;
    test_ways: ways of deleting that fit the question better than the usual ones.
    """

    scores: Floats
    due: float | None = None
    interval: Floats | None = None
    stability: float | None = None
    diagnostics: dict[str, float] = field(default_factory=dict)
    forward_passes: int = 0
    batch_size: int | None = None
    notes: tuple[str, ...] = ()
    test_ways: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Method:
    """One attribution method.

    settings: what it takes of `iw.attribute`'s settings; gradient: whether it needs a backward pass; random: whether
    its scores depend on the seed; by_units: whether it deletes units (tokens, words, ...) as one, so that grouping
    makes it cheaper; cost: in words; promises: what its scores guarantee; passes: of (units, settings), how many
    evaluations of the question it takes; share: how much of an evaluation it computes on average;
    deletes_by: its way of deleting when none is asked for; explains: the function of a target without foil when none is
    asked for (None: the logit of a single token);
    advice: of (question, settings), paragraphs on what may be wrong and what to do.
    """

    name: str
    label: str
    settings: tuple[str, ...]
    cost: str
    promises: str
    source: str
    passes: Callable[[int, dict[str, Any]], int]
    run: Callable[[Question, Work], Scores]
    gradient: bool = False
    random: bool = False
    by_units: bool = False
    share: float = 1.0
    deletes_by: str = "eos"
    explains: str | None = None
    advice: Callable[[Question, dict[str, Any]], list[str]] = lambda question, settings: []


_METHODS: dict[str, Method] = {}


def register(method: Method) -> Method:
    _METHODS[method.name] = method
    return method


def find(name: str, parts: int = 1) -> Method:
    """The method by its name; "auto" is the one for a prompt of so many units. Raises ArgumentError offering the
    nearest name."""
    _load()
    wanted = auto(parts) if name == "auto" else name
    if not isinstance(wanted, str) or wanted not in _METHODS:
        raise not_one_of("method", name, ["auto", *_METHODS])
    return _METHODS[wanted]


def auto(parts: int) -> str:
    """What method="auto" means for a prompt of so many units."""
    return next((name for most, name in _AUTO_BY_UNITS if parts <= most), _AUTO_LONG)


def describe() -> list[Method]:
    """All methods, the default one first."""
    _load()
    return sorted(_METHODS.values(), key=lambda method: method.name != AUTO)


def attribution_methods() -> list[dict[str, str]]:
    """The methods of `iw.attribute`: name, cost, what they promise, and the source."""
    return [{"name": m.name, "cost": m.cost, "promises": m.promises, "source": m.source} for m in describe()]


def _load() -> None:
    # Each registers itself when imported.
    from interp_widgets.attribution import (  # noqa: F401
        gradients,
        leave_one_out,
        lime,
        partition_shap,
        path_methods,
        relevance,
        rescaled,
        rollout,
        shapley,
        two_sided,
    )
