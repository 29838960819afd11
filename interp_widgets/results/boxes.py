"""Which tokens are drawn as one box, and what stands in it.

1. Tokens whose spans overlap share a character (an emoji is several byte tokens): one box, scores summed, the tokens
   kept as its parts.
2. A token with an empty span is not in the text (a BOS, or one that the tokenizer dropped): a box of its own, named
   by itself.
3. Text between two spans belongs to the box after it, so that the boxes in order are the whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.text import named


@dataclass(frozen=True)
class Box:
    """text: the characters it covers, as they are; tokens: indices, in order; parts: names of the tokens if several."""

    text: str
    tokens: tuple[int, ...]
    score: float
    parts: tuple[str, ...] = ()


def boxes(text: str, tokens: Sequence[str], spans: NDArray[np.int64], scores: NDArray[np.float64]) -> list[Box]:
    """Boxes of a prompt in reading order; spans (tokens, 2) index `text`. Every token is in exactly one box."""
    found: list[Box] = []
    drawn = 0  # characters of the text that stand in a box already
    runs = _runs(spans)
    last = max((number for number, (_, start, end) in enumerate(runs) if end > start), default=-1)
    for number, (members, start, end) in enumerate(runs):
        if end > start:
            stop = len(text) if number == last else end
            own, drawn = text[drawn:stop], stop
        else:
            own = "".join(tokens[i] for i in members)
        parts = tuple(named(tokens[i]) for i in members) if len(members) > 1 else ()
        found.append(Box(own, tuple(members), float(sum(scores[i] for i in members)), parts))
    return found


def _runs(spans: NDArray[np.int64]) -> list[tuple[list[int], int, int]]:
    """Tokens in order, joined where a span begins before the previous ones end: (tokens, start, end)."""
    runs: list[tuple[list[int], int, int]] = []
    end_so_far = 0
    for i, (start, end) in enumerate(spans.tolist()):
        if end <= start:
            runs.append(([i], start, start))
        elif runs and start < end_so_far:
            # Back to the last box with text; what is not in the text but stands between joins it, to keep the order.
            members: list[int] = [i]
            first = start
            while runs:
                earlier, a, b = runs.pop()
                members = earlier + members
                if b > a:
                    first = a
                    break
            runs.append((members, first, max(end, end_so_far)))
        else:
            runs.append(([i], start, end))
        end_so_far = max(end_so_far, end)
    return runs
