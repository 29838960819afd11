"""A small lens made by hand: four layers, the capital's five positions, and who leads there."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp_widgets.locate.lens_result import LensResult
from interp_widgets.locate.lens_verdict import HeldOut, judge
from tests.builders import make_provenance

WORDS = {1: " the", 2: " Sydney", 3: " Canberra", 4: "\n", 5: " of", 6: ","}
HELD_OUT = HeldOut(
    divergence=(6.5, 5.1, 1.9, 0.0),
    reverse=(13.0, 17.0, 2.5, 0.0),
    agreement=(0.09, 0.14, 0.49, 1.0),
    guess=4.67,
    guess_reverse=4.35,
    tokens=768,
)


def make_lens(read: int = 4, **changes: Any) -> LensResult:
    """Of which the last `read` layers are there; any field can be changed by name."""
    pieces = changes.pop("pieces", ["The", " capital", " of", " Australia", " is"])
    n, layers, k = len(pieces), 4, 3
    order = np.array([[4, 1, 6], [1, 3, 2], [3, 2, 1], [2, 3, 1]])  # the best tokens after each layer
    top = np.stack([np.roll(order, place, axis=1) for place in range(n)][::-1])  # the last position as written
    p = np.broadcast_to(np.array([0.62, 0.2, 0.0345]), (n, layers, k)) * np.linspace(0.4, 1.5, layers)[:, None]
    followed = np.array([2, 3])
    log_p = np.log(np.linspace(1e-6, 0.9, n * layers * 2)).reshape(n, layers, 2)
    leaders = np.stack([top[place, ::-1, 0] for place in range(n)])
    fields: dict[str, Any] = {
        "text": "".join(pieces),
        "tokens": tuple(pieces),
        "token_ids": np.arange(n) + 100,
        "positions": np.arange(n),
        "site": "resid_post",
        "lens": "plain",
        "complete": read == layers,
        "top_ids": top,
        "top_probability": p.copy(),
        "entropy": np.linspace(5, 0.5, n * layers).reshape(n, layers),
        "divergence": np.linspace(8, 0, n * layers).reshape(n, layers),
        "followed": (" Sydney", " Canberra"),
        "followed_ids": followed,
        "log_probability": log_p,
        "rank": np.arange(1, n * layers * 2 + 1).reshape(n, layers, 2) ** 2,
        "leader_ids": np.stack([_once(row) for row in leaders]),
        "leader_log_probability": np.log(np.linspace(1e-7, 0.8, n * layers * layers)).reshape(n, layers, layers),
        "words": WORDS,
        "held_out": HELD_OUT,
    }
    unread = layers - read
    if unread:
        fields["top_ids"][:, :unread] = -1
        for name in ("top_probability", "entropy", "divergence", "log_probability"):
            fields[name][:, :unread] = np.nan
        fields["leader_ids"], fields["leader_log_probability"] = np.zeros((n, 0), np.int64), np.zeros((n, layers, 0))
    fields |= changes
    fields.setdefault("verdict", judge(fields["site"], fields["lens"] == "calibrated", fields["held_out"]))
    return LensResult(**fields, provenance=make_provenance(prompt="".join(pieces), forward_passes=1))


def _once(tokens: Any) -> Any:
    """Each token once, as they come; -1 for the rest."""
    kept = list(dict.fromkeys(tokens.tolist()))
    return np.array(kept + [-1] * (len(tokens) - len(kept)))
