"""What `iw.evaluate_steering` found, and the judgement that follows from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.base import Result
from interp_widgets.results.numbers import plain, signed
from interp_widgets.results.provenance import Provenance, Verdict
from interp_widgets.steering.vector import Bounds, ControlVector

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
DRAWS = 2_000  # of the bootstrap
GOOD_ACCURACY = 0.9  # of held-out pairs ordered right, for the verdict "trust"


@dataclass(frozen=True, eq=False, kw_only=True)
class SteeringEvaluation(Result):
    """Concept and damage over candidate layers (C) and strengths (S), with 95 % intervals.

    strengths: (S,), multiples of the mean residual norm; layers: for each candidate the layers that act together
    concept: (C, S, 3), mean over the texts with low and high; nan where nothing was written; unit: of what
    perplexity: (C, S, 3), of neutral text, as a multiple of the unsteered one (`base_perplexity`)
    divergence: (C, S), KL(unsteered || steered) of the next token on neutral text, nats
    repetition: (C, S), share of repeated word triples in what was written; nan likewise
    accuracy: (vector_layers,), share of the `held_out` pairs that each layer orders right; nan without pairs
    texts: [candidate][strength][prompt], what was written; empty likewise
    best: the candidate whose concept moves furthest between its bounds; span: how far, with low and high
    bounds: of the best candidate: the strengths that keep perplexity under `limit`
    """

    kind: ClassVar[str] = "steering evaluation"

    vector: str
    poles: tuple[str, str]
    concept_name: str
    unit: str
    strengths: Floats
    layers: tuple[tuple[int, ...], ...]
    prompts: tuple[Any, ...]
    texts: tuple[tuple[tuple[str, ...], ...], ...]
    concept: Floats
    perplexity: Floats
    base_perplexity: float
    divergence: Floats
    repetition: Floats
    accuracy: Floats
    vector_layers: tuple[int, ...]
    held_out: int
    limit: float
    best: int
    bounds: Bounds
    span: tuple[float, float, float]
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        bounds = document["bounds"]
        measured = tuple(tuple(one) for one in bounds["measured"])
        verdict = document["verdict"]
        return {
            **document,
            **arrays,
            "poles": tuple(document["poles"]),
            "layers": tuple(tuple(one) for one in document["layers"]),
            "prompts": tuple(document["prompts"]),
            "texts": tuple(tuple(tuple(row) for row in part) for part in document["texts"]),
            "vector_layers": tuple(document["vector_layers"]),
            "bounds": Bounds(**{**bounds, "layers": tuple(bounds["layers"]), "measured": measured}),
            "span": tuple(document["span"]),
            "verdict": Verdict(**{**verdict, "why": tuple(verdict["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def best_layers(self) -> tuple[int, ...]:
        """The candidate that did best, as layers for `steer`."""
        return self.layers[self.best]

    @property
    def best_layer(self) -> int:
        """Of the best candidate, or, where several act together, the middle one."""
        return self.best_layers[len(self.best_layers) // 2]

    def to_frame(self) -> pd.DataFrame:
        """One row for each candidate and strength."""
        import pandas as pd

        rows = [
            {
                "layers": ", ".join(map(str, where)),
                "strength": strength,
                "concept": self.concept[c, s, 0],
                "concept_low": self.concept[c, s, 1],
                "concept_high": self.concept[c, s, 2],
                "perplexity_ratio": self.perplexity[c, s, 0],
                "perplexity_low": self.perplexity[c, s, 1],
                "perplexity_high": self.perplexity[c, s, 2],
                "divergence": self.divergence[c, s],
                "repetition": self.repetition[c, s],
            }
            for c, where in enumerate(self.layers)
            for s, strength in enumerate(self.strengths)
        ]
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Concept and perplexity over the strengths, one line for each candidate; the bounds are shaded."""
        from interp_widgets.steering.evaluation_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with the table; it asks no other address for anything. Written to `path` if given."""
        from interp_widgets.steering.evaluation_html import evaluation_page

        return evaluation_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.steering.evaluation_html import evaluation_text

        return evaluation_text(self)

    def __repr__(self) -> str:
        return f"<SteeringEvaluation of {self.vector!r}: best {self.best_layers}, {self.verdict.word}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.steering.evaluation_html import evaluation_html

        return {"text/plain": str(self), "text/html": evaluation_html(self)}


def intervals(values: Floats, chance: np.random.Generator) -> Floats:
    """Mean, low and high (..., 3) of values (..., n): percentile bootstrap over the last axis, 95 %."""
    drawn = chance.integers(0, values.shape[-1], (DRAWS, values.shape[-1]))
    means = values[..., drawn].mean(-1)
    low, high = np.percentile(means, [2.5, 97.5], axis=-1)
    return np.stack([values.mean(-1), low, high], axis=-1)


def best_of(values: Floats, ends: Sequence[tuple[int, int]]) -> int:
    """The candidate whose concept moves furthest between its bounds. values: (candidates, strengths, texts)."""
    moved = [values[c, high].mean() - values[c, low].mean() for c, (low, high) in enumerate(ends)]
    return int(np.argmax(moved))


def judge(
    vector: ControlVector,
    layers: tuple[int, ...],
    strengths: Floats,
    ends: tuple[int, int],
    values: Floats,
    ratio: Floats,
    limit: float,
    accuracy: Floats,
    chance: np.random.Generator,
) -> tuple[Bounds, tuple[float, float, float], Verdict]:
    """(bounds, how far the concept moves between them with its 95 % interval, verdict) of one candidate.

    values: (strengths, texts), the concept of each text; ratio: (strengths,), of perplexity.
    """
    low, high = ends
    bounds = Bounds(
        layers=layers,
        low=float(strengths[low]),
        high=float(strengths[high]),
        limit=float(limit),
        measured=tuple((float(s), float(p)) for s, p in zip(strengths, ratio, strict=True)),
    )
    differences = values[high] - values[low]  # the same prompt with the same random numbers
    mean, least, most = intervals(differences, chance)
    span = (float(mean), float(least), float(most))
    known = [accuracy[vector.layers.index(layer)] for layer in layers]
    right = float(np.mean(known)) if np.isfinite(known).all() else None
    return bounds, span, _verdict(bounds, span, right, low == high)


def bounds_of(strengths: Floats, ratio: Floats, limit: float) -> tuple[int, int]:
    """Indices of the furthest strengths on both sides from which, down to 0, the damage stays under the limit."""
    none = int(np.flatnonzero(strengths == 0)[0])
    low, high = none, none
    while low > 0 and ratio[low - 1] <= limit:
        low -= 1
    while high + 1 < len(strengths) and ratio[high + 1] <= limit:
        high += 1
    return low, high


def _verdict(bounds: Bounds, span: tuple[float, float, float], right: float | None, empty: bool) -> Verdict:
    where = f"between strengths {signed(bounds.low)} and {signed(bounds.high)}"
    if empty:
        return Verdict(
            "do not trust",
            f"already the smallest strength raises perplexity above {plain(bounds.limit)} times the unsteered one",
            ("Try smaller strengths, another layer, or more pairs.",),
        )
    moved = f"{where} what is written moves by {signed(span[0])} (95 %: {signed(span[1])} to {signed(span[2])})"
    if span[1] <= 0:
        return Verdict(
            "do not trust",
            f"{moved}, no more than by chance",
            ("The direction tells the pairs apart, perhaps, but adding it does not change what the model writes.",),
        )
    if right is None:
        return Verdict("caution", f"{moved}; no held-out pairs were given")
    held = f"it orders {right:.0%} of the held-out pairs right"
    return Verdict("trust" if right >= GOOD_ACCURACY else "caution", f"{moved}; {held}")
