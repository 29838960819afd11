"""The picture of a logit lens as data; the shape is `LensPayload` in labextension/src/views/lens/payload.ts.

1. Tokens are named once, in `words`; cells refer to them by place.
2. A row is a layer, with a cell for each position; a cell that is not read yet is null.  Rows are kept between the
   pictures of one run, so that each is written once.
3. `trails` has for each position the tokens that lead at some layer, with their probability after every layer: a click
   on a cell's token can follow it without a kernel.
4. At most `MOST` cells are drawn: those of the last positions, and the rest is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.results.numbers import count, plain, probability
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named

if TYPE_CHECKING:
    from interp_widgets.locate.lens_result import LensResult

MIME_TYPE = "application/vnd.interp.lens.v1+json"
QUESTION = "What would it say after each layer?"
LEAST = 1e-4  # probabilities below are not told apart
MOST = 4_000  # cells: beyond, a page becomes slow
READS = {
    "resid_post": "the state after the layer",
    "attn_out": "what the layer's attention adds, alone",
    "mlp_out": "what the layer's MLP adds, alone",
}
Memo = dict[Any, Any]


def lens_payload(result: LensResult | None, memo: Memo | None = None) -> dict[str, Any]:
    """JSON values only; None is a picture that waits for its first row."""
    if result is None:
        return _waiting()
    memo = {} if memo is None else memo
    places = drawn(result)
    words: _Words = memo.setdefault("words", _Words())
    words.add(result, places)
    tokens = [result.tokens[i] for i in places]
    return {
        "version": 1,
        "title": [{"text": QUESTION}],
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "complete": result.complete,
        "reads": reads(result),
        "amount": _amount(result),
        "boxes": [
            {"text": name, "name": name, "tokens": [place], "position": int(result.positions[place])}
            for place, name in zip(places, map(named, tokens), strict=True)
        ],
        "words": words.names,
        "rows": [_row(result, layer, places, words, memo) for layer in range(result.n_layers)],
        "followed": [words.places[int(i)] for i in result.followed_ids],
        "trails": [_trail(result, place, words) for place in places],
        "least": probability(LEAST / 2),
        "stories": [result.story(place) for place in places],
        "held_out": _held_out(result),
        "rest": _rest(result, len(places)),
        "provenance": provenance_line(result.provenance, count(len(result.positions), "position")),
        "code": _code(result),
        "settings": settings(result),
    }


def settings(result: LensResult) -> dict[str, Any]:
    """What was asked, in the words of `iw.logit_lens`; `tokens` beside the model's first choice, as ids."""
    return {
        "sites": result.site,
        "calibrated": result.lens == "calibrated",
        "tokens": [int(i) for i in result.followed_ids[1:]],
    }


def drawn(result: LensResult) -> list[int]:
    """Indices of the positions that are drawn: the last ones."""
    room = max(MOST // max(result.n_layers, 1), 1)
    return list(range(max(len(result.positions) - room, 0), len(result.positions)))


def reads(result: LensResult) -> str:
    """What is read, and by which lens, in words."""
    return f"{READS[result.site]}, by the {result.lens} lens"


class _Words:
    """The names that the drawn cells need, each once; a place never changes while a run adds names."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.names: list[str] = []

    def add(self, result: LensResult, places: list[int]) -> None:
        known = {int(i): word for i, word in zip(result.followed_ids, result.followed, strict=True)}
        for token in [*known, *np.unique(result.top_ids[places]).tolist()]:
            if token >= 0 and token not in self.places:
                self.places[token] = len(self.names)
                self.names.append(named(known.get(token) or result.words.get(token, "")))


def _row(result: LensResult, layer: int, places: list[int], words: _Words, memo: Memo) -> dict[str, Any]:
    read = result.read[places, layer]
    key = (layer, read.tobytes())
    if key not in memo:
        cells = [_cell(result, place, layer, words) if done else None for place, done in zip(places, read, strict=True)]
        memo[key] = {"layer": layer, "cells": cells}
    row: dict[str, Any] = memo[key]
    return row


def _cell(result: LensResult, place: int, layer: int, words: _Words) -> dict[str, Any]:
    best = result.top_probability[place, layer]
    return {
        "ids": [words.places[int(i)] for i in result.top_ids[place, layer]],
        "p": short(float(best[0])),
        "labels": [probability(float(p)) for p in best],
        "entropy": plain(float(result.entropy[place, layer])),
        "divergence": plain(float(result.divergence[place, layer])),
        "ranks": [int(rank) for rank in result.rank[place, layer]],
    }


def _trail(result: LensResult, place: int, words: _Words) -> list[dict[str, Any]]:
    """Followed tokens, then those that lead at some layer: their probabilities, layer by layer from the first.

    null where nothing is read yet; empty, as most are, below `LEAST`.
    """
    found: dict[int, np.ndarray[Any, Any]] = {}
    for i, token in enumerate(result.followed_ids.tolist()):
        found[token] = result.log_probability[place, :, i]
    for i, token in enumerate(result.leader_ids[place].tolist()):
        if token >= 0:
            found.setdefault(token, result.leader_log_probability[place, :, i])
    return [{"id": words.places[token], "labels": [*map(_label, values)]} for token, values in found.items()]


def _label(log_p: float) -> str | None:
    return None if np.isnan(log_p) else probability(float(np.exp(log_p))) if np.exp(log_p) >= LEAST else ""


def short(x: float) -> float:
    """Three digits draw a cell; the number that is read is the label."""
    return float(f"{x:.3g}")


def _held_out(result: LensResult) -> dict[str, Any] | None:
    """The lens measured on held-out text, layer by layer."""
    held = result.held_out
    if held is None:
        return None
    return {
        "divergence": [plain(x, held.guess) for x in held.divergence],
        "agreement": [f"{x:.0%}" for x in held.agreement],
        "guess": plain(held.guess),
        "weak": [x >= held.guess for x in held.divergence],
        "tokens": held.tokens,
    }


def _amount(result: LensResult) -> str:
    whole = f"{count(result.n_layers, 'layer')}, {count(len(result.positions), 'position')}"
    if result.complete:
        return whole
    return f"{whole}; {count(int(result.read.all(0).sum()), 'layer')} read so far"


def _rest(result: LensResult, places: int) -> str | None:
    whole = len(result.positions)
    if places == whole:
        return None
    return f"The last {places} of {count(whole, 'position')} are drawn; `result.to_frame()` holds all."


def _code(result: LensResult) -> str:
    asked = [repr(result.provenance.prompt)]
    if len(result.followed) > 1:
        asked.append(f"tokens={list(result.followed[1:])!r}")
    if result.site != "resid_post":
        asked.append(f"sites={result.site!r}")
    if result.lens == "calibrated":
        asked.append("calibrated=True")
    return call(result.provenance, "iw.logit_lens", asked)


def _waiting() -> dict[str, Any]:
    return {
        "version": 1,
        "title": [{"text": QUESTION}],
        "verdict": None,
        "complete": False,
        "reads": "",
        "amount": "nothing is read yet",
        **{"boxes": [], "words": [], "rows": [], "followed": [], "trails": [], "least": "", "stories": []},
        **{"held_out": None, "rest": None, "provenance": [], "code": ""},
        "settings": {"sites": "resid_post", "calibrated": False, "tokens": []},
    }
