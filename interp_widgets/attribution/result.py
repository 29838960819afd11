"""What `iw.attribute` returns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.models.candidate import Candidate
from interp_widgets.models.prompts import Group
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

__all__ = ["AttributionResult", "Candidate", "Group"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AttributionResult(Result):
    """Scores of the prompt's tokens for a target, against a foil if one was given.

    Attributes
    ----------
    text: the string that was tokenised (chat template applied; for token ids: their decoding)
    tokens: text of each token alone; bytes that are only a part of a character by their numbers, "⟨F0 9F⟩"
    token_ids: int64, (tokens,)
    spans: int64, (tokens, 2); start and end of each token's characters in `text`; tokens that share a character
        have overlapping spans; a special token not in `text` has an empty span
    groups: chat turns; empty for a plain prompt
    grouping: "token", or the unit by which tokens were taken together ("word", "sentence", "turn", or a regular
        expression); then `tokens`, `spans` and `scores` are of units, and `token_ids` still of all tokens
    scores: float64, (tokens,), in `unit`
    interval: float64, (tokens, 2), 95 % confidence interval of each score where the method gives one, else None
    target, foil: strings (foil may be None), with `target_ids`, `foil_ids` (int64)
    function, unit: what was explained, and its unit: "logit", "log-probability", "probability", "difference"
        (log-odds), "entropy" (nats)
    gap: log-odds of the target over the foil (without a foil: over the best other next token); negative if the
        target does not lead
    candidates: the most probable next tokens, best first; always holds first tokens of target and foil
    method, settings: name in the registry and its settings (JSON values)
    diagnostics: measured numbers by name; for integrated gradients "sum", "due" and "completeness_error"
    verdict: whether to believe the scores, by which measurement
    provenance: model, prompt, versions, cost; `forward_passes` and `seconds` are there too

    Arrays are read-only. In a notebook the result shows its widget; `print(result)` shows it as text.
    """

    kind: ClassVar[str] = "attribution result"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    groups: tuple[Group, ...]
    grouping: str = "token"
    scores: NDArray[np.float64]
    interval: NDArray[np.float64] | None = None
    target: str
    target_ids: NDArray[np.int64]
    foil: str | None
    foil_ids: NDArray[np.int64]
    function: str = "logit"
    unit: str
    gap: float
    candidates: tuple[Candidate, ...]
    method: str
    settings: dict[str, Any]
    diagnostics: dict[str, float]
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            "tokens": tuple(document["tokens"]),
            "groups": tuple(Group(**group) for group in document["groups"]),
            "candidates": tuple(Candidate(**candidate) for candidate in document["candidates"]),
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    def __sub__(self, other: AttributionResult) -> AttributionResult:
        """Scores of this minus those of another result for the same question; the verdict is the worse of the two."""
        if not isinstance(other, AttributionResult):
            return NotImplemented
        from interp_widgets.attribution.compare import subtract

        return subtract(self, other)

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    def to_frame(self) -> pd.DataFrame:
        """One row for each token: token, id, start and end in `text`, chat turn, score."""
        import pandas as pd

        turns = [""] * len(self.tokens)
        for group in self.groups:
            turns[group.start : group.end] = [group.label] * (group.end - group.start)
        columns = {
            "token": list(self.tokens),
            **({"id": self.token_ids} if self.grouping == "token" else {}),
            "start": self.spans[:, 0],
            "end": self.spans[:, 1],
            **({"turn": turns} if self.groups else {}),
            "score": self.scores,
            **({} if self.interval is None else {"low": self.interval[:, 0], "high": self.interval[:, 1]}),
        }
        return pd.DataFrame(columns)

    def plot(self) -> Figure:
        """Signed bars, one for each token, in reading order; a Figure that pyplot does not know."""
        from interp_widgets.attribution.plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it, which asks no other address for anything; written to `path` if given.

        Raises FileNotFoundError if the view was not built (a source tree without `npm run build`), DiskFullError.
        """
        from interp_widgets.attribution.page import highlight_page

        return highlight_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.attribution.text import highlight_text

        return highlight_text(self)

    def __repr__(self) -> str:
        against = f" against {self.foil!r}" if self.foil is not None else ""
        return (
            f"<AttributionResult: {len(self.tokens)} tokens for {self.target!r}{against} by {self.method}, "
            f"{self.verdict.word}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The live widget, the picture's data, its script-free twin, and text: each host shows the best it can."""
        # The one upward reference of results: in a notebook a result shows its widget, made when it is shown.
        from interp_widgets.widgets.display import mimebundle

        return mimebundle(self)
