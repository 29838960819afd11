"""What `iw.heads` found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import OutOfRangeError
from interp_widgets.models.candidate import Candidate
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeadCell:
    """One head: where it is, and the answer without it.

    value: the result's number with the head off; effect: what that changes; answer: the first choice then
    """

    layer: int
    head: int
    value: float
    effect: float
    answer: Candidate


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class HeadsResult(Result):
    """Attention patterns of heads on a prompt, and what switching each of them off does to the answer.

    Attributes
    ----------
    tokens, token_ids, spans: of the prompt (N)
    layers: (L,), of the model's `n_layers`; heads: (H,), of its `query_heads`, which share `key_value_heads`
    patterns: float32, (L, H, N, N), attention weights, query before key
    ablation: "zero" or "mean", what stands in for a head's output; positions: (Q,), where
    metric, unit, target, target_ids, foil, foil_ids: as in PatchResult; value: that number in the unchanged run
    ablated: (L, H), that number with the head switched off
    answer_ids, answer_probability: (L, H), the first choice with the head switched off; words: id -> text
    top: best next tokens of the unchanged run
    diagnostics: what the verdict follows from; see `heads_verdict.diagnose`. Empty where nothing was switched off:
        `ablated` is then nan, and the patterns are all there is
    """

    kind: ClassVar[str] = "heads"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    layers: NDArray[np.int64]
    heads: NDArray[np.int64]
    key_value_heads: int
    query_heads: int
    n_layers: int
    patterns: NDArray[np.float32]
    ablation: str
    positions: NDArray[np.int64]
    metric: str
    unit: str
    target: str
    target_ids: NDArray[np.int64]
    foil: str | None
    foil_ids: NDArray[np.int64]
    value: float
    ablated: Floats
    answer_ids: NDArray[np.int64]
    answer_probability: Floats
    words: dict[int, str]
    top: tuple[Candidate, ...]
    diagnostics: dict[str, float]
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            "tokens": tuple(document["tokens"]),
            "top": tuple(Candidate(**one) for one in document["top"]),
            "words": {int(i): word for i, word in document["words"].items()},  # JSON has no numbers as keys
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    @property
    def effects(self) -> Floats:
        """(L, H): what switching each head off changes."""
        return np.asarray(self.ablated - self.value)

    def pattern(self, layer: int, head: int) -> NDArray[np.float32]:
        """(N, N): the weights of one head, query before key. Raises OutOfRangeError."""
        i, j = self._place(layer, head)
        found: NDArray[np.float32] = self.patterns[i, j]
        return found

    def effect(self, layer: int, head: int) -> float:
        """What switching one head off changes. Raises OutOfRangeError."""
        return float(self.effects[self._place(layer, head)])

    def cell(self, layer: int, head: int) -> HeadCell:
        """One head by layer and head. Raises OutOfRangeError."""
        i, j = self._place(layer, head)
        chosen = int(self.answer_ids[i, j])
        return HeadCell(
            layer=layer,
            head=head,
            value=float(self.ablated[i, j]),
            effect=float(self.effects[i, j]),
            answer=Candidate(self.words.get(chosen, ""), chosen, float(self.answer_probability[i, j])),
        )

    def strongest(self) -> HeadCell:
        """The head whose absence changes the number most; the first one where none was switched off."""
        size = np.nan_to_num(np.abs(self.effects))
        i, j = np.unravel_index(int(np.argmax(size)), size.shape)
        return self.cell(int(self.layers[i]), int(self.heads[j]))

    def _place(self, layer: int, head: int) -> tuple[int, int]:
        at = np.flatnonzero(self.layers == layer), np.flatnonzero(self.heads == head)
        if not len(at[0]) or not len(at[1]):
            raise OutOfRangeError(
                f"layer={layer}, head={head}: this result has layers {self.layers.tolist()} and heads"
                f" {self.heads.tolist()}"
            )
        return int(at[0][0]), int(at[1][0])

    def to_frame(self) -> pd.DataFrame:
        """One row for each layer and head: value with the head off, effect, and the first choice then."""
        import pandas as pd

        layers, heads = (index.ravel() for index in np.indices(self.ablated.shape))
        return pd.DataFrame(
            {
                "layer": self.layers[layers],
                "head": self.heads[heads],
                "value": self.ablated.ravel(),
                "effect": self.effects.ravel(),
                "answer": [self.words.get(int(i), "") for i in self.answer_ids.ravel()],
                "probability": self.answer_probability.ravel(),
            }
        )

    def plot(self) -> Figure:
        """Layers down, heads across, the effect as colour; a Figure that pyplot does not know."""
        from interp_widgets.locate.heads_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.locate.heads_page import heads_page

        return heads_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.heads_text import heads_text

        return heads_text(self)

    def __repr__(self) -> str:
        return f"<HeadsResult: {len(self.layers)} layers, {len(self.heads)} heads; {self.verdict.word}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import heads_bundle

        return heads_bundle(self)
