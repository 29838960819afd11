"""The picture of a matrix as data; the shape is `MatrixPayload` in labextension/src/views/matrix/payload.ts.

1. Prompt and generated text are one list of boxes; `prompt` says how many of them are the prompt's.
2. A row belongs to one explained box and holds a number for each box before it, so rows grow by what was generated.
   Where several explained tokens share a character their rows are summed, as their log-probabilities would be.
3. A row's numbers are written to that row's own scale, so that a row never changes when others come.
4. At most `MOST` numbers are drawn: the first rows, and the rest is named.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.attribution.payload import rounded, scale, turns
from interp_widgets.errors import NonFiniteError
from interp_widgets.results.boxes import Box, boxes
from interp_widgets.results.numbers import count, plain, probability, signed
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.attribution.matrix import MatrixResult, Said

MIME_TYPE = "application/vnd.interp.matrix.v1+json"
MOST = 24_000  # numbers drawn: about a third of a megabyte
QUESTION = "Where does each generated token come from?"
Memo = dict[Any, dict[str, Any]]


def matrix_payload(result: MatrixResult | None, memo: Memo | None = None) -> dict[str, Any]:
    """JSON values only; None is a picture that waits for its first row.

    `memo` keeps rows between the pictures of one run, so that each is written once. Raises NonFiniteError if a score of
    an earlier token is NaN or infinite, which `iw.attribute` never returns.
    """
    if result is None:
        return _waiting()
    drawn = boxes(result.text, result.tokens, result.spans, np.zeros(len(result.tokens)))
    box_of = {token: number for number, box in enumerate(drawn) for token in box.tokens}
    members: dict[int, list[int]] = {}
    for row, position in enumerate(result.positions.tolist()):
        members.setdefault(box_of[position], []).append(row)
    within = _within(list(members))
    rows = [_row(result, drawn, box, members[box], memo) for box in within]
    largest = max((row["scale"]["max"] for row in rows), default=0.0)
    explained = count(len(members), "token")
    return {
        "version": 1,
        "title": [{"text": QUESTION}],
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "complete": result.complete,
        "amount": f"{explained} explained" + ("" if result.complete else "; not all of them yet"),
        "boxes": [
            {"text": visible(box.text), "name": named(box.text), "tokens": list(box.tokens), "parts": list(box.parts)}
            for box in drawn
        ],
        "prompt": sum(box.tokens[0] < result.prompt_tokens for box in drawn),
        "groups": turns(result.groups, drawn),
        "rows": rows,
        "scale": scale(largest, result.method, result.unit),
        "rest": _rest(len(within), len(members)),
        "provenance": provenance_line(result.provenance, count(len(result.tokens), "token")),
        "code": _code(result),
        "method": result.method.replace("_", " "),
        "settings": settings(result),
    }


def settings(result: MatrixResult) -> dict[str, Any]:
    """What was asked, in the words of `iw.attribute`."""
    return {"method": result.method}


def _waiting() -> dict[str, Any]:
    return {
        "version": 1,
        "title": [{"text": QUESTION}],
        "verdict": None,
        "complete": False,
        "amount": "nothing explained yet",
        **{"boxes": [], "prompt": 0, "groups": [], "rows": []},
        "scale": scale(0.0, "", ""),
        "rest": None,
        **{"provenance": [], "code": "", "method": "", "settings": {"method": ""}},
    }


def _within(wanted: list[int]) -> list[int]:
    """The explained boxes whose rows are drawn; a row has as many numbers as boxes stand before it."""
    total, kept = 0, list[int]()
    for box in wanted:
        total += box
        if total > MOST and kept:
            break
        kept.append(box)
    return kept


def _row(result: MatrixResult, drawn: list[Box], box: int, members: list[int], memo: Memo | None) -> dict[str, Any]:
    first = drawn[box].tokens[0]
    own = result.scores[members, :first]
    key = (box, first, own.tobytes())
    if memo is not None and key in memo:
        return memo[key]
    if not np.isfinite(own).all():
        raise NonFiniteError("a score is NaN or infinite; there is no picture of that")
    starts = [before.tokens[0] for before in drawn[:box]]
    sums = np.add.reduceat(own.sum(0), starts) if starts else np.zeros(0)
    largest = float(np.abs(sums).max(initial=0.0))
    said = [result.said[row] for row in members]
    row = {
        "box": box,
        **_confidence(said),
        "scale": scale(largest, result.method, result.unit),
        "scores": [_short(float(score)) for score in sums],
        "labels": [signed(float(score), largest) for score in sums],
    }
    if memo is not None:
        memo[key] = row
    return row


def _short(x: float) -> float:
    """Three digits draw a cell; the number that is read is the label."""
    return float(f"{x:.3g}")


def _confidence(said: list[Said]) -> dict[str, Any]:
    """Of several tokens that share a character: the probability of all, and what was thought at the first."""
    together = math.prod(one.probability for one in said)
    return {
        "probability": rounded(together),
        "label": probability(together),
        "entropy": f"{plain(said[0].entropy)} nats",
        "runner": {"name": named(said[0].runner_up), "label": probability(said[0].runner_up_probability)},
    }


def _rest(drawn: int, explained: int) -> str | None:
    if drawn == explained:
        return None
    return f"The first {drawn} of {count(explained, 'explained token')} are drawn; `result.scores` holds all."


def continuation(result: MatrixResult) -> dict[str, Any]:
    """What `iw.Continuation` takes to ask for the same span again."""
    n, places = result.prompt_tokens, result.positions.tolist()
    begins = int(result.spans[n - 1, 1]) if n else 0
    asked: dict[str, Any] = {"text": result.text[begins:]}
    if places and places[0] > n:
        asked["start"] = places[0] - n
    if places and places[-1] < len(result.tokens) - 1:
        asked["stop"] = places[-1] - n + 1
    return asked


def _code(result: MatrixResult) -> str:
    span = ", ".join(f"{name}={value!r}" for name, value in continuation(result).items())
    deletes = result.settings.get("delete")
    arguments = [repr(result.provenance.prompt), f"iw.Continuation({span})", f"method={result.method!r}"]
    return call(result.provenance, "iw.attribute", [*arguments, *([f"delete={deletes!r}"] if deletes else [])])
