"""What a person sets in the steering console: checked, and turned into interventions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from interp_widgets.errors import ArgumentError, OutOfRangeError, not_one_of
from interp_widgets.interventions.base import as_number
from interp_widgets.interventions.steering import Steering
from interp_widgets.steering.console import REACH, Used
from interp_widgets.steering.console_preset import POSITIONS, PROJECTION, SCORE
from interp_widgets.steering.vector import ControlVector

MOST_TOKENS = 256


@dataclass(frozen=True)
class Settings:
    """strengths: name of the vector -> multiples of the mean residual norm, at each layer
    layers: (first, last, step) for all vectors, or None: each its own"""

    prompt: Any
    strengths: Mapping[str, float] = field(default_factory=dict)
    layers: tuple[int, int, int] | None = None
    positions: str = "all"
    keep_norm: bool = False
    max_new_tokens: int = 24
    temperature: float = 0.0
    seed: int = 0
    past: bool = False

    def changed(self, vectors: Sequence[ControlVector], **wishes: Any) -> Settings:
        """With some of them changed, and checked. `strengths` may name some of the vectors only.

        Raises ArgumentError, OutOfRangeError.
        """
        unknown = wishes.keys() - self.__dataclass_fields__.keys()
        if unknown:
            raise ArgumentError(f"{', '.join(sorted(unknown))}: settings are {', '.join(self.__dataclass_fields__)}")
        if "strengths" in wishes:
            names = [v.name for v in vectors]
            given = wishes["strengths"]
            if not isinstance(given, Mapping):
                raise ArgumentError(f"strengths={given!r}: a number for each vector, by its name")
            for name in given:
                if name not in names:
                    raise not_one_of("strengths", name, names)
            numbers = {name: as_number(f"strength of {name}", value) for name, value in given.items()}
            wishes["strengths"] = {**self.strengths, **numbers}
        if wishes.get("layers") is not None:
            wishes["layers"] = _steps(wishes["layers"], vectors)
        found = replace(self, **wishes)
        _check(found)
        for used in described(vectors, found):
            low, high = used.wide if found.past else (used.low, used.high)
            if not low - 1e-9 <= used.strength <= high + 1e-9:
                beyond = "" if found.past else f"; past=True widens that to {used.wide[0]:g} to {used.wide[1]:g}"
                raise ArgumentError(
                    f"strength {used.strength:g} of {used.name!r} is outside {low:g} to {high:g}{beyond}"
                )
        return found

    def plain(self) -> dict[str, Any]:
        """As JSON, without prompt and strengths."""
        document = asdict(self)
        del document["prompt"], document["strengths"]
        return {**document, "layers": None if self.layers is None else list(self.layers)}


def _steps(layers: Any, vectors: Sequence[ControlVector]) -> tuple[int, int, int]:
    known = sorted(set.intersection(*(set(v.layers) for v in vectors)))
    if not isinstance(layers, Sequence) or len(layers) != 3 or not all(type(x) is int for x in layers):
        raise ArgumentError(f"layers={layers!r}: (first, last, step), three whole numbers, or None")
    first, last, step = (int(x) for x in layers)
    if not known or first not in known or last not in known:
        there = f"{known[0]} to {known[-1]}" if known else "none in common"
        raise OutOfRangeError(f"layers={list(layers)}: the vectors have layers {there}")
    if first > last or step < 1:
        raise ArgumentError(f"layers={list(layers)}: from the lower to the higher one, in steps of at least 1")
    return first, last, step


def _check(settings: Settings) -> None:
    if settings.positions not in POSITIONS:
        raise not_one_of("positions", settings.positions, POSITIONS)
    if type(settings.max_new_tokens) is not int or not 1 <= settings.max_new_tokens <= MOST_TOKENS:
        raise ArgumentError(f"max_new_tokens={settings.max_new_tokens!r}: a whole number from 1 to {MOST_TOKENS}")
    if not 0 <= as_number("temperature", settings.temperature) <= 10:
        raise ArgumentError(f"temperature={settings.temperature!r}: 0 (greedy) to 10")
    if type(settings.seed) is not int or settings.seed < 0:
        raise ArgumentError(f"seed={settings.seed!r}: a whole number from 0")


def own_layers(vector: ControlVector) -> tuple[int, ...]:
    """Where a vector acts unless told otherwise: where its bounds were measured, else its best layer."""
    return vector.bounds.layers if vector.bounds is not None else (vector.best_layer,)


def layers_of(vector: ControlVector, settings: Settings) -> tuple[int, ...]:
    if settings.layers is None:
        return own_layers(vector)
    first, last, step = settings.layers
    return tuple(layer for layer in range(first, last + 1, step) if layer in vector.layers)


def described(vectors: Sequence[ControlVector], settings: Settings) -> tuple[Used, ...]:
    """Each vector as these settings use it."""
    found = []
    for vector in vectors:
        layers, bounds = layers_of(vector, settings), vector.bounds
        measured = bounds is not None and bounds.layers == layers
        # Bounds of other layers say nothing here.
        low, high = (
            (min(bounds.low, 0.0), max(bounds.high, 0.0)) if bounds is not None and measured else (-REACH, REACH)
        )
        found.append(
            Used(
                name=vector.name,
                poles=vector.poles,
                strength=float(settings.strengths.get(vector.name, 0.0)),
                layers=layers,
                low=float(low),
                high=float(high),
                measured=bounds.measured if bounds is not None and measured else (),
                limit=bounds.limit if bounds is not None and measured else 0.0,
                score_layer=vector.best_layer,
                unit=SCORE if has_scale(vector) else PROJECTION,
            )
        )
    return tuple(found)


def has_scale(vector: ControlVector) -> bool:
    """Whether its scores have the scale of fitting pairs: sums and imported vectors have none."""
    gap = float(vector.half_gap[vector.layers.index(vector.best_layer)])
    return math.isfinite(gap) and gap != 0


def interventions(vectors: Sequence[ControlVector], settings: Settings) -> list[Steering]:
    """What steers; nothing for a strength of 0. The card tells of strengths past the bounds, so nothing warns here."""
    return [
        vector.with_bounds(None).steer(
            layers=used.layers, strength=used.strength, positions=settings.positions, keep_norm=settings.keep_norm
        )
        for vector, used in zip(vectors, described(vectors, settings), strict=True)
        if used.strength != 0
    ]


def grid_axes(vector: ControlVector, used: Used, layers: int = 6, strengths: int = 7) -> tuple[list[int], list[float]]:
    """Layers spread over the depth (the best one among them), and strengths over the slider's range (0 among them)."""
    known = np.asarray(vector.layers)
    places = np.linspace(0, len(known) - 1, min(layers, len(known)) + 2)[1:-1].round().astype(int)
    chosen = {int(layer) for layer in known[places]}
    nearest = min(chosen, key=lambda layer: abs(layer - vector.best_layer))
    rows = sorted(chosen - {nearest} | {vector.best_layer})
    half = strengths // 2
    low, high = (bound if bound else sign * REACH for bound, sign in ((used.low, -1), (used.high, 1)))
    across = [low * (half - i) / half for i in range(half)] + [high * i / half for i in range(half + 1)]
    return rows, [round(x, 4) + 0.0 for x in across]
