"""`EraserFitter`: an eraser from states that come batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure import closed_forms
from interp_widgets.erasure.eraser import LABELLED, METHODS, TOLERANCE, Eraser, ErasureWarning
from interp_widgets.erasure.inlp import iterate
from interp_widgets.erasure.labels import Floats, Label, as_labels, as_states, indices_in
from interp_widgets.erasure.moments import Moments
from interp_widgets.errors import ArgumentError, not_one_of

_ENOUGH = 10  # states a dimension: with fewer, fresh states still show some of the concept


class EraserFitter:
    """Collects what an eraser follows from.

    Parameters
    ----------
    width: of the states
    method: one of `erasure.eraser.METHODS`
    shrinkage: estimate covariances by optimal linear shrinkage (`erasure.shrinkage`), for leace and quadratic
    tolerance: singular values of the whitened cross-covariance up to this one are left alone (leace). The published
        code has 0.01, which may leave a trace of a rare class; the default leaves rounding errors only
    affine: keep the states' mean; otherwise the projection is about 0
    rank: of "random"; by default classes - 1, as many as the others take of two classes or more
    rounds, margin, l2: of "inlp": how many at most, how far above the majority the next classifier must be on held-out
        states for another round, and the weight of the squared norm
    seed: of "random", and of what INLP holds out

    Raises ArgumentError.
    """

    def __init__(
        self,
        width: int,
        method: str = "leace",
        *,
        shrinkage: bool = True,
        tolerance: float = TOLERANCE,
        affine: bool = True,
        rank: int | None = None,
        rounds: int = 35,
        margin: float = 0.01,
        l2: float = 1e-3,
        seed: int = 0,
    ) -> None:
        if method not in METHODS:
            raise not_one_of("method", method, METHODS)
        if width < 1:
            raise ArgumentError(f"width={width}: how many numbers a state has, at least 1")
        if not 0 <= tolerance < 1:
            raise ArgumentError(
                f"tolerance={tolerance}: at least 0 and below 1; singular values of LEACE are at most 1"
            )
        if rank is not None and (method != "random" or not 1 <= rank <= width):
            raise ArgumentError(f"rank={rank}: for method='random' only, 1 to {width}; the others find theirs")
        if rounds < 1 or not l2 > 0 or not 0 <= margin < 1:
            raise ArgumentError(f"rounds={rounds}, margin={margin}, l2={l2}: at least 1, at least 0, above 0")
        self.method, self.width = method, width
        self.settings: dict[str, Any] = {
            "shrinkage": bool(shrinkage), "tolerance": float(tolerance), "affine": bool(affine), "rank": rank,
            "rounds": int(rounds), "margin": float(margin), "l2": float(l2), "seed": int(seed),
        }  # fmt: skip
        self._pairs: list[tuple[Label, Label]] = []  # with strata, classes are numbers of pairs (label, stratum)
        self._moments = Moments(width, within=method == "quadratic")
        self._raw: list[tuple[Floats, Any]] = []  # INLP goes over its states many times

    def update(self, states: Any, labels: Any, strata: Any = None) -> EraserFitter:
        """Count in a batch (n, width) with its labels (n,); a batch may hold a single class. Returns itself.

        strata: (n,), for leace and mean_difference: see `Eraser.fit`; for all batches or for none

        Raises ArgumentError, NonFiniteError.
        """
        found = as_states(states, copy=False)
        if found.shape[1] != self.width:
            raise ArgumentError(f"states has width {found.shape[1]}; this fitter was made for {self.width}")
        return self.count(found, as_labels(labels, len(found)), strata)

    def count(self, states: Floats, labels: NDArray[Any], strata: Any = None) -> EraserFitter:
        """`update` for states and labels that were checked."""
        if (strata is None) == bool(self._pairs) and self._moments.n:
            raise ArgumentError("strata: give them for all batches, or for none")
        if strata is not None:
            labels = self._paired(labels, as_labels(strata, len(states), "strata"))
        if self.method == "inlp":
            self._raw.append((states.copy(), labels))
        self._moments.update(states, labels)
        return self

    def _paired(self, labels: NDArray[Any], strata: NDArray[Any]) -> NDArray[np.int64]:
        """The number of each state's (label, stratum)."""
        if self.method not in ("leace", "mean_difference"):
            raise ArgumentError(f"strata: for leace and mean_difference, not for {self.method}")
        of = [(label.item(), stratum.item()) for label, stratum in zip(labels, strata, strict=True)]
        self._pairs += sorted(set(of) - set(self._pairs))
        numbers = {pair: number for number, pair in enumerate(self._pairs)}
        return np.asarray([numbers[pair] for pair in of], np.int64)

    def eraser(self, advance: Callable[[int, int, str], None] | None = None) -> Eraser:
        """The eraser of what was counted in so far; more may follow.

        advance: told of INLP's rounds. Raises ArgumentError: fewer than two classes, or a class of one state where a
        covariance of each class is needed. Warns with ErasureWarning where there are fewer states than dimensions.
        """
        moments = self._moments.sorted()
        none = np.zeros((self.width, 0))
        fields: dict[str, Any] = {
            "left": none, "right": none.T, "class_means": none.T, "maps": np.zeros((0, 0, 0)),
            "rounds": np.zeros((0, 2)),
        }  # fmt: skip
        mean = moments.mean
        if self.method in LABELLED:
            fields["class_means"] = moments.means
            if self.method == "quadratic":
                fields["maps"] = closed_forms.transport(moments, self.settings["shrinkage"])
            notes = self._notes(moments, 0.0)
        else:
            weight, parts = self._linear(moments, advance)
            fields |= parts
            notes = self._notes(moments, weight)
            if not self.settings["affine"]:
                mean = np.zeros(self.width)
        settings = {name: value for name, value in self.settings.items() if name in _OF[self.method]}
        classes, counts = tuple(moments.classes), moments.counts
        if self._pairs:
            classes = tuple(sorted({label for label, _ in self._pairs}))
            of = [classes.index(self._pairs[int(number)][0]) for number in moments.classes]
            counts = np.bincount(of, weights=counts, minlength=len(classes)).astype(np.int64)
            settings["strata"] = len({stratum for _, stratum in self._pairs})
        return Eraser(
            method=self.method,
            classes=classes,
            counts=counts,
            mean=mean,
            settings=settings,
            notes=notes,
            **fields,
        )

    def _linear(
        self, moments: Moments, advance: Callable[[int, int, str], None] | None
    ) -> tuple[float, dict[str, Floats]]:
        """(how much of the covariance is not measured, left and right and INLP's rounds)."""
        options = self.settings
        strata = [self._pairs[int(one)][1] for one in moments.classes] if self._pairs else [0] * len(moments.classes)
        cross, most = moments.cross_covariance_within(strata), len(strata) - len(set(strata))
        if not most:
            raise ArgumentError("labels: no stratum holds two classes, so there is nothing to erase within one")
        if self.method == "leace":
            sigma, weight = closed_forms.covariance(moments, options["shrinkage"])
            left, right = closed_forms.leace(sigma, cross, most, options["tolerance"])
            return weight, {"left": left, "right": right}
        if self.method == "inlp":
            return 0.0, self._iterated(moments, advance)
        if self.method == "random":
            rank = options["rank"] or min(len(moments.classes) - 1, self.width)
            q = closed_forms.random_directions(self.width, rank, options["seed"])
        else:
            q = closed_forms.mean_difference(cross, most)
        return 0.0, {"left": q, "right": q.T}

    def _iterated(self, moments: Moments, advance: Callable[[int, int, str], None] | None) -> dict[str, Floats]:
        states = np.concatenate([one for one, _ in self._raw]) - moments.mean
        of = np.concatenate([indices_in(moments.classes, names) for _, names in self._raw])
        held_out = np.zeros(len(of), bool)
        chance = np.random.default_rng(self.settings["seed"])
        for c, count in enumerate(moments.counts):
            if count < 2:
                raise ArgumentError(
                    f"labels: class {moments.classes[c]!r} has one state; INLP holds out a part of each"
                )
            members = chance.permutation(np.flatnonzero(of == c))
            held_out[members[: max(len(members) // 5, 1)]] = True
        found = iterate(
            states,
            of,
            held_out,
            rounds=self.settings["rounds"],
            margin=self.settings["margin"],
            l2=self.settings["l2"],
            advance=advance,
        )
        return {"left": found.directions, "right": found.directions.T, "rounds": found.history}

    def _notes(self, moments: Moments, weight: float) -> tuple[str, ...]:
        notes = []
        n, width = moments.n, self.width
        spread = (
            np.diagonal(moments.scatters, axis1=1, axis2=2).sum(0) if moments.within else moments.scatter.diagonal()
        )
        constant = int((spread <= n * (np.abs(moments.mean) * 1e-12) ** 2).sum())
        if constant:
            notes.append(f"{constant} of {width} numbers are the same in every state; nothing is erased from them")
        if n < _ENOUGH * width and self.method != "random":
            few = f"fitted on {n} states of {width} dimensions"
            shrunk = f"; {weight:.0%} of the covariance is a multiple of the identity (shrinkage)" if weight else ""
            notes.append(f"{few}{shrunk}: fresh states will still show a part of the concept")
            if n < width:
                warnings.warn(
                    f"states: {few}, fewer states than dimensions{shrunk}. What is erased from these states is not"
                    f" erased from others. Fit on {_ENOUGH * width} or more",
                    ErasureWarning,
                    stacklevel=3,
                )
        return tuple(notes)


_OF = {  # the settings that a method looks at
    "leace": ("shrinkage", "tolerance", "affine"),
    "oracle": (),
    "quadratic": ("shrinkage",),
    "inlp": ("affine", "rounds", "margin", "l2", "seed"),
    "mean_difference": ("affine",),
    "random": ("affine", "rank", "seed"),
}
