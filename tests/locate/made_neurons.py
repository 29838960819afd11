"""Results of `iw.max_activating` made by hand, for tests of everything that shows or keeps them; no model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp_widgets.locate.neuron_result import NeuronResult
from tests.builders import make_provenance, spans_of

# Texts as tokens with activations; None is a special token, which is not in the text.
TEXTS: tuple[tuple[tuple[str, float | None], ...], ...] = (
    (("<s>", None), ("The", 0.02), (" cup", 0.9), (" was", -0.3), (" won", 0.41)),
    (("<s>", None), ("Hi", -0.05), (" ⟨F0 9F⟩", 0.1), ("⟨91⟩", 0.62), ("⟨8B⟩", -0.2), ("\n", 0.0), ("there", 0.12)),
    (("<s>", None), (" last", 0.55), (" episode", 0.3)),
    (("<s>", None), ("It", -0.6), (" rained", 0.05)),
)
STRINGS = ("The cup was won", "Hi 👋\nthere", " last episode", "It rained")
EMOJI = np.array([[0, 0], [0, 2], [2, 4], [3, 4], [3, 4], [4, 5], [5, 10]], np.int64)
_IDS = {
    token: 100 + i
    for i, token in enumerate(dict.fromkeys(token for text in TEXTS for token, _ in text))
}  # fmt: skip
_PROMOTED = (" trophy", " final", " match", " winner")
_DEMOTED = (" carrots", "\n", "ish", " of")


def _spans(text: int) -> Any:
    pieces = ["" if value is None else token for token, value in TEXTS[text]]
    return EMOJI if text == 1 else spans_of(pieces)


def _fields(k: int, sign: str) -> dict[str, Any]:
    """Of one neuron, from the texts above."""
    direction = -1 if sign == "negative" else 1
    activations = [np.array([np.nan if x is None else x for _, x in text], np.float32) for text in TEXTS]
    peaks = [int(np.nanargmax(direction * row)) for row in activations]
    order = sorted(range(len(TEXTS)), key=lambda i: (-direction * float(activations[i][peaks[i]]), i))[:k]
    masses = [float(np.nansum(np.clip(direction * row, 0, None))) for row in activations]
    tokens = np.concatenate([row[np.isfinite(row)] for row in activations]).astype(np.float64)
    width = 1 / 64
    counts = np.bincount(np.floor(tokens / width).astype(int) + 64, minlength=128)
    ids = [np.array([_IDS[token] for token, _ in text], np.int64) for text in TEXTS]
    return {
        "values": np.array([[activations[i][peaks[i]] for i in order]], np.float32),
        "text_index": np.array([order], np.int64),
        "positions": np.array([[peaks[i] for i in order]], np.int64),
        "token_ids": np.array([[ids[i][peaks[i]] for i in order]], np.int64),
        "spans": np.array([[_spans(i)[peaks[i]] for i in order]], np.int64),
        "masses": np.array([[masses[i] for i in order]]),
        "text_tokens": np.array([[int(np.isfinite(activations[i]).sum()) for i in order]], np.int64),
        "total_mass": np.array([sum(masses)]),
        "mean": np.array([tokens.mean()]),
        "deviation": np.array([tokens.std()]),
        "minimum": np.array([tokens.min()], np.float32),
        "maximum": np.array([tokens.max()], np.float32),
        "above_zero": np.array([(tokens > 0).mean()]),
        "bin_width": np.array([width]),
        "counts": counts[None],
        "promoted": np.array([[9.5, 7.25, 3.0, 1.5]]),
        "promoted_ids": np.array([[1, 2, 3, 4]], np.int64),
        "demoted": np.array([[-8.0, -4.5, -2.0, -0.25]]),
        "demoted_ids": np.array([[5, 6, 7, 8]], np.int64),
        "tokens_counted": len(tokens),
        "contexts": {
            "context_lengths": np.array([len(ids[i]) for i in order], np.int64),
            "context_ids": np.concatenate([ids[i] for i in order]),
            "context_spans": np.concatenate([_spans(i) for i in order]),
            "context_activations": np.concatenate([activations[i] for i in order]),
        },
    }


def make_neurons(neurons: int = 1, k: int = 3, sign: str = "positive", **changes: Any) -> NeuronResult:
    """Neuron 301 of layer 8 on four texts; or a layer of some neurons, in which each is half as active as the one
    before. Any field can be changed by name."""
    fields = _fields(k, sign)
    contexts, tokens_counted = fields.pop("contexts"), fields.pop("tokens_counted")
    if neurons > 1:
        scaled = ("values", "masses", "total_mass", "mean", "deviation", "minimum", "maximum", "bin_width")
        fields = {
            name: np.concatenate([one * (0.5**i if name in scaled else 1) for i in range(neurons)]).astype(one.dtype)
            for name, one in fields.items()
        }
    words = {i: token for token, i in _IDS.items()} | dict(enumerate((*_PROMOTED, *_DEMOTED), 1))
    whole: dict[str, Any] = {
        **fields,
        **contexts,
        "layer": 8,
        "neurons": np.arange(neurons, dtype=np.int64) if neurons > 1 else np.array([301]),
        "sign": sign,
        "n_texts": len(TEXTS),
        "corpus": "c0ffee" + "0" * 58,
        "tokens_counted": tokens_counted,
        "tokens_left_out": len(TEXTS),
        "words": words,
        "texts": dict(enumerate(STRINGS)),
        "shown": 0,
        "tried": (),
    }
    provenance = {"prompt": "", "bos": 1, "forward_passes": 4, **changes.pop("provenance", {})}
    return NeuronResult(**{**whole, **changes}, provenance=make_provenance(**provenance))
