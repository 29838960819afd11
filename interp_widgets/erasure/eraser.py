"""`Eraser`: a function that takes a concept out of states, fitted on arrays.

    eraser = iw.erasure.Eraser.fit(states, labels)              # leace
    clean = eraser.transform(other_states)

    fitter = iw.erasure.EraserFitter(width=576)                 # the same from a stream
    for states, labels in batches:
        fitter.update(states, labels)
    eraser = fitter.eraser()

Everything is computed in float64, whatever comes in.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets import storage
from interp_widgets.erasure.labels import Floats, Label, as_labels, as_states, indices_in
from interp_widgets.errors import ArgumentError, FileFormatError

if TYPE_CHECKING:
    from interp_widgets.interventions.erased import Erased

KIND, VERSION = "eraser", 1
METHODS = ("leace", "oracle", "quadratic", "inlp", "mean_difference", "random")
LABELLED = ("oracle", "quadratic")  # these need the label of every state that they change
TOLERANCE = 1e-9


class ErasureWarning(UserWarning):
    """What was fitted holds for the states that it was fitted on, and hardly for others: too few of them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Eraser:
    """x - left right (x - mean) or, where the label is needed, maps[z] (x - class_means[z]) + mean.

    method: one of `METHODS`; classes: (k,), in order; counts: int64, (k,), states of each that it was fitted on
    mean: float64, (width,)
    left: float64, (width, rank); right: float64, (rank, width); rank 0 for the two methods that need labels
    class_means: float64, (k, width) for oracle and quadratic, else (0, width)
    maps: float64, (k, width, width) for quadratic, else (0, 0, 0)
    rounds: float64, (rounds + 1, 2) for INLP: the rank lost, and the accuracy of the next classifier on states that no
        classifier saw; else (0, 2)
    settings: how it was fitted; notes: what a reader should know of it
    """

    method: str
    classes: tuple[Label, ...]
    counts: NDArray[np.int64]
    mean: Floats
    left: Floats
    right: Floats
    class_means: Floats
    maps: Floats
    rounds: Floats
    settings: dict[str, Any]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.setflags(write=False)
                object.__setattr__(self, field.name, value)

    @classmethod
    def fit(cls, states: Any, labels: Any, method: str = "leace", *, strata: Any = None, **settings: Any) -> Eraser:
        """Fit on states (n, width) and one label for each.

        Parameters
        ----------
        states: numpy array or torch tensor, any float type
        labels: (n,), strings, integers or booleans; two classes or more
        method: "leace", "oracle", "quadratic", "inlp", "mean_difference" or "random"; see `erasure.closed_forms`
        strata: (n,), strings or integers, for leace and mean_difference: kinds of states, in each of which the label is
            erased for itself, at the cost of as many times the rank. Without them the classes' means are equal over all
            states together, and a kind in which the label shows one way may be outweighed by one in which it shows
            another: no linear classifier then has a lower loss than a constant answer, and yet one may be right in
            more than half of the states, for accuracy is no convex loss
        settings: those of `EraserFitter`

        Raises
        ------
        ArgumentError (one class, unequal lengths, unknown method or setting), NonFiniteError. Warns with
        ErasureWarning where there are fewer states than dimensions.
        """
        from interp_widgets.erasure.fitting import EraserFitter

        found = as_states(states, copy=False)
        names = as_labels(labels, len(found))
        return EraserFitter(found.shape[1], method, **settings).count(found, names, strata).eraser()

    @property
    def width(self) -> int:
        return len(self.mean)

    @property
    def rank(self) -> int:
        """Dimensions that are gone afterwards. What oracle and quadratic move is of no fixed rank: 0."""
        return int(self.left.shape[1])

    @property
    def samples(self) -> int:
        """States that it was fitted on."""
        return int(self.counts.sum())

    @property
    def needs_labels(self) -> bool:
        return self.method in LABELLED

    @property
    def projection(self) -> Floats:
        """(width, width), I - left right. Raises ArgumentError for a method that needs labels."""
        self._check_unlabelled("has no single projection: it moves each class by a map of its own")
        return np.asarray(np.eye(self.width) - self.left @ self.right)

    def transform(self, states: Any, labels: Any = None) -> Any:
        """The states without the concept: as given, a numpy array or a torch tensor, in their own float type.

        labels: (n,), for oracle and quadratic. Raises ArgumentError, NonFiniteError.
        """
        found = as_states(states, self.width)
        if not self.needs_labels:
            found -= ((found - self.mean) @ self.right.T) @ self.left.T
        elif labels is None:
            raise ArgumentError(
                f"labels is missing: method={self.method!r} moves each state by its own class, so it needs the labels"
                " of what it transforms. Without labels: method='leace'"
            )
        else:
            of = indices_in(self.classes, as_labels(labels, len(found)))
            found -= self.class_means[of]
            if self.method == "quadratic":
                for c in range(len(self.classes)):
                    found[of == c] = found[of == c] @ self.maps[c]
            found += self.mean
        return _like(found, states)

    def at(self, layer: int, *, site: str = "resid_post", positions: Any = "all") -> Erased:
        """The intervention that applies it inside a model, for `lm.ledger.add` or `lm.using`.

        layer: from 0; site: where in the layer, see `models.architectures`; positions: see `interventions.positions`.
        Raises ArgumentError for a method that needs labels.
        """
        from interp_widgets.interventions.erased import Erased

        self._check_unlabelled("cannot run inside a model, which knows no labels")
        about = {
            "method": self.method,
            "classes": list(self.classes),
            "samples": self.samples,
            "settings": self.settings,
            "notes": list(self.notes),
        }
        return Erased(
            [(site, layer)],
            [self.mean],
            [self.left],
            [self.right],
            positions=positions,
            source=self.described,
            about=about,
        )

    def _check_unlabelled(self, why: str) -> None:
        if self.needs_labels:
            raise ArgumentError(f"method={self.method!r} {why}; fit method='leace' instead")

    @property
    def described(self) -> str:
        """Method and classes: "leace of feminine, masculine"."""
        return f"{self.method} of {', '.join(map(str, self.classes))}"

    def __repr__(self) -> str:
        return f"<Eraser {self.described}: rank {self.rank} of {self.width}, fitted on {self.samples} states>"

    # On the disk

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one safetensors file with JSON in it. Raises DiskFullError."""
        document = {
            "method": self.method,
            "classes": list(self.classes),
            "settings": self.settings,
            "notes": list(self.notes),
        }
        return storage.write_bundle(path, KIND, VERSION, document, {name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Eraser:
        """Read what `save` wrote. Raises FileFormatError, FileNotFoundError."""
        document, arrays = storage.read_bundle(path, KIND, version=VERSION)
        try:
            return cls(
                method=str(document["method"]),
                classes=tuple(document["classes"]),
                settings=dict(document["settings"]),
                notes=tuple(document["notes"]),
                **{name: arrays[name] for name in _ARRAYS},
            )
        except (KeyError, TypeError) as error:
            raise FileFormatError(f"{os.fspath(path)} is damaged: its eraser cannot be read ({error})") from error


_ARRAYS = ("counts", "mean", "left", "right", "class_means", "maps", "rounds")


def _like(found: Floats, given: Any) -> Any:
    if hasattr(given, "detach"):
        import torch

        dtype = given.dtype if given.dtype.is_floating_point else torch.float64
        return torch.from_numpy(found).to(given.device, dtype)
    own = given.dtype if isinstance(given, np.ndarray) and given.dtype.kind == "f" else np.dtype(np.float64)
    return found.astype(own, copy=False)
