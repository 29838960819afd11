"""What `iw.patch` found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.models.candidate import Candidate
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PatchResult(Result):
    """What happens to an answer when parts of one run are put into another (activation patching, also called
    interchange intervention or causal mediation: Vig et al. 2020, Meng et al. 2022, Zhang & Nanda 2024).

    Attributes
    ----------
    text, tokens, token_ids, spans: of the run that is patched (N tokens): the corrupted one where clean activations
        are restored, the clean one where corrupted ones are inserted
    source_text, source_tokens: of the run that the activations come from
    alignment: (N,), for each token the one of the source that stands for it, -1 for none
    direction: "restore" or "insert"
    sites: what was patched; one of "resid_pre", "resid_post", "attn_out", "mlp_out" or several, or "heads", "neurons"
    row_kind: "position", "head" or "neuron"; rows: (R,) their numbers; layers: (L,)
    patched_positions: (Q,), where heads and neurons were patched (all at once); empty for rows that are positions
    metric, unit: the number that is followed; see `models.question.FUNCTIONS`
    target, target_ids, foil, foil_ids: as tokens
    clean, corrupted: that number in the two runs
    values: (sites, R, L), that number in the patched runs; nan where nothing was measured
    first_order: (sites, R, L), what attribution patching predicts for it; nan where it was not asked for
    points: of the first-order estimate; 0 for none
    normalised: `effects` as a share of the way from the run that is patched to the other
    clean_top, corrupted_top: best next tokens of the two runs
    diagnostics: correlation (Pearson) and rank_correlation (Spearman) of the first-order effects with the exact ones,
        over the cells where both are there, and their number
    """

    kind: ClassVar[str] = "patching"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    source_text: str
    source_tokens: tuple[str, ...]
    alignment: NDArray[np.int64]
    direction: str
    sites: tuple[str, ...]
    row_kind: str
    rows: NDArray[np.int64]
    layers: NDArray[np.int64]
    patched_positions: NDArray[np.int64]
    metric: str
    unit: str
    target: str
    target_ids: NDArray[np.int64]
    foil: str | None
    foil_ids: NDArray[np.int64]
    clean: float
    corrupted: float
    values: Floats
    first_order: Floats
    points: int
    normalised: bool
    clean_top: tuple[Candidate, ...]
    corrupted_top: tuple[Candidate, ...]
    diagnostics: dict[str, float]
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            **{name: tuple(document[name]) for name in ("tokens", "source_tokens", "sites")},
            **{name: tuple(Candidate(**one) for one in document[name]) for name in ("clean_top", "corrupted_top")},
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    @property
    def base(self) -> float:
        """The number in the run that is patched."""
        return self.corrupted if self.direction == "restore" else self.clean

    @property
    def other(self) -> float:
        """The number in the run that the activations come from."""
        return self.clean if self.direction == "restore" else self.corrupted

    @property
    def effects(self) -> Floats:
        """(R, L): effects of the first site."""
        return self.effects_of(self.sites[0])

    def effects_of(self, site: str, *, first_order: bool = False) -> Floats:
        """(R, L): what patching each cell of a site changes; normalised, 0 leaves the run as it is and 1 makes it the
        other one. With `first_order` what attribution patching predicts.

        Raises ArgumentError for a site that was not patched, and for an estimate that was not asked for.
        """
        if site not in self.sites:
            raise not_one_of("site", site, self.sites)
        if first_order and not self.points:
            raise ArgumentError(
                "first_order=True: no estimate was made; ask for it with method='attribution' or 'both'"
            )
        values = (self.first_order if first_order else self.values)[self.sites.index(site)]
        return np.asarray((values - self.base) / (self.other - self.base if self.normalised else 1.0))

    @property
    def row_names(self) -> tuple[str, ...]:
        """Each row in words: a token, or the number of a head or neuron."""
        if self.row_kind == "position":
            return tuple(self.tokens[i] for i in self.rows)
        return tuple(f"{self.row_kind} {i}" for i in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """One row for each site, row and layer: value, effect, and the first-order effect where there is one."""
        import pandas as pd

        frames = []
        for number, site in enumerate(self.sites):
            rows, layers = (index.ravel() for index in np.indices(self.values.shape[1:]))
            table = {
                "site": site,
                self.row_kind: self.rows[rows],
                **({"token": [self.row_names[i] for i in rows]} if self.row_kind == "position" else {}),
                "layer": self.layers[layers],
                "value": self.values[number].ravel(),
                "effect": self.effects_of(site).ravel(),
            }
            if self.points:
                table["first_order"] = self.effects_of(site, first_order=True).ravel()
            frames.append(pd.DataFrame(table))
        return pd.concat(frames, ignore_index=True)

    def plot(self, site: str | None = None) -> Figure:
        """Rows down, layers across, the effect as colour; a Figure that pyplot does not know."""
        from interp_widgets.locate.patch_plot import plot

        return plot(self, site)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.locate.patch_page import patch_page

        return patch_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.patch_text import patch_text

        return patch_text(self)

    def __repr__(self) -> str:
        return (
            f"<PatchResult: {len(self.rows)} {self.row_kind}s, {len(self.layers)} layers of {', '.join(self.sites)}; "
            f"{self.verdict.word}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import patch_bundle

        return patch_bundle(self)
