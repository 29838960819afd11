"""What `iw.compare` returns: the scores of several methods for one question, side by side."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.models.candidate import Candidate
from interp_widgets.models.prompts import Group
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Entry:
    """One method's part of a comparison: what `AttributionResult` says beside the scores."""

    method: str
    label: str
    settings: dict[str, Any]
    diagnostics: dict[str, float]
    verdict: Verdict
    forward_passes: int
    seconds: float
    batch_size: int
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ComparisonResult(Result):
    """Scores of one prompt's tokens by several methods, for the same target.

    Attributes
    ----------
    text, tokens, token_ids, spans, groups, grouping, target, target_ids, foil, foil_ids, function, unit, gap,
    candidates: as in AttributionResult
    entries: one for each method, in the order asked for
    scores: float64, (methods, tokens)
    agreement: float64, (methods, methods); Spearman's rank correlation of the scores; nan where a method gives every
        token the same score
    provenance: of the whole; `forward_passes` and `seconds` are sums

    `c["lime"]` is that method's AttributionResult; `c.results` are all; iteration goes over the methods' names.
    """

    kind: ClassVar[str] = "comparison"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    groups: tuple[Group, ...]
    grouping: str
    target: str
    target_ids: NDArray[np.int64]
    foil: str | None
    foil_ids: NDArray[np.int64]
    function: str
    unit: str
    gap: float
    candidates: tuple[Candidate, ...]
    entries: tuple[Entry, ...]
    scores: NDArray[np.float64]
    agreement: NDArray[np.float64]

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        entries = []
        for entry in document["entries"]:
            verdict = Verdict(**{**entry["verdict"], "why": tuple(entry["verdict"]["why"])})
            entries.append(Entry(**{**entry, "verdict": verdict, "notes": tuple(entry["notes"])}))
        return {
            **document,
            **arrays,
            "tokens": tuple(document["tokens"]),
            "groups": tuple(Group(**group) for group in document["groups"]),
            "candidates": tuple(Candidate(**candidate) for candidate in document["candidates"]),
            "entries": tuple(entries),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(entry.method for entry in self.entries)

    def __iter__(self) -> Any:
        return iter(self.methods)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, method: str) -> AttributionResult:
        """One method's result. Raises ArgumentError for a method that is not in the comparison."""
        if method not in self.methods:
            raise not_one_of("method", method, self.methods)
        i = self.methods.index(method)
        entry, whole = self.entries[i], self.provenance
        provenance = Provenance(
            **{
                **{name: getattr(whole, name) for name in whole.__dataclass_fields__},
                "forward_passes": entry.forward_passes,
                "seconds": entry.seconds,
                "batch_size": entry.batch_size,
                "notes": entry.notes,
            }
        )
        return AttributionResult(
            text=self.text,
            tokens=self.tokens,
            token_ids=self.token_ids,
            spans=self.spans,
            groups=self.groups,
            grouping=self.grouping,
            scores=self.scores[i],
            interval=None,
            target=self.target,
            target_ids=self.target_ids,
            foil=self.foil,
            foil_ids=self.foil_ids,
            function=self.function,
            unit=self.unit,
            gap=self.gap,
            candidates=self.candidates,
            method=entry.method,
            settings=entry.settings,
            diagnostics=entry.diagnostics,
            verdict=entry.verdict,
            provenance=provenance,
        )

    @property
    def results(self) -> tuple[AttributionResult, ...]:
        return tuple(self[method] for method in self.methods)

    def disagreements(self, k: int = 3) -> list[dict[str, Any]]:
        """The `k` tokens on whose rank the methods differ most, as {token, index, ranks}: rank 1 is the highest score.

        Raises ArgumentError for k under 1.
        """
        if k < 1:
            raise ArgumentError(f"k={k}: at least 1")
        from scipy.stats import rankdata

        ranks = np.stack([rankdata(-row, method="min") for row in self.scores]).astype(int)
        spread = ranks.max(0) - ranks.min(0)
        return [
            {
                "token": self.tokens[i],
                "index": int(i),
                "ranks": dict(zip(self.methods, ranks[:, i].tolist(), strict=True)),
            }
            for i in np.argsort(-spread, kind="stable")[:k]
            if spread[i] > 0
        ]

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    def to_frame(self) -> pd.DataFrame:
        """One row for each token: token, and a column of scores for each method."""
        import pandas as pd

        return pd.DataFrame({"token": list(self.tokens), **dict(zip(self.methods, self.scores, strict=True))})

    def plot(self) -> Figure:
        """Signed bars for each method, one picture beside the other; a Figure that pyplot does not know."""
        from interp_widgets.attribution.compare_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.attribution.page import compare_page

        return compare_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.attribution.compare_text import compare_text

        return compare_text(self)

    def __repr__(self) -> str:
        return f"<ComparisonResult: {len(self.tokens)} tokens for {self.target!r} by {', '.join(self.methods)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import compare_bundle

        return compare_bundle(self)
