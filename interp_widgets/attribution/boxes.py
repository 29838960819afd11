"""Which tokens are drawn as one box, and what stands in it.

1. Tokens whose spans overlap share a character (an emoji is several byte tokens): one box, scores summed, the tokens
   kept as its parts.
2. A token with an empty span is not in the text (a BOS, or one that the tokenizer dropped): a box of its own, named
   by itself.
3. Text between two spans belongs to the box after it, so that the boxes in order are the whole text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.text import hexadecimal, named


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
        parts = _parts(own, [tokens[i] for i in members]) if len(members) > 1 else ()
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


def _parts(text: str, tokens: Sequence[str]) -> tuple[str, ...]:
    """Names of tokens that share characters: by their bytes, where these can be told from the whole."""
    pieces = _split(text.encode("utf-8", "surrogatepass"), tokens)
    if pieces is None:
        return tuple(
            named(token) if "\ufffd" not in token else f"\u27e8part {i + 1} of {len(tokens)}\u27e9"
            for i, token in enumerate(tokens)
        )
    return tuple(
        named(token) if "\ufffd" not in token else _name_bytes(piece)
        for token, piece in zip(tokens, pieces, strict=True)
    )


def _split(data: bytes, tokens: Sequence[str]) -> list[bytes] | None:
    """Cut `data` so that each piece, decoded alone, reads as its token does; None if there is no such cut.

    The tokenizer says only U+FFFD for a part of a character. A piece that starts a character is as long as it takes for
    the rest to fit; each stray continuation byte reads as one U+FFFD.
    """
    # Cuts reachable after each token, with the cut before: few, as nearly all lengths fail at once.
    reached: list[dict[int, int]] = [{0: 0}]
    for token in tokens:
        longest = max(4, 4 * len(token))
        following: dict[int, int] = {}
        for at in reached[-1]:
            for stop in range(at + 1, min(at + longest, len(data)) + 1):
                if data[at:stop].decode("utf-8", "replace") == token:
                    following.setdefault(stop, at)
        if not following:
            return None
        reached.append(following)
    if len(data) not in reached[-1]:
        return None
    cuts = [len(data)]
    for step in reversed(reached[1:]):
        cuts.append(step[cuts[-1]])
    cuts.reverse()
    return [data[a:b] for a, b in itertools.pairwise(cuts)]


def _name_bytes(piece: bytes) -> str:
    """A leading space is a space; the rest by its bytes, as part of it is no character."""
    rest = piece.lstrip(b" ")
    return "\u00b7" * (len(piece) - len(rest)) + hexadecimal(rest)
