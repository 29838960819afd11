"""The picture of heads as data; the shape is `HeadsPayload` in labextension/src/views/heads/payload.ts.

1. Rows are heads, columns layers. A cell has what the answer loses without the head (the effect turned round, so that
   a head that supports the answer is above zero), and what the model says then.
2. A pattern is the attention of one head in thousandths, a line for each query. Those of the heads that matter most
   come first; at most `MOST` numbers travel. A live widget hands over others when they are asked for.
3. Of more than `SIDE` tokens the last ones are drawn as queries, and of the keys those that they look at most.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.locate.asking import wish_argument
from interp_widgets.locate.heat import cells, largest
from interp_widgets.results.boxes import boxes
from interp_widgets.results.numbers import count, plain, probability, signed
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.locate.heads_result import HeadsResult

MIME_TYPE = "application/vnd.interp.heads.v1+json"
MOST = 24_000  # numbers of patterns: about a tenth of a megabyte
SIDE = 40  # queries and keys drawn of one head
STAND_INS = {"zero": "zero", "mean": "its mean over the prompt", "": ""}
Payload = dict[str, Any]


def heads_payload(result: HeadsResult) -> Payload:
    """JSON values only."""
    drawn = boxes(result.text, result.tokens, result.spans, np.zeros(len(result.tokens)))
    lost = -result.effects.T  # (heads, layers)
    top = largest(lost)
    start = result.strongest()
    measured = bool(np.isfinite(lost).any())
    pool: dict[int, int] = {}
    return {
        "version": 1,
        "title": title(start.layer, start.head, measured=measured),
        "measured": measured,
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "boxes": [{"text": visible(box.text), "name": named(box.text), "tokens": list(box.tokens)} for box in drawn],
        "rows": [{"name": f"head {head}", "mark": None, "note": None, "head": head} for head in result.heads.tolist()],
        "columns": [str(layer) for layer in result.layers.tolist()],
        **cells(lost, top),
        "reads": [[_written(result, x) for x in line] for line in result.ablated.T.tolist()],
        "choices": _choices(result, pool),
        "words": [named(result.words[i]) for i in pool],
        "start": [start.head, start.layer],
        "before": {
            "read": _written(result, result.value),
            "choice": named(result.top[0].text) if result.top else "",
            "label": probability(result.top[0].probability) if result.top else "",
        },
        "quantity": _quantity(result),
        "scale": {"max": float(f"{top:.6g}"), "label": plain(top), "unit": result.unit},
        "stand_in": STAND_INS[result.ablation],
        "tokens": [named(token) for token in result.tokens],
        "queries": _queries(result).tolist(),
        "patterns": _patterns(result, start.layer, start.head),
        "rest": _rest(result),
        "provenance": provenance_line(result.provenance, count(lost.size, "head")),
        "code": _code(result),
        "settings": {"ablation": result.ablation},
    }


def title(layer: int, head: int, *, measured: bool) -> list[dict[str, str]]:
    """Also written by the view, of the head that is chosen."""
    does = ", and does it matter?" if measured else "?"
    return [{"text": f"What does head {head} of layer {layer} look at{does}"}]


def pattern_of(result: HeadsResult, layer: int, head: int) -> Payload:
    """One head's pattern as the view takes it: for each query a line of thousandths, up to the query itself.

    keys: the tokens that have a column. Raises OutOfRangeError.
    """
    pattern = result.pattern(layer, head)
    queries = _queries(result)
    keys = _keys(pattern[queries])
    thousandths = np.rint(pattern * 1000).astype(int)
    lines = [thousandths[query, keys[keys <= query]].tolist() for query in queries.tolist()]
    return {"layer": layer, "head": head, "keys": keys.tolist(), "lines": lines}


def share(thousandths: int) -> str:
    """Attention as it is written: hundredths, rounded half up by whole numbers, as the view does."""
    hundredths = (thousandths + 5) // 10
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _queries(result: HeadsResult) -> NDArray[np.int64]:
    n = len(result.tokens)
    return np.arange(max(n - SIDE, 0), n)


def _keys(lines: NDArray[np.float32]) -> NDArray[np.int64]:
    """All tokens, or of too many those with the largest weights."""
    n = lines.shape[1]
    if n <= SIDE:
        return np.arange(n)
    order = np.argsort(-lines.max(0), kind="stable")[:SIDE]
    return np.sort(order)


def _patterns(result: HeadsResult, layer: int, head: int) -> list[Payload]:
    """As many as travel, the first choice and then by the size of the effect."""
    size = np.nan_to_num(np.abs(result.effects)).ravel()
    places = np.argwhere(np.ones(result.ablated.shape, bool))[np.argsort(-size, kind="stable")]
    spots = [(int(result.layers[i]), int(result.heads[j])) for i, j in places]
    spots.sort(key=lambda spot: spot != (layer, head))
    found: list[Payload] = []
    total = 0
    for spot in spots:
        one = pattern_of(result, *spot)
        total += sum(map(len, one["lines"]))
        if total > MOST and found:
            break
        found.append(one)
    return found


def _written(result: HeadsResult, x: float) -> str:
    """The followed number; a log-probability as the probability that it is, and nothing where nothing was followed."""
    if not math.isfinite(x):
        return ""
    if result.metric in ("log-probability", "probability"):
        return probability(min(math.exp(x) if result.metric == "log-probability" else x, 1.0))
    return signed(x) if result.metric == "difference" else plain(x)


def _quantity(result: HeadsResult) -> str:
    if result.metric in ("", "entropy"):
        return "entropy of the next token" if result.metric else ""
    if result.metric == "difference":
        return f"log-odds of {named(result.target)} over {named(result.foil or '')}"
    kind = "logit" if result.metric == "logit" else "probability"
    return f"{kind} of {named(result.target)}"


def _choices(result: HeadsResult, pool: dict[int, int]) -> list[list[list[int | str] | None]]:
    """The first choice without the head and its probability; None where it is the same word as before, empty where it
    is not known."""
    before = result.top[0].id if result.top else None

    def choice(i: int, p: float) -> list[int | str] | None:
        if not math.isfinite(p):
            return []
        return None if i == before else [pool.setdefault(i, len(pool)), probability(p)]

    lines = zip(result.answer_ids.T.tolist(), result.answer_probability.T.tolist(), strict=True)
    return [[choice(i, p) for i, p in zip(ids, chances, strict=True)] for ids, chances in lines]


def _rest(result: HeadsResult) -> str | None:
    n = len(result.tokens)
    if n <= SIDE:
        return None
    return (
        f"Of {n} tokens the last {SIDE} are drawn as queries, and of their keys the {SIDE} with the largest weights; "
        "`result.pattern(layer, head)` has all."
    )


def _code(result: HeadsResult) -> str:
    source = result.provenance
    arguments, remarks = [repr(source.prompt)], list[str]()
    if result.metric != "entropy":
        first = result.top[0].id if result.top else None
        if result.target_ids.tolist() != [first] or result.foil is not None:
            argument, said = wish_argument("target", result.text, result.target, result.target_ids.tolist())
            arguments.append(argument)
            remarks += said
    if result.foil is not None:
        argument, said = wish_argument("foil", result.text, result.foil, result.foil_ids.tolist())
        arguments.append(argument)
        remarks += said
    return call(source, "iw.heads", [*arguments, *(f"{k}={v!r}" for k, v in again(result).items())], remarks)


def again(result: HeadsResult) -> dict[str, Any]:
    """What `iw.heads` takes beside prompt, target and foil to give this result again."""
    asked: dict[str, Any] = {}
    if result.metric != ("difference" if result.foil is not None else "log-probability"):
        asked["metric"] = result.metric
    if result.layers.tolist() != list(range(len(result.layers))) or len(result.layers) != result.n_layers:
        asked["layers"] = result.layers.tolist()
    if len(result.heads) != result.query_heads:
        asked["heads"] = result.heads.tolist()
    if result.ablation != "zero":
        asked["ablation"] = result.ablation
    if len(result.positions) != len(result.tokens):
        asked["positions"] = result.positions.tolist()
    return asked
