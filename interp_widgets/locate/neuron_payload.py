"""The picture of a neuron as data; the shape is `NeuronPayload` in labextension/src/views/neuron/payload.ts.

1. An entry is one text: its best ones in order, then one of a person's own.  Where activations of all its tokens are
   known it is drawn token by token, long ones around their peak; otherwise only the token where it peaks is inked.
2. Tokens that share a character are one word with the activation that is furthest in the sign's direction: activations
   of two tokens do not add up.
3. A result of a whole layer brings the peaks of every neuron along, so that a saved picture can show another one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.locate.neuron_verdict import finding, percent, verdict
from interp_widgets.results.boxes import Box, boxes
from interp_widgets.results.numbers import THIN_SPACE, count, plain, signed
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_result import Context, NeuronResult, TopText

MIME_TYPE = "application/vnd.interp.neuron.v1+json"
MOST_ENTRIES = 50  # best texts that are drawn
BEFORE, AFTER = 40, 24  # tokens around the peak that are drawn
_OWN = 1_024  # tokens of a text of one's own that are drawn
_BARS = 48  # of the histogram, at most
_PEAKS = 5_000  # of other neurons of the layer: about half a megabyte
_EACH = 5  # of one of them
_NEAR = (28, 16)  # characters before and after such a peak
Payload = dict[str, Any]


def neuron_payload(result: NeuronResult) -> Payload:
    """JSON values only."""
    row, known = result.shown, result.contexts()
    best, tried = result.top(), len(result.tried)
    contexts: list[Context | None] = [*known[: len(known) - tried]] or [None] * len(best)
    drawn = [
        _whole(result, context, top.position, top) if context is not None else _peak_alone(top)
        for top, context in zip(best[:MOST_ENTRIES], contexts, strict=False)
    ]
    own = [_whole(result, context, None, None) for context in known[len(known) - tried :]]
    largest = max((abs(word["score"]) for entry in (*drawn, *own) for word in entry["words"]), default=0.0)
    entries = [_labelled(entry, i if i < len(drawn) else result.k, largest) for i, entry in enumerate([*drawn, *own])]
    said = verdict(result)
    return {
        "version": 1,
        "title": [{"text": _question(result.sign, result.neuron, result.layer)}],
        "verdict": None if said is None else {"word": said.word, "sentence": said.sentence, "why": list(said.why)},
        "finding": finding(result),
        "boxes": entries,
        "scale": {"max": _short(largest), "label": plain(largest), "unit": "activation"},
        "whole": bool(known[: len(known) - tried]),
        "rest": _rest(result),
        "histogram": _histogram(result, row),
        "figures": _figures(result, row),
        "promoted": _tokens(result.promotes()),
        "demoted": _tokens(result.demotes()),
        "weights": (
            f"Logits that follow from the neuron's output weight alone{', when it is below zero' * _negative(result)}:"
            " the direction in which it pushes, without what later layers make of it. Differences count: a shift of all"
            " logits changes no probability."
        ),
        "layer": _layer(result),
        "provenance": provenance_line(result.provenance, count(result.tokens_counted, "token")),
        "code": code(result),
        "settings": {"neuron": result.neuron},
    }


def _negative(result: NeuronResult) -> bool:
    return result.sign == "negative"


def _question(sign: str, neuron: int, layer: int) -> str:
    where = f"neuron {neuron} of layer {layer}"
    return f"What drives {where} below zero?" if sign == "negative" else f"What makes {where} fire?"


def _short(x: float) -> float:
    """Four digits draw any mark; the number that is read is the label."""
    return float(f"{x:.4g}")


# Entries


def _whole(result: NeuronResult, context: Context, peak: int | None, top: TopText | None) -> Payload:
    """A text token by token; with a peak only what stands around it."""
    scores = np.nan_to_num(context.activations.astype(np.float64))
    sign = -1.0 if _negative(result) else 1.0
    tokens = [result.words[int(i)] for i in context.token_ids]
    drawn = boxes(context.text, tokens, context.spans, scores)
    if peak is None:
        first, last = 0, min(len(drawn), _OWN)
    else:
        at = next(i for i, box in enumerate(drawn) if peak in box.tokens)
        first, last = max(at - BEFORE, 0), at + AFTER + 1
    words = []
    for box in drawn[first:last]:
        score = max((float(scores[i]) for i in box.tokens), key=lambda x: sign * x)
        words.append(_word(box, score, [float(scores[i]) for i in box.tokens], context.activations))
    before, after = first, max(len(drawn) - last, 0)
    cut = [f"{count(n, 'token')} {where}" for n, where in ((before, "before"), (after, "after")) if n]
    peak_at = int(np.nanargmax(sign * context.activations))
    return {
        "words": words,
        "cut": f"not drawn: {' and '.join(cut)}" if cut else None,
        "ends": [before > 0, after > 0],
        "peak": tokens[peak_at] if top is None else top.token,
        "value": float(context.activations[peak_at]) if top is None else top.value,
        "top": top,
    }


def _word(box: Box, score: float, own: list[float], activations: Any) -> Payload:
    counts = any(math.isfinite(float(activations[i])) for i in box.tokens)
    return {
        "text": visible(box.text),
        "name": named(box.text),
        "score": score,
        "counts": counts,
        "parts": list(zip(box.parts, own, strict=True)) if box.parts else [],
    }


def _peak_alone(top: TopText) -> Payload:
    start, end = top.span
    pieces = [(top.text[:start], 0.0), (top.text[start:end], top.value), (top.text[end:], 0.0)]
    words = [
        {"text": visible(text), "name": named(text), "score": score, "counts": bool(score), "parts": []}
        for text, score in pieces
        if text
    ]
    return {
        "words": words, "cut": None, "ends": [False, False], "peak": top.token, "value": top.value, "top": top,
    }  # fmt: skip


def _labelled(entry: Payload, place: int, largest: float) -> Payload:
    """Numbers as they are read, to one scale."""
    top: TopText | None = entry["top"]
    words = [
        {
            "text": word["text"],
            "name": word["name"],
            "score": _short(word["score"]),
            "label": signed(word["score"], largest) if word["counts"] else "",
            "parts": [{"name": name, "label": signed(score, largest)} for name, score in word["parts"]],
        }
        for word in entry["words"]
    ]
    return {
        "tokens": [place],
        "rank": "yours" if top is None else str(place + 1),
        "where": "a text of your own" if top is None else f"text {top.index}",
        "peak": {
            "name": named(entry["peak"]),
            "label": signed(entry["value"], largest),
            "score": _short(entry["value"]),
        },
        "share": None if top is None else percent(top.share),
        "words": words,
        "cut": entry["cut"],
        "ends": entry["ends"],
    }


def _rest(result: NeuronResult) -> str | None:
    if result.k <= MOST_ENTRIES:
        return None
    return f"The first {MOST_ENTRIES} of {result.k} texts are drawn; `result.top()` has all."


# Figures


def _histogram(result: NeuronResult, row: int) -> Payload:
    """Bars over all tokens; those that reach into the region of the best texts' peaks are marked."""
    edges, counts = result.histogram(result.neuron)
    while len(counts) > _BARS:
        edges, counts = _paired(edges, counts)
    bound = float(result.values[row, -1])
    tallest = math.log1p(int(counts.max()))
    negative = _negative(result)
    largest = max(abs(float(edges[0])), abs(float(edges[-1])))
    bars = []
    for low, high, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
        bars.append(
            {
                "name": f"{plain(low, largest)} to {plain(high, largest)}",
                "count": n,
                "label": f"{n:,}".replace(",", THIN_SPACE),
                "height": _short(math.log1p(n) / tallest),
                "top": low <= bound if negative else high > bound,
                "negative": high <= 0,
            }
        )
    side = "down" if negative else "up"
    return {
        "bars": bars,
        "bound": {"at": _short((bound - float(edges[0])) / float(edges[-1] - edges[0])), "label": plain(bound)},
        "ends": [plain(float(edges[0]), largest), plain(float(edges[-1]), largest)],
        "zero": _short(min(max(-float(edges[0]) / float(edges[-1] - edges[0]), 0.0), 1.0)),
        "words": (
            f"All {count(result.tokens_counted, 'token')} by activation; height is the logarithm of their number."
            f" Marked: from {plain(bound)} {side}, where the peaks of the top {result.k} texts are."
        ),
    }


def _paired(edges: Any, counts: Any) -> tuple[Any, Any]:
    """Bins joined in pairs, zero kept as an edge."""
    width = edges[1] - edges[0]
    first = round(float(edges[0] / width))
    odd = first % 2
    if odd:
        edges, counts = np.concatenate([[edges[0] - width], edges]), np.concatenate([[0], counts])
    if len(counts) % 2:
        edges, counts = np.concatenate([edges, [edges[-1] + width]]), np.concatenate([counts, [0]])
    return edges[::2], counts[::2] + counts[1::2]


def _figures(result: NeuronResult, row: int) -> list[dict[str, str]]:
    found = [
        ("least", plain(float(result.minimum[row]))),
        ("mean", plain(float(result.mean[row]))),
        ("standard deviation", plain(float(result.deviation[row]))),
        ("largest", plain(float(result.maximum[row]))),
        ("above zero", f"{percent(float(result.above_zero[row]))} of tokens"),
    ]
    if result.tokens_left_out:
        found.append(("not counted", count(result.tokens_left_out, "special token")))
    return [{"name": name, "label": label} for name, label in found]


def _tokens(found: list[tuple[str, float]]) -> list[dict[str, Any]]:
    largest = max((abs(x) for _, x in found), default=0.0)
    return [{"name": named(word), "value": _short(x), "label": signed(x, largest)} for word, x in found]


# Other neurons of the layer


def _layer(result: NeuronResult) -> Payload | None:
    n = len(result.neurons)
    if n == 1:
        return None
    each = max(1, min(_EACH, result.k, _PEAKS // n))
    drawn = min(n, _PEAKS)
    before, after = _question(result.sign, 0, result.layer).split("0", 1)
    return {
        "title": [before, after],
        "first": int(result.neurons[0]),
        "last": int(result.neurons[drawn - 1]),
        "neurons": [_brief(result, int(neuron), each) for neuron in result.neurons[:drawn]],
        "words": (
            f"The {count(each, 'best text')} of this neuron, without a model in memory: the token where each peaks."
            if each > 1
            else "The best text of this neuron, without a model in memory, and the token where it peaks."
        ),
        "rest": None
        if drawn == n
        else f"This picture holds the first {drawn} of {n} neurons; `result.top(n)` has all.",
    }


def _brief(result: NeuronResult, neuron: int, each: int) -> list[list[Any]]:
    """[label, activation, text before, token, text after] of its best texts."""
    rows = []
    for top in result.top(neuron, each):
        start, end = top.span
        first, last = max(start - _NEAR[0], 0), end + _NEAR[1]
        before = ("\u2026" if first else "") + visible(top.text[first:start])
        after = visible(top.text[end:last]) + ("\u2026" if last < len(top.text) else "")
        rows.append([signed(top.value), _short(top.value), before, visible(top.text[start:end]), after])
    return rows


def code(result: NeuronResult) -> str:
    """The calls that make the result again; the texts are too many to write out."""
    given = ["texts", f"layer={result.layer}"]
    if len(result.neurons) == 1:
        given.append(f"neuron={result.neuron}")
    given.append(f"k={result.k}")
    if _negative(result):
        given.append(f"sign={result.sign!r}")
    told = f"# texts: a list of {count(result.n_texts, 'string')}, SHA-256 {result.corpus[:16]}\n"
    made = call(result.provenance, "result = iw.max_activating", given, [told])
    return f"{made}\nresult.show({result.neuron})" if len(result.neurons) > 1 else made
