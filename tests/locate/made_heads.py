"""A result of heads made by hand, for tests of all that shows or keeps it; no model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp_widgets.locate.heads_result import HeadsResult
from interp_widgets.models.candidate import Candidate
from interp_widgets.results.provenance import Verdict
from tests.builders import make_provenance, spans_of

PIECES = ("The", " capital", " of", " Australia", " is")
CAUTION = Verdict("caution", "None of 6 heads changes the first choice by itself.", ("Heads stand in for each other.",))


def make_heads(**changes: Any) -> HeadsResult:
    """Three layers (2 to 4) of two heads; head 1 of layer 3 looks from the last token at the one before, and without it
    another token leads. Any field can be changed by name."""
    pieces = changes.pop("pieces", PIECES)
    n = len(pieces)
    patterns = np.zeros((3, 2, n, n), np.float32)
    patterns[..., 0] = 1.0
    patterns[1, 1, -1] = 0.0
    patterns[1, 1, -1, [0, -2]] = (0.085, 0.915)
    fields: dict[str, Any] = {
        "text": "".join(pieces),
        "tokens": tuple(pieces),
        "token_ids": np.arange(n, dtype=np.int64),
        "spans": spans_of(pieces),
        "layers": np.array([2, 3, 4], dtype=np.int64),
        "heads": np.array([0, 1], dtype=np.int64),
        "key_value_heads": 1,
        "query_heads": 2,
        "n_layers": 6,
        "patterns": patterns,
        "ablation": "zero",
        "positions": np.arange(n, dtype=np.int64),
        "metric": "log-probability",
        "unit": "log-probability",
        "target": " Sydney",
        "target_ids": np.array([11], dtype=np.int64),
        "foil": None,
        "foil_ids": np.empty(0, dtype=np.int64),
        "value": float(np.log(0.36)),
        "ablated": np.log([[0.36, 0.3], [0.4, 0.06], [0.36, 0.35]]),
        "answer_ids": np.array([[11, 11], [11, 12], [11, 11]], dtype=np.int64),
        "answer_probability": np.array([[0.36, 0.3], [0.4, 0.41], [0.36, 0.35]]),
        "words": {11: " Sydney", 12: " Canberra"},
        "top": (Candidate(" Sydney", 11, 0.36), Candidate(" Canberra", 12, 0.34)),
        "diagnostics": {"kept": 0.7, "checked": 5.0},
        "verdict": CAUTION,
    }
    provenance = {"prompt": "".join(pieces), **changes.pop("provenance", {})}
    return HeadsResult(**{**fields, **changes}, provenance=make_provenance(**provenance))
