"""`ControlVector`: a direction for each layer, with what is needed to use it in units that compare over layers.

A vector does nothing by itself.  `steer` makes an intervention of it, for `lm.ledger.add` or `lm.using`;
`lm.steered(v, ...)` is both in one.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets import storage
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError, OutOfRangeError
from interp_widgets.interventions.base import as_number
from interp_widgets.interventions.steering import Condition, Steering
from interp_widgets.models.prompts import Prompt
from interp_widgets.steering import gguf
from interp_widgets.steering.directions import unit_rows

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
_KIND, _VERSION = "control vector", 1


class SteeringWarning(UserWarning):
    """A strength past what was measured to be safe, or a vector fitted under other interventions than those active."""


@dataclass(frozen=True)
class Bounds:
    """The strengths that keep the damage under a limit, as measured by `iw.evaluate_steering`.

    layers: where the vector acted; low, high: strengths, in multiples of the mean residual norm; limit: the largest
    ratio of perplexity on neutral text to the unsteered one; measured: ((strength, that ratio), ...).
    """

    layers: tuple[int, ...]
    low: float
    high: float
    limit: float
    measured: tuple[tuple[float, float], ...]

    def at(self, strength: float) -> tuple[float, float]:
        """The measured (strength, ratio) that is nearest to a strength."""
        return min(self.measured, key=lambda one: abs(one[0] - strength))


@dataclass(frozen=True, eq=False, kw_only=True)
class ControlVector:
    """A direction for each layer, in the order of `layers`.

    matrix: float32, (layers, width); of unit length as fitted; sums and multiples have other lengths
    norm: float64, (layers,), mean norm of the residual stream: strengths are multiples of it
    middle, half_gap: float64, (layers,); projections of the fitting states: the midpoint of the means of positives and
        negatives, and half their distance; nan where not known (sums, imported vectors)
    accuracy, separation: float64, (layers,), cross-validated: share of the pairs ordered right, and d'; nan likewise
    best_layer: where `steer` acts unless told otherwise
    model, model_type, fingerprint: of the model that it belongs to; fitted_under: what was active on it then
    """

    name: str
    poles: tuple[str, str]
    method: str
    pairs: int
    layers: tuple[int, ...]
    matrix: NDArray[np.float32]
    norm: Floats
    middle: Floats
    half_gap: Floats
    accuracy: Floats
    separation: Floats
    best_layer: int
    model: str
    fingerprint: str
    model_type: str = ""
    fitted_under: tuple[str, ...] = ()
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.matrix).all():
            raise ArgumentError(f"directions of {self.name!r} hold NaN or infinity")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.setflags(write=False)
                object.__setattr__(self, field.name, value)

    def __repr__(self) -> str:
        return (
            f"<ControlVector {self.name!r}: {self.method} of {self.pairs} pairs, {len(self.layers)} layers of width"
            f" {self.matrix.shape[1]}, best layer {self.best_layer}, {self.model}>"
        )

    @property
    def directions(self) -> Mapping[int, NDArray[np.float32]]:
        """layer -> (width,)."""
        return dict(zip(self.layers, self.matrix, strict=True))

    # Algebra

    def __add__(self, other: ControlVector) -> ControlVector:
        """Both traits at once: the directions are added, not scaled back to unit length."""
        rows, others = self._common(other)
        return self._made(f"{self.name} + {other.name}", rows, self.matrix[rows] + other.matrix[others])

    def __sub__(self, other: ControlVector) -> ControlVector:
        rows, others = self._common(other)
        return self._made(f"{self.name} - {other.name}", rows, self.matrix[rows] - other.matrix[others])

    def __mul__(self, factor: float) -> ControlVector:
        number = as_number("factor", factor)
        everything = list(range(len(self.layers)))
        return self._made(f"{number:g} * {self.name}", everything, np.float32(number) * self.matrix)

    __rmul__ = __mul__

    def __neg__(self) -> ControlVector:
        return replace(self * -1.0, name=f"-{self.name}", poles=(self.poles[1], self.poles[0]))

    def without(self, other: ControlVector) -> ControlVector:
        """What is left when the other direction is projected out, layer by layer; not scaled back to unit length."""
        rows, others = self._common(other)
        mine, off = self.matrix[rows].astype(np.float64), unit_rows(other.matrix[others])
        left = mine - (mine * off).sum(1, keepdims=True) * off
        return self._made(f"{self.name} without {other.name}", rows, left.astype(np.float32))

    def cosine(self, other: ControlVector) -> dict[int, float]:
        """Cosine with another vector of the same model, for each layer that both have."""
        rows, others = self._common(other)
        cosine = (unit_rows(self.matrix[rows]) * unit_rows(other.matrix[others])).sum(1)
        return {self.layers[row]: float(c) for row, c in zip(rows, cosine, strict=True)}

    def _common(self, other: ControlVector) -> tuple[list[int], list[int]]:
        if not isinstance(other, ControlVector):
            raise ArgumentError(f"{other!r} is not a ControlVector")
        if other.fingerprint != self.fingerprint:
            raise FingerprintMismatchError(
                f"{self.name!r} belongs to {self.model} with fingerprint {self.fingerprint[:12]}, {other.name!r} to"
                f" {other.model} with {other.fingerprint[:12]}; vectors of two models do not compare"
            )
        shared = [layer for layer in self.layers if layer in other.layers]
        if not shared:
            raise ArgumentError(f"{self.name!r} and {other.name!r} have no layer in common")
        return [self.layers.index(layer) for layer in shared], [other.layers.index(layer) for layer in shared]

    def _made(self, name: str, rows: list[int], matrix: NDArray[np.float32]) -> ControlVector:
        """A vector made of others: what was measured on the pairs of one does not hold for it."""
        layers, unknown = tuple(self.layers[row] for row in rows), np.full(len(rows), np.nan)
        best = self.best_layer if self.best_layer in layers else layers[len(layers) // 2]
        return replace(
            self, name=name, layers=layers, matrix=matrix, norm=self.norm[rows], middle=unknown, half_gap=unknown,
            accuracy=unknown, separation=unknown, best_layer=best, bounds=None,
        )  # fmt: skip

    # Use

    def with_best_layer(self, layer: int) -> ControlVector:
        """The same with another default layer. Raises OutOfRangeError."""
        self._rows([layer])
        return replace(self, best_layer=int(layer))

    def with_bounds(self, bounds: Bounds | None) -> ControlVector:
        """The same with recommended bounds, as `iw.evaluate_steering(...).bounds` has them. Where these are of a single
        layer, that is its best one from then on."""
        best = bounds.layers[0] if bounds is not None and len(bounds.layers) == 1 else self.best_layer
        return replace(self, bounds=bounds, best_layer=best)

    def measured(self, lm: LanguageModel, texts: Sequence[Prompt] | None = None) -> ControlVector:
        """The same with the layers' mean residual norms as they are on some texts, by default neutral ones of ours: an
        imported vector then takes a strength. Raises FingerprintMismatchError and what `lm.encode` raises."""
        from interp_widgets.models.neutral_text import NEUTRAL
        from interp_widgets.models.states import last_states

        self.check_fits(lm)
        return replace(self, norm=last_states(lm, list(NEUTRAL if texts is None else texts), layers=self.layers).norm)

    def steer(
        self,
        *,
        layers: Sequence[int] | int | None = None,
        strength: float | Sequence[float] | None = None,
        alpha: float | Sequence[float] | None = None,
        positions: str | Sequence[int] = "all",
        keep_norm: bool = False,
        condition: Condition | None = None,
    ) -> Steering:
        """The intervention that adds it.

        Parameters
        ----------
        layers: one or several; by default the best one
        strength: for each layer, in multiples of its mean residual norm: 0.05 to 0.15 is plenty; negative ones push
            to the other pole; a list has one for each row of a batch
        alpha: instead of strength, the bare factor of the direction
        positions: "all", "prompt", "generated", "last", or token positions; see `interventions.positions`
        keep_norm: scale the steered state back to its own length
        condition: act only at some tokens: `other.condition(threshold)`

        Raises ArgumentError, OutOfRangeError. Warns (SteeringWarning) past the recommended bounds.
        """
        if (strength is None) == (alpha is None):
            raise ArgumentError("give either strength (in multiples of the residual norm) or alpha (the bare factor)")
        chosen = (
            [self.best_layer] if layers is None else [layers] if isinstance(layers, int | np.integer) else list(layers)
        )
        rows = self._rows(chosen)
        name, given = ("strength", strength) if alpha is None else ("alpha", alpha)
        factor = _factors(name, given)
        unit = self.norm[rows] if alpha is None else np.ones(len(rows))
        if not np.isfinite(unit).all():
            raise ArgumentError(f"{self.name!r} was imported without residual norms: give alpha, or v.measured(lm)")
        amounts = np.multiply.outer(factor, unit)
        self._warn_of_bounds([self.layers[row] for row in rows], amounts / self.norm[rows])
        if condition is not None:
            condition = _rows_of(condition, rows, len(self.layers))
        return Steering(
            self.matrix[rows],
            layers=[self.layers[row] for row in rows],
            amounts=amounts,
            positions=positions,
            keep_norm=keep_norm,
            condition=condition,
            source=self.name,
            fingerprint=self.fingerprint,
        )

    def condition(self, threshold: float = 0.0, *, above: bool = True) -> Condition:
        """Act only where a state's score along this vector is above the threshold (or below): 0 is the middle of its
        fitting pairs, +1 the mean of the positives. Give it to another vector's `steer`, of the same layers."""
        if not (np.isfinite(self.half_gap) & (self.half_gap != 0)).all():
            raise ArgumentError(
                f"{self.name!r} has no scale of scores: only a vector fitted to pairs makes a condition"
            )
        return Condition(self.matrix, self.middle, self.half_gap, as_number("threshold", threshold), above)

    def scores(self, states: NDArray[Any], layer: int) -> Floats:
        """Scores (...,) of states (..., width) after a layer: 0 is the middle of the fitting pairs, +1 the mean of the
        positives, -1 of the negatives."""
        row = self._rows([layer])[0]
        along = np.asarray(states, np.float64) @ self.matrix[row].astype(np.float64)
        return np.asarray((along - self.middle[row]) / self.half_gap[row])

    def check_layers(self, layers: Sequence[int]) -> None:
        """Raise OutOfRangeError for layers that it does not have."""
        self._rows(layers)

    def _rows(self, layers: Sequence[int]) -> list[int]:
        wrong = [layer for layer in layers if layer not in self.layers]
        if wrong or not layers:
            raise OutOfRangeError(
                f"layers={list(layers)!r}: {self.name!r} has layers {self.layers[0]} to {self.layers[-1]}"
            )
        return [self.layers.index(layer) for layer in layers]

    def _warn_of_bounds(self, layers: list[int], strengths: Floats) -> None:
        bounds = self.bounds
        if bounds is None or tuple(layers) != bounds.layers:
            return
        furthest = float(strengths.ravel()[np.abs(strengths).argmax()])
        if not bounds.low <= furthest <= bounds.high:
            strength, ratio = bounds.at(furthest)
            warnings.warn(
                f"strength={furthest:g} is past the recommended {bounds.low:g} to {bounds.high:g} of {self.name!r}:"
                f" at {strength:g} the perplexity of neutral text was {ratio:.2f} times the unsteered one (limit"
                f" {bounds.limit:g})",
                SteeringWarning,
                stacklevel=3,
            )

    def check_fits(self, lm: LanguageModel) -> None:
        """Raise FingerprintMismatchError for another model, naming both fingerprints; warn (SteeringWarning) where
        other changes than steering were active when it was fitted than are now."""
        if lm.fingerprint != self.fingerprint:
            raise FingerprintMismatchError(
                f"{self.name!r} was fitted to {self.model} with fingerprint {self.fingerprint[:12]} and width"
                f" {self.matrix.shape[1]}; this model, {lm.name}, has {lm.fingerprint[:12]} and width"
                f" {lm.architecture.width}. Fit it again on this one."
            )
        active = lm.ledger.active
        now = {x.name for x in active if x.kind != Steering.kind or x.name in self.fitted_under}
        if now != set(self.fitted_under):
            was, are = (", ".join(sorted(names)) or "nothing" for names in (self.fitted_under, now))
            warnings.warn(
                f"{self.name!r} was fitted with {was} active; now it is {are}. Fit it again if that matters",
                SteeringWarning,
                stacklevel=3,
            )

    # On the disk

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one safetensors file with JSON in it, with the model's fingerprint. Raises DiskFullError."""
        document: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            else:
                document[field.name] = dataclasses.asdict(value) if isinstance(value, Bounds) else value
        return storage.write_bundle(path, _KIND, _VERSION, document, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ControlVector:
        """Read what `save` wrote. Raises FileFormatError, FileNotFoundError."""
        document, arrays = storage.read_bundle(path, _KIND, version=_VERSION)
        try:
            saved = document.pop("bounds")
            measured = tuple(tuple(one) for one in saved["measured"]) if saved else ()
            bounds = Bounds(**{**saved, "layers": tuple(saved["layers"]), "measured": measured}) if saved else None
            for name in ("poles", "layers", "fitted_under"):
                document[name] = tuple(document[name])
            return cls(**{**document, **arrays, "bounds": bounds})
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{os.fspath(path)} is damaged: its vector cannot be read ({error})") from error

    def to_gguf(
        self,
        path: str | os.PathLike[str],
        *,
        layers: Sequence[int] | None = None,
        strength: float | None = None,
        alpha: float | None = None,
    ) -> Path:
        """Write it for llama.cpp and repeng, which add factor * direction at every token of every layer in the file.

        With neither strength nor alpha the directions are written as they are, all layers but 0 unless `layers` names
        some: the factor that the other program takes is then our alpha. With one of them the file holds exactly what
        `steer` with the same arguments adds (the best layer by default), for the factor 1.

        Raises OutOfRangeError (layer 0, which the format does not have, or one that this vector lacks), ArgumentError,
        DiskFullError. Format: llama.cpp's `common_control_vector_load` and repeng's `ControlVector.export_gguf`.
        """
        return gguf.write(self, path, layers=layers, strength=strength, alpha=alpha)

    @classmethod
    def from_gguf(cls, path: str | os.PathLike[str], lm: LanguageModel) -> ControlVector:
        """Read a control vector that `to_gguf`, repeng or llama.cpp wrote for this model.

        Files of others have no residual norms: use alpha, or `v.measured(lm)`. Scores and conditions need a fit.

        Raises FileFormatError (no GGUF, no control vector, NaN), FingerprintMismatchError (another model, family or
        width), OutOfRangeError (a layer that the model does not have), FileNotFoundError.
        """
        return gguf.read(path, lm)


def _factors(name: str, given: Any) -> Floats:
    factor = np.asarray(given, np.float64) if not isinstance(given, str) else np.asarray(np.nan)
    if factor.ndim > 1 or factor.size == 0 or not np.isfinite(factor).all():
        raise ArgumentError(f"{name}={given!r}: a finite number, or a list of them with one for each row of a batch")
    return factor


def _rows_of(condition: Condition, rows: list[int], layers: int) -> Condition:
    along = np.asarray(condition.directions)
    if len(along) != layers:
        raise ArgumentError(f"condition has {len(along)} layers, the vector {layers}; fit both on the same layers")
    return replace(
        condition,
        directions=along[rows],
        middle=np.asarray(condition.middle)[rows],
        half_gap=np.asarray(condition.half_gap)[rows],
    )
