"""What `iw.attribute` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.provenance import Provenance, Verdict


@dataclass(frozen=True)
class Candidate:
    """A next token that the model considers: its text, id and probability."""

    text: str
    id: int
    probability: float


@dataclass(frozen=True)
class Group:
    """A chat turn: role (or "template" for what the template itself adds) and its tokens, `start` to `end - 1`."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class AttributionResult:
    """Scores of the prompt's tokens for a target, against a foil if one was given.

    Attributes
    ----------
    text: the string that was tokenised (chat template applied; for token ids: their decoding)
    tokens: text of each token as the tokenizer spells it alone; a token that is part of a character has U+FFFD
    token_ids: int64, (tokens,)
    spans: int64, (tokens, 2); start and end of each token's characters in `text`; tokens that share a character
        have overlapping spans; a special token not in `text` has an empty span
    groups: chat turns; empty for a plain prompt
    scores: float64, (tokens,), in `unit`
    target, foil: strings (foil may be None), with `target_ids`, `foil_ids` (int64)
    unit: "logit", "log-probability" or "log-odds"
    gap: log-odds of the target over the foil (without a foil: over the best other next token); negative if the
        target does not lead
    candidates: the most probable next tokens, best first; always holds first tokens of target and foil
    method, settings: name in the registry and its settings (JSON values)
    diagnostics: measured numbers by name; for integrated gradients "sum", "due" and "completeness_error"
    """

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    groups: tuple[Group, ...]
    scores: NDArray[np.float64]
    target: str
    target_ids: NDArray[np.int64]
    foil: str | None
    foil_ids: NDArray[np.int64]
    unit: str
    gap: float
    candidates: tuple[Candidate, ...]
    method: str
    settings: dict[str, Any]
    diagnostics: dict[str, float]
    verdict: Verdict
    provenance: Provenance
