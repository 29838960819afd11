"""What `iw.causal_trace` found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import OutOfRangeError, not_one_of
from interp_widgets.models.candidate import Candidate
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
KINDS = {
    "hidden": "one hidden state",
    "mlp": "MLP outputs in a window of layers",
    "attn": "attention outputs in a window of layers",
    "hidden_mlp_severed": "one hidden state, later MLPs of its token held at their corrupted outputs",
    "hidden_attn_severed": "one hidden state, later attention of its token held at its corrupted outputs",
}


@dataclass(frozen=True)
class TraceCell:
    """One cell of a trace: where, and what restoring it does.

    effect: the indirect effect, probability restored minus corrupted; low, high: its 95 % interval over the samples
    before, after: the most probable next tokens of the corrupted and the restored runs, mean over the samples
    """

    kind: str
    position: int
    token: str
    layer: int
    effect: float
    low: float
    high: float
    before: tuple[Candidate, ...]
    after: tuple[Candidate, ...]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TraceResult(Result):
    """Indirect effects of restoring parts of a clean run in runs whose subject is corrupted (Meng et al. 2022, 2.1).

    Attributes
    ----------
    tokens, token_ids, spans: all tokens of the prompt (N)
    positions: (P,), those that were traced; layers: (L,)
    subject: as given; subject_tokens: (first, last) token of it
    target, target_ids: whose probability is followed; answer: the model's own first choice
    kinds: what was restored, of `KINDS`; window: layers of a window
    clean: probability of the target in the clean run; corrupted: (S,), in each of the S corrupted runs
    restored: (kinds, S, P, L), probability of the target; `corrupted` before the subject, where nothing differs
    top_ids, top_probability: (kinds, P, L, k), the best next tokens of the restored runs, mean over the samples
    clean_top, corrupted_top: the best next tokens of the clean and the corrupted runs
    words: id -> text; sigma: standard deviation of the embeddings; noise: its multiple that was added
    """

    kind: ClassVar[str] = "causal trace"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    positions: NDArray[np.int64]
    layers: NDArray[np.int64]
    subject: str
    subject_tokens: tuple[int, int]
    target: str
    target_ids: NDArray[np.int64]
    answer: str
    kinds: tuple[str, ...]
    window: int
    clean: float
    corrupted: Floats
    restored: Floats
    top_ids: NDArray[np.int64]
    top_probability: Floats
    clean_top: tuple[Candidate, ...]
    corrupted_top: tuple[Candidate, ...]
    words: dict[int, str]
    sigma: float
    noise: float
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            **{name: tuple(document[name]) for name in ("tokens", "subject_tokens", "kinds")},
            **{name: tuple(Candidate(**one) for one in document[name]) for name in ("clean_top", "corrupted_top")},
            "words": {int(i): word for i, word in document["words"].items()},  # JSON has no numbers as keys
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    @property
    def samples(self) -> int:
        return len(self.corrupted)

    @property
    def total_effect(self) -> float:
        """Clean minus mean corrupted probability: what there is to restore."""
        return self.clean - float(self.corrupted.mean())

    @property
    def effects(self) -> Floats:
        """(P, L): indirect effects of the first kind, mean over the samples."""
        return self.effects_of(self.kinds[0])

    def effects_of(self, kind: str) -> Floats:
        """(P, L): indirect effects of one kind. Raises ArgumentError for a kind that was not traced."""
        found: Floats = self._by_sample(kind).mean(0)
        return found

    def errors_of(self, kind: str) -> Floats:
        """(P, L): standard errors of the mean over the samples; nan for a single sample."""
        by_sample = self._by_sample(kind)
        if self.samples < 2:
            return np.full(by_sample.shape[1:], np.nan)
        return np.asarray(by_sample.std(0, ddof=1) / np.sqrt(self.samples))

    def _by_sample(self, kind: str) -> Floats:
        if kind not in self.kinds:
            raise not_one_of("kind", kind, self.kinds)
        return np.asarray(self.restored[self.kinds.index(kind)] - self.corrupted[:, None, None])

    def peak(self, kind: str | None = None) -> TraceCell:
        """The cell with the largest effect before the last token: restoring the last token late restores the answer
        itself, in every model."""
        kind = kind or self.kinds[0]
        effects = self.effects_of(kind)
        earlier = effects[self.positions < len(self.tokens) - 1]
        place, layer = np.unravel_index(int(np.argmax(earlier if earlier.size else effects)), effects.shape)
        return self.cell(int(self.positions[place]), int(self.layers[layer]), kind)

    def cell(self, position: int, layer: int, kind: str | None = None) -> TraceCell:
        """One cell by token position and layer; negative ones count from the end. Raises OutOfRangeError."""
        kind = kind or self.kinds[0]
        effects, errors = self.effects_of(kind), self.errors_of(kind)
        position = position + len(self.tokens) if position < 0 else position
        layer = layer + int(self.layers[-1]) + 1 if layer < 0 else layer
        if position not in self.positions or layer not in self.layers:
            raise OutOfRangeError(
                f"position={position}, layer={layer}: traced were positions {_span(self.positions)} at layers"
                f" {_span(self.layers)}"
            )
        i, j = int(np.flatnonzero(self.positions == position)[0]), int(np.flatnonzero(self.layers == layer)[0])
        k = self.kinds.index(kind)
        effect, half = float(effects[i, j]), 1.96 * float(errors[i, j])
        after = zip(self.top_ids[k, i, j], self.top_probability[k, i, j], strict=True)
        return TraceCell(
            kind=kind,
            position=position,
            token=self.tokens[position],
            layer=layer,
            effect=effect,
            low=effect - half,
            high=effect + half,
            before=self.corrupted_top,
            after=tuple(Candidate(self.words[int(one)], int(one), float(p)) for one, p in after),
        )

    def to_frame(self) -> pd.DataFrame:
        """One row for each kind, position and layer: restored probability, effect, standard error."""
        import pandas as pd

        frames = []
        for number, kind in enumerate(self.kinds):
            places, layers = (index.ravel() for index in np.indices(self.effects.shape))
            frames.append(
                pd.DataFrame(
                    {
                        "kind": kind,
                        "position": self.positions[places],
                        "token": [self.tokens[self.positions[i]] for i in places],
                        "layer": self.layers[layers],
                        "restored": self.restored[number].mean(0).ravel(),
                        "effect": self.effects_of(kind).ravel(),
                        "standard_error": self.errors_of(kind).ravel(),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    def plot(self, kind: str | None = None) -> Figure:
        """Positions down, layers across, the effect as colour; a Figure that pyplot does not know."""
        from interp_widgets.locate.trace_plot import plot

        return plot(self, kind)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.locate.trace_page import trace_page

        return trace_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.trace_text import trace_text

        return trace_text(self)

    def __repr__(self) -> str:
        return (
            f"<TraceResult: {len(self.positions)} positions, {len(self.layers)} layers, {', '.join(self.kinds)}; "
            f"{self.verdict.word}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import trace_bundle

        return trace_bundle(self)


def _span(numbers: NDArray[np.int64]) -> str:
    values = [int(one) for one in numbers]
    if values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]} to {values[-1]}"
    return ", ".join(map(str, values))
