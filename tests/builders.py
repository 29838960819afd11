"""Results of attribution made by hand, for tests of everything that shows or keeps them; no model is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from interp_widgets.attribution.comparison import ComparisonResult, Entry
from interp_widgets.attribution.matrix import MatrixResult, Said
from interp_widgets.attribution.result import AttributionResult, Group
from interp_widgets.models.candidate import Candidate
from interp_widgets.results.provenance import Provenance, Verdict

TRUST = Verdict("trust", "deleting the top tokens moves the gap 4.1 times as far as random order")
DO_NOT_TRUST = Verdict(
    "do not trust",
    "scores sum to +21.0, where +16.0 logit is due (off by 31 %); the path integral has not converged",
    ("Integrated gradients promises a sum that was not reached.", "Use leave-one-out instead."),
)


def spans_of(pieces: Sequence[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Spans of tokens that are pieces of a text, one after the other."""
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    return np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int64)


def make_provenance(**changes: Any) -> Provenance:
    fields: dict[str, Any] = {
        "model": "SmolLM2-135M-Instruct",
        "fingerprint": "f" * 64,
        "device": "cpu",
        "dtype": "float32",
        "prompt": "The capital of Australia is",
        "bos": 0,
        "interventions": (),
        "versions": {"interp-widgets": "0.1.0", "torch": "2.13.0"},
        "seed": 0,
        "batch_size": 8,
        "forward_passes": 52,
        "seconds": 0.91,
        "notes": (),
    }
    return Provenance(**{**fields, **changes})


def make_result(**changes: Any) -> AttributionResult:
    """The capital of Australia, " Canberra" against " Sydney", which leads; any field can be changed by name."""
    pieces = changes.pop("pieces", ["The", " capital", " of", " Australia", " is"])
    text = "".join(pieces)
    provenance = {"prompt": text, **changes.pop("provenance", {})}
    defaults = np.array([0.06, 0.42, -0.08, 0.9, -0.35])
    fields: dict[str, Any] = {
        "text": text,
        "tokens": tuple(pieces),
        "token_ids": np.arange(len(pieces), dtype=np.int64) + 100,
        "spans": spans_of(pieces) if pieces else np.empty((0, 2), dtype=np.int64),
        "groups": (),
        "scores": np.resize(defaults, len(pieces)).astype(np.float64),
        "target": " Canberra",
        "target_ids": np.array([45421], dtype=np.int64),
        "foil": " Sydney",
        "foil_ids": np.array([11809], dtype=np.int64),
        "unit": "log-odds",
        "gap": -0.06,
        "candidates": (
            Candidate(" Sydney", 11809, 0.362),
            Candidate(" Canberra", 45421, 0.341),
            Candidate(" the", 260, 0.0421),
            Candidate(" Perth", 37045, 0.0041),
        ),
        "method": "integrated_gradients",
        "settings": {"baseline": "zero", "steps": 50, "quadrature": "gauss-legendre"},
        "diagnostics": {"sum": 0.95, "due": 0.96, "completeness_error": 0.0104},
        "verdict": TRUST,
    }
    fields["function"] = "difference" if {**fields, **changes}["foil"] is not None else "logit"
    return AttributionResult(**{**fields, **changes}, provenance=make_provenance(**provenance))


def make_emoji_result() -> AttributionResult:
    """The text "Hi 👋!" as byte tokens: " \\xf0\\x9f", "\\x91", "\\x8b" share the waving hand."""
    tokens = ("Hi", " ⟨F0 9F⟩", "⟨91⟩", "⟨8B⟩", "!")
    return make_result(
        pieces=["Hi", " 👋", "!"],
        tokens=tokens,
        token_ids=np.arange(5, dtype=np.int64),
        spans=np.array([[0, 2], [2, 4], [3, 4], [3, 4], [4, 5]], dtype=np.int64),
        scores=np.array([0.1, 0.4, 0.12, 0.1, -0.5]),
    )


def make_chat_result() -> AttributionResult:
    """One user message in a template of SmolLM2's kind."""
    pieces = ["<|im_start|>", "user", "\n", "Hi", "<|im_end|>", "\n", "<|im_start|>", "assistant", "\n"]
    groups = (Group("template", 0, 3), Group("user", 3, 4), Group("template", 4, 9))
    return make_result(
        pieces=pieces,
        groups=groups,
        target="Hello",
        foil=None,
        foil_ids=np.empty(0, dtype=np.int64),
        gap=1.2,
        unit="logit",
        target_ids=np.array([19556], dtype=np.int64),
        candidates=(Candidate("Hello", 19556, 0.9), Candidate("Hi", 19000, 0.05)),
        provenance={"prompt": [{"role": "user", "content": "Hi"}]},
    )


def make_entry(method: str, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "label": method.replace("_", " "),
        "settings": {},
        "diagnostics": {},
        "verdict": TRUST,
        "forward_passes": 6,
        "seconds": 0.12,
        "batch_size": 8,
        "notes": (),
    }
    return Entry(method=method, **{**fields, **changes})


def make_comparison(**changes: Any) -> ComparisonResult:
    """Three methods on the capital of Australia, of which one is not to be trusted; any field can be changed."""
    one = make_result(
        **{name: changes.pop(name) for name in ("pieces", "tokens", "spans", "token_ids") if name in changes}
    )
    n = len(one.tokens)
    rows = np.array([[0.06, 0.42, -0.08, 0.9, -0.35], [0.5, 2.1, 0.2, 4.4, -1.0], [2.0, -1.5, 3.0, -0.5, 1.0]])
    fields: dict[str, Any] = {
        **{name: getattr(one, name) for name in ("text", "tokens", "token_ids", "spans", "groups", "grouping")},
        **{name: getattr(one, name) for name in ("target", "target_ids", "foil", "foil_ids", "function", "unit")},
        **{"gap": 0.4, "candidates": one.candidates},
        "entries": (
            make_entry("leave_one_out", label="leave-one-out"),
            make_entry("shapley", label="Shapley values", forward_passes=1200, seconds=6.4),
            make_entry("integrated_gradients", label="integrated gradients", verdict=DO_NOT_TRUST),
        ),
        "scores": np.stack([np.resize(row, n) for row in rows]),
        "agreement": np.array([[1.0, 0.9, -0.6], [0.9, 1.0, -0.7], [-0.6, -0.7, 1.0]]),
    }
    provenance = {"prompt": one.text, "forward_passes": 1212, "seconds": 6.64, **changes.pop("provenance", {})}
    return ComparisonResult(**{**fields, **changes}, provenance=make_provenance(**provenance))


def make_matrix(rows: int | None = None, **changes: Any) -> MatrixResult:
    """What " Canberra, of course." comes from, or its first `rows` tokens; any field can be changed by name."""
    prompt = changes.pop("prompt_pieces", ["The", " capital", " of", " Australia", " is"])
    whole = changes.pop("generated", [" Canberra", ",", " of", " course", "."])
    written = whole if rows is None else whole[:rows]
    pieces = [*prompt, *written]
    n, text = len(pieces), "".join(pieces)
    scores = np.full((len(written), n), np.nan)
    said = []
    for i, piece in enumerate(written):
        end = len(prompt) + i
        scores[i, :end] = np.round(np.sin(np.arange(1, end + 1) * (i + 1.3)) * (i + 1), 3)
        probability = 0.9 / (i + 1)
        said.append(Said(piece, 100 + end, probability, 0.4 * (i + 1), " Sydney" if i == 0 else " the", 0.1))
    fields: dict[str, Any] = {
        "text": text,
        "tokens": tuple(pieces),
        "token_ids": np.arange(n, dtype=np.int64) + 100,
        "spans": spans_of(pieces) if pieces else np.empty((0, 2), dtype=np.int64),
        "groups": (),
        "prompt_tokens": len(prompt),
        "positions": np.arange(len(prompt), n, dtype=np.int64),
        "said": tuple(said),
        "scores": scores,
        "complete": rows is None,
        "unit": "log-probability",
        "method": "leave_one_out",
        "settings": {"delete": "eos"},
        "diagnostics": {},
        "verdict": TRUST,
    }
    provenance = {"prompt": "".join(prompt), **changes.pop("provenance", {})}
    return MatrixResult(**{**fields, **changes}, provenance=make_provenance(**provenance))
