"""What `iw.locate.score_name` measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NameScore(Result):
    """How well a neuron's peak tells held-out texts with a concept from texts without it.

    Attributes
    ----------
    name: of the concept; layer, neuron, sign: as in NeuronResult
    positives, negatives: the texts with the concept and those without; positive_peaks, negative_peaks: float64, the
        largest activation in each (the most negative one for sign "negative")
    area: under the ROC curve, 0.5 is chance; low, high: its 95 % bootstrap interval
    areas: float64, (neurons,), of every neuron of the layer on the same texts
    area_by_length: what the number of tokens alone would give
    verdict: whether the name holds
    """

    kind: ClassVar[str] = "neuron name"

    name: str
    layer: int
    neuron: int
    sign: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    positive_peaks: Floats
    negative_peaks: Floats
    area: float
    low: float
    high: float
    areas: Floats
    area_by_length: float
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            "positives": tuple(document["positives"]),
            "negatives": tuple(document["negatives"]),
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def rank(self) -> int:
        """Of this neuron's area among all of the layer; 1 is the best, equals share the better rank."""
        return 1 + int((self.areas > self.areas[self.neuron]).sum())

    def to_frame(self) -> pd.DataFrame:
        """One row for each text: text, whether it has the concept, peak; the largest peaks first."""
        import pandas as pd

        frame = pd.DataFrame(
            {
                "text": [*self.positives, *self.negatives],
                "concept": [True] * len(self.positives) + [False] * len(self.negatives),
                "peak": np.concatenate([self.positive_peaks, self.negative_peaks]),
            }
        )
        return frame.sort_values("peak", ascending=self.sign == "negative", kind="stable", ignore_index=True)

    def plot(self) -> Figure:
        """The peaks of both kinds of texts, and this neuron's area among those of the layer."""
        from interp_widgets.locate.neuron_name_forms import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with the table; it asks no other address for anything. Written to `path` if given."""
        from interp_widgets.locate.neuron_name_forms import name_page

        return name_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.neuron_name_forms import name_text

        return name_text(self)

    def __repr__(self) -> str:
        return (
            f"<NameScore: {self.name!r} for neuron {self.neuron} of layer {self.layer}: area {self.area:.2f} "
            f"({self.low:.2f} to {self.high:.2f}), rank {self.rank} of {len(self.areas)}; {self.verdict.word}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.locate.neuron_name_forms import name_html

        return {"text/plain": str(self), "text/html": name_html(self)}
