"""Results of tracing and patching made by hand, for tests of all that shows or keeps them; no model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.locate.trace_result import TraceResult
from interp_widgets.models.candidate import Candidate
from tests.builders import TRUST, make_provenance, spans_of

PIECES = ("The", " E", "iffel", " Tower", " is", " in")
SAMPLES = 3


def make_trace(**changes: Any) -> TraceResult:
    """The Eiffel Tower over six layers: the last subject token early, the last token late, and a little below zero; any
    field can be changed by name."""
    pieces = changes.pop("pieces", PIECES)
    kinds = changes.pop("kinds", ("hidden", "mlp"))
    n, n_layers = len(pieces), changes.pop("n_layers", 6)
    samples = changes.pop("samples", SAMPLES)
    corrupted = np.linspace(0.01, 0.03, samples)
    effects = np.zeros((len(kinds), samples, n, n_layers))
    for k in range(len(kinds)):
        scale = 1.0 / (k + 1)
        effects[k, :, 2 % n] = np.linspace(0.5, 0.05, n_layers) * scale
        effects[k, :, -1] = np.linspace(-0.008, 0.6, n_layers) * scale
    effects *= np.linspace(0.9, 1.1, samples)[None, :, None, None]
    top_ids = np.tile(np.array([11, 12, 13]), (len(kinds), n, n_layers, 1))
    top_probability = np.tile(np.array([0.5, 0.25, 0.00004]), (len(kinds), n, n_layers, 1))
    fields: dict[str, Any] = {
        "text": "".join(pieces),
        "tokens": tuple(pieces),
        "token_ids": np.arange(n, dtype=np.int64),
        "spans": spans_of(pieces),
        "positions": np.arange(n, dtype=np.int64),
        "layers": np.arange(n_layers, dtype=np.int64),
        "subject": "Eiffel Tower",
        "subject_tokens": (1, 3),
        "target": " Paris",
        "target_ids": np.array([11], dtype=np.int64),
        "answer": " Paris",
        "kinds": tuple(kinds),
        "window": 4,
        "clean": 0.7,
        "corrupted": corrupted,
        "restored": corrupted[None, :, None, None] + effects,
        "top_ids": top_ids,
        "top_probability": top_probability,
        "clean_top": (Candidate(" Paris", 11, 0.7), Candidate(" London", 12, 0.05)),
        "corrupted_top": (Candidate(" London", 12, 0.3), Candidate(" Rome", 14, 0.1)),
        "words": {11: " Paris", 12: " London", 13: " the", 14: " Rome"},
        "sigma": 0.03,
        "noise": 3.0,
        "verdict": TRUST,
    }
    provenance = {"prompt": "".join(pieces), **changes.pop("provenance", {})}
    return TraceResult(**{**fields, **changes}, provenance=make_provenance(**provenance))


def make_patch(**changes: Any) -> PatchResult:
    """The Colosseum's run with parts of the Eiffel Tower's; the first token of the subject has none that stands for it.
    Both the exact effects and the first-order ones; any field can be changed by name."""
    pieces = changes.pop("pieces", ("The", " Col", "osseum", " is", " in"))
    source = changes.pop("source_tokens", ("The", " Eiffel", " Tower", " is", " in"))
    sites = changes.pop("sites", ("resid_post", "mlp_out"))
    n, n_layers = len(pieces), 6
    values = np.full((len(sites), n, n_layers), -2.0)
    values[:, 2] = np.linspace(3.4, -1.8, n_layers)
    values[:, -1] = np.linspace(-2.2, 3.0, n_layers)
    values[:, 1] = np.nan
    fields: dict[str, Any] = {
        "text": "".join(pieces),
        "tokens": tuple(pieces),
        "token_ids": np.arange(n, dtype=np.int64),
        "spans": spans_of(pieces),
        "source_text": "".join(source),
        "source_tokens": tuple(source),
        "alignment": np.array([0, -1, 2, 3, 4], dtype=np.int64)[:n],
        "direction": "restore",
        "sites": tuple(sites),
        "row_kind": "position",
        "rows": np.arange(n, dtype=np.int64),
        "layers": np.arange(n_layers, dtype=np.int64),
        "patched_positions": np.empty(0, dtype=np.int64),
        "metric": "difference",
        "unit": "log-odds",
        "target": " Paris",
        "target_ids": np.array([11], dtype=np.int64),
        "foil": " Rome",
        "foil_ids": np.array([14], dtype=np.int64),
        "clean": 3.0,
        "corrupted": -2.0,
        "values": values,
        "first_order": values * 0.8 - 0.4,
        "points": 1,
        "normalised": True,
        "clean_top": (Candidate(" Paris", 11, 0.7), Candidate(" London", 12, 0.05)),
        "corrupted_top": (Candidate(" Rome", 14, 0.6), Candidate(" Paris", 11, 0.08)),
        "diagnostics": {"correlation": 0.93, "rank_correlation": 0.81, "cells_compared": 48.0},
        "verdict": TRUST,
    }
    provenance = {"prompt": "".join(source), **changes.pop("provenance", {})}
    return PatchResult(**{**fields, **changes}, provenance=make_provenance(**provenance))
