"""What is left of a concept after it was erased, and what erasing it cost."""

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

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
_TUPLES = ("classes", "places", "probes", "notes", "point_text", "point_token")
STAGES = ("before", "after", "random")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ErasureResult(Result):
    """Probes at p places, and the damage. Stages are `STAGES`: without the eraser, with it, and with one of the same
    rank in random directions.

    Attributes
    ----------
    concept, method, classes: what was erased, and how
    digest: of the eraser's numbers, by which it is found again; empty for states from an array
    places: (p,), "layer 12 resid_post"; layers: int64, (p,), -1 for states from an array
    ranks: int64, (p,), dimensions taken at each place
    probes: names of the probes
    accuracy: float64, (p, probes, stages, 3): accuracy on held-out states, with its 95 % interval (bootstrap over
        clusters); nan for a stage that was not measured
    control: float64, (p, stages), the linear probe's accuracy on random labels for each word; nan where not measured
    majority: accuracy of always saying the commonest class
    counts: int64, (3,), states that the eraser was fitted on, the probes were trained on, and tested on
    clusters, cluster: how many independent units the test has, and what they are
    change: float64, (p, 2), mean length of what the eraser takes at a place over the mean length of the states there;
        the same of the random one
    perplexity: float64, (stages,) on neutral texts; empty where it was not measured
    tasks: float64, (stages, 3), share of questions about other things that are answered right, with its 95 % interval;
        empty where it was not measured
    questions: how many
    rounds: float64, (rounds + 1, 2), of INLP, where that was asked for: the rank that it has taken, and the accuracy of
        its next classifier on states that it held out; else (0, 2)
    points: float64, (m, 2, 3), some test states at the place where the concept was plainest, before and after, on two
        principal axes and the concept's own (`erasure.points`); axes: float64, (3,), shares of the variance on these
    point_place, point_class: the number of that place, and of each point's class, int64, (m,)
    point_text, point_token: (m,), the text of each point and its labelled token; empty for states from an array
    notes: what a reader should know of the eraser
    """

    kind: ClassVar[str] = "erasure"

    concept: str
    method: str
    digest: str
    classes: tuple[Any, ...]
    places: tuple[str, ...]
    layers: NDArray[np.int64]
    ranks: NDArray[np.int64]
    probes: tuple[str, ...]
    accuracy: Floats
    control: Floats
    majority: float
    counts: NDArray[np.int64]
    clusters: int
    cluster: str
    change: Floats
    perplexity: Floats
    tasks: Floats
    questions: int
    rounds: Floats
    points: Floats
    axes: Floats
    point_place: int
    point_class: NDArray[np.int64]
    point_text: tuple[str, ...]
    point_token: tuple[str, ...]
    notes: tuple[str, ...]
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            **{name: tuple(document[name]) for name in _TUPLES},
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint) if self.provenance.fingerprint else None

    @property
    def text(self) -> str:
        """The points' texts, a line each."""
        return "\n".join(self.point_text)

    @property
    def tokens(self) -> tuple[str, ...]:
        """One for each point; a selection counts them."""
        return self.point_token or tuple(f"state {i}" for i in range(len(self.point_class)))

    def of(self, probe: str, stage: str = "after") -> Floats:
        """(p, 3), accuracy with its interval of a probe at a stage."""
        return np.asarray(self.accuracy[:, self.probes.index(probe), STAGES.index(stage)])

    @property
    def selectivity(self) -> Floats:
        """(p, stages), accuracy of the linear probe less that on the control task."""
        return np.asarray(self.accuracy[:, self.probes.index("linear"), :, 0] - self.control)

    def at_chance(self, probe: str) -> NDArray[np.bool_]:
        """(p,), the probe after erasing is within its interval of the majority class, or below."""
        return np.asarray(self.of(probe)[:, 1] <= self.majority)

    def to_frame(self) -> pd.DataFrame:
        """One row for each place, probe and stage."""
        import pandas as pd

        rows = [
            {
                "place": place,
                "layer": int(self.layers[p]),
                "rank": int(self.ranks[p]),
                "probe": probe,
                "stage": stage,
                "accuracy": self.accuracy[p, i, s, 0],
                "low": self.accuracy[p, i, s, 1],
                "high": self.accuracy[p, i, s, 2],
                "control": self.control[p, s] if probe == "linear" else np.nan,
                "change": self.change[p, s - 1] if s else 0.0,
            }
            for p, place in enumerate(self.places)
            for i, probe in enumerate(self.probes)
            for s, stage in enumerate(STAGES)
        ]
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Accuracy of each probe before, after and under the random eraser, over the places."""
        from interp_widgets.erasure.result_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.erasure.page import erasure_page

        return erasure_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.erasure.payload import erasure_payload
        from interp_widgets.erasure.twin import text_of

        return text_of(erasure_payload(self))

    def __repr__(self) -> str:
        return f"<ErasureResult of {self.concept!r} ({self.method}) at {len(self.places)} places: {self.verdict.word}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import erasure_bundle

        return erasure_bundle(self)
