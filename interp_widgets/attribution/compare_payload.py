"""The picture of a comparison as data; the shape is `ComparePayload` in labextension/src/views/compare/payload.ts.

1. The boxes stand once; each method brings its scores, written numbers and ranks in the same order.
2. Each method's scores are scaled to its own largest: methods differ in unit and size, and ranks are what is compared.
3. Ranks are of boxes, so that what is drawn and what is said agree; 1 is the highest score.
4. At most `MOST` numbers are drawn: of a longer prompt the last tokens, and the rest is named.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.payload import (
    amount,
    code,
    led,
    next_tokens,
    rounded,
    scale,
    title,
    turns,
    wished_function,
)
from interp_widgets.errors import NonFiniteError
from interp_widgets.results.boxes import Box, boxes
from interp_widgets.results.numbers import count, duration, plain, signed
from interp_widgets.results.provenance import provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.attribution.comparison import ComparisonResult, Entry

MIME_TYPE = "application/vnd.interp.compare.v1+json"
MOST = 6000  # numbers drawn: beyond that a page becomes slow, and nobody reads them
_NAMED = 3  # tokens on which the methods differ most
_NO_RANK = "none"


def compare_payload(result: ComparisonResult) -> dict[str, Any]:
    """JSON values only. Raises NonFiniteError if a score is NaN or infinite, which `iw.compare` never returns."""
    if not np.isfinite(result.scores).all():
        raise NonFiniteError("a score is NaN or infinite; there is no picture of that")
    whole = [boxes(result.text, result.tokens, result.spans, row) for row in result.scores]
    scores = np.array([[box.score for box in drawn] for drawn in whole], dtype=np.float64)
    drawn = whole[0] if whole else boxes(result.text, result.tokens, result.spans, np.zeros(len(result.tokens)))
    scores = scores.reshape(len(whole), len(drawn))
    ranks = _ranks(scores)
    first = max(0, len(drawn) - MOST // max(1, len(whole)))
    return {
        "version": 1,
        "title": title(result),
        "sentence": _sentence(result),
        "boxes": [_box(box) for box in drawn[first:]],
        "groups": turns(result.groups, drawn[first:]),
        "methods": [
            _method(entry, result, scores[i, first:], ranks[i, first:], whole[i][first:])
            for i, entry in enumerate(result.entries)
        ],
        "differ": _differ(result, drawn, ranks, first),
        "agreement": [
            [{"value": _number(value), "label": _correlation(value)} for value in row] for row in result.agreement
        ],
        "rest": _rest(drawn, first),
        "candidates": next_tokens(result),
        "provenance": provenance_line(result.provenance, amount(result)),
        "code": code(result, _arguments(result), "compare"),
        "settings": settings(result),
    }


def settings(result: ComparisonResult) -> dict[str, Any]:
    """What was asked, in the words of `iw.compare`."""
    return {
        **{"target": result.target, "foil": result.foil, "methods": list(result.methods)},
        **{"function": wished_function(result), "group": None if result.grouping == "token" else result.grouping},
    }


def _arguments(result: ComparisonResult) -> list[str]:
    given = settings(result)
    differing = [f"{name}={given[name]!r}" for name in ("function", "group") if given[name] is not None]
    return [f"methods={list(result.methods)!r}", *differing]


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """1 is the highest score; equal scores share the better rank."""
    above = [scores.shape[1] - np.searchsorted(np.sort(row), row, side="right") for row in scores]
    return np.asarray(above, dtype=np.int64).reshape(scores.shape) + 1


def _box(box: Box) -> dict[str, Any]:
    return {
        "text": visible(box.text),
        "name": named(box.text),
        "tokens": list(box.tokens),
        "parts": list(box.parts),
    }


def _method(
    entry: Entry,
    result: ComparisonResult,
    scores: NDArray[np.float64],
    ranks: NDArray[np.int64],
    drawn: list[Box],
) -> dict[str, Any]:
    own = result.scores[result.methods.index(entry.method)]
    largest = float(np.abs(scores).max(initial=0.0))
    return {
        "name": entry.method,
        "label": entry.label,
        "verdict": {
            "word": entry.verdict.word,
            "sentence": entry.verdict.sentence,
            "why": list(entry.verdict.why),
        },
        "cost": f"{count(entry.forward_passes, 'forward pass', 'forward passes')}, {duration(entry.seconds)}",
        "scale": scale(largest, entry.method, result.unit),
        "scores": [rounded(float(score)) for score in scores],
        "labels": [signed(float(score), largest) for score in scores],
        "parts": {
            str(i): [signed(float(own[token]), largest) for token in box.tokens]
            for i, box in enumerate(drawn)
            if box.parts
        },
        "ranks": ranks.tolist(),
        "notes": list(entry.notes),
    }


def _number(value: float) -> float | None:
    return rounded(float(value)) if np.isfinite(value) else None


def _correlation(value: float) -> str:
    return plain(round(float(value), 2), 1.0) if np.isfinite(value) else _NO_RANK


def _sentence(result: ComparisonResult) -> str:
    """How far the methods agree; where the target does not lead, by how much comes first."""
    agreed = _agreed(result)
    told = led(result, agreed[0].lower() + agreed[1:])
    return told[0].upper() + told[1:]


def _agreed(result: ComparisonResult) -> str:
    """One sentence: between which methods the rank correlation is lowest, and between which highest."""
    labels = [entry.label for entry in result.entries]
    if len(labels) < 2:
        return "One method alone: there is nothing to compare it with"
    flat = [labels[i] for i, row in enumerate(result.scores) if row.size and np.ptp(row) == 0]
    pairs = [(float(result.agreement[i, j]), i, j) for i, j in combinations(range(len(labels)), 2)]
    known = [pair for pair in pairs if np.isfinite(pair[0])]
    if not known:
        return f"Every token has the same score by {', '.join(flat or labels)}, so there are no ranks to compare"

    def between(pair: tuple[float, int, int]) -> str:
        return f"{_correlation(pair[0])} between {labels[pair[1]]} and {labels[pair[2]]}"

    low, high = min(known), max(known)
    if len(known) == 1:
        told = f"Rank correlation is {between(low)}"
    else:
        told = f"Rank correlation is lowest, {between(low)}, and highest, {between(high)}"
    return f"{told}; {', '.join(flat)} gives every token the same score" if flat else told


def _differ(result: ComparisonResult, drawn: list[Box], ranks: NDArray[np.int64], first: int) -> list[dict[str, Any]]:
    """The tokens on whose rank the methods differ most: "·of: rank 1 by occlusion, rank 7 by LIME"."""
    if len(ranks) < 2 or not drawn:
        return []
    labels = [entry.label for entry in result.entries]
    spread = ranks.max(0) - ranks.min(0)
    found = []
    for i in np.argsort(-spread, kind="stable")[:_NAMED]:
        if spread[i] > 0:
            best, worst = int(ranks[:, i].argmin()), int(ranks[:, i].argmax())
            found.append(
                {
                    "index": int(i) - first if i >= first else None,
                    "name": named(drawn[i].text),
                    "sentence": f"rank {ranks[best, i]} by {labels[best]}, rank {ranks[worst, i]} by {labels[worst]}",
                }
            )
    return found


def _rest(drawn: list[Box], first: int) -> str | None:
    if first == 0:
        return None
    return (
        f"The last {len(drawn) - first} of {count(len(drawn), 'token')} are drawn; `result.scores` holds all. Ranks "
        "are among all."
    )
