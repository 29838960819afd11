"""Which token of one prompt stands for which of another."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.models.prompts import Encoded
from interp_widgets.results.text import named

WAYS = ("spans",)


@dataclass(frozen=True, eq=False)
class Alignment:
    """source: int64, (tokens of the patched prompt,), the token of the other one that stands for it; -1 for none
    first: the first token that differs; before it both runs are the same
    notes: what a reader should know of it"""

    source: NDArray[np.int64]
    first: int
    notes: tuple[str, ...]


def align(base: Encoded, other: Encoded, way: str | None = None) -> Alignment:
    """Prompts of equal length token by token; with way="spans" others too: what both share is matched, and where they
    differ the spans are matched from their ends, since the last token of a name carries what is known of it.

    Raises ArgumentError: unequal length and no way, no token differs, unknown way.
    """
    if way is not None and way not in WAYS:
        raise not_one_of("align", way, WAYS, also=", or None")
    n, m = len(base), len(other)
    if n == m:
        differs = np.flatnonzero(base.ids != other.ids)
        if not len(differs):
            raise ArgumentError("clean and corrupted are the same tokens; there is nothing to patch")
        return Alignment(np.arange(n), int(differs[0]), ())
    steps = difflib.SequenceMatcher(a=base.ids.tolist(), b=other.ids.tolist(), autojunk=False).get_opcodes()
    if way is None:
        told = "; ".join(
            f"{named(''.join(base.tokens[a:b]))} against {named(''.join(other.tokens[c:d]))}"
            for step, a, b, c, d in steps
            if step != "equal"
        )
        raise ArgumentError(
            f"the prompts have {n} and {m} tokens; they differ in {told}. Rewrite one so that both are of equal length,"
            " or pass align='spans', which matches the spans that differ from their ends"
        )
    source = np.full(n, -1, np.int64)
    for _, a, b, c, d in steps:
        shared = min(b - a, d - c)
        source[b - shared : b] = np.arange(d - shared, d)
    first = min((a for step, a, *_ in steps if step != "equal"), default=n)
    missing = int((source < 0).sum())
    left = f" {missing} of its tokens have no counterpart and are not patched;" if missing else ""
    note = f"prompts of {n} and {m} tokens:{left} later tokens stand at shifted positions"
    return Alignment(source, first, (note,))
