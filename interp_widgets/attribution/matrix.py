"""What `iw.attribute` returns for a span of generated text: the sources of each token of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.models.prompts import Group
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.generation import Step
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Said:
    """What the model thought of one explained token: its text and id, its probability, the entropy of the next-token
    distribution in nats, and the best other token with its probability."""

    text: str
    id: int
    probability: float
    entropy: float
    runner_up: str
    runner_up_probability: float

    @classmethod
    def of(cls, step: Step) -> Said:
        """From a step of generation."""
        return cls(step.text, step.id, step.probability, step.entropy, *step.runner_up)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class MatrixResult(Result):
    """For each explained token (target), the scores of all tokens before it (sources).

    Attributes
    ----------
    text: prompt and generated text
    tokens: text of each token of `text` alone, prompt first, then what was generated
    token_ids: int64, (tokens,); spans: int64, (tokens, 2); groups: chat turns of the prompt
    prompt_tokens: how many of the tokens are the prompt's
    positions: int64, (targets,); the index in `tokens` of each explained token, ascending
    said: one for each target: probability, entropy, runner-up
    scores: float64, (targets, tokens), in `unit`; nan at and after the target's own position, where no source is
    complete: False where the run was stopped before the last row (`scores` then has the rows that were done)
    unit: "log-probability" or "logit", of each explained token
    method, settings, diagnostics, verdict, provenance: as in AttributionResult
    """

    kind: ClassVar[str] = "attribution matrix"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    groups: tuple[Group, ...]
    prompt_tokens: int
    positions: NDArray[np.int64]
    said: tuple[Said, ...]
    scores: NDArray[np.float64]
    complete: bool
    unit: str
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
            "said": tuple(Said(**said) for said in document["said"]),
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def targets(self) -> tuple[str, ...]:
        """Text of each explained token."""
        return tuple(self.tokens[i] for i in self.positions)

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    def to_frame(self) -> pd.DataFrame:
        """One row for each target and source: target, its position, source, its position, score."""
        import pandas as pd

        rows, sources = np.nonzero(~np.isnan(self.scores))
        return pd.DataFrame(
            {
                "target": [self.tokens[self.positions[i]] for i in rows],
                "target_position": self.positions[rows],
                "source": [self.tokens[j] for j in sources],
                "source_position": sources,
                "score": self.scores[rows, sources],
            }
        )

    def plot(self) -> Figure:
        """A heat map, targets down and sources across; a Figure that pyplot does not know."""
        from interp_widgets.attribution.matrix_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.attribution.page import matrix_page

        return matrix_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.attribution.matrix_text import matrix_text

        return matrix_text(self)

    def __repr__(self) -> str:
        return (
            f"<MatrixResult: {len(self.positions)} targets, {len(self.tokens)} tokens by {self.method}, "
            f"{self.verdict.word}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import matrix_bundle

        return matrix_bundle(self)
