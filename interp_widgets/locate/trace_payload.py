"""The picture of a causal trace as data; the shape is `TracePayload` in labextension/src/views/trace/payload.ts.

1. Rows are the positions that were traced, columns the layers; each kind of restoring is a sheet of cells.
2. A cell has its effect, the probability that it restores, half its 95 % interval, and the best next tokens then, as
   places in one list of words; None where the run is the corrupted one, as before the subject.
3. At most `MOST` cells are drawn: the subject, the last token, and the rows with the largest effects; what is left out
   is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.locate.asking import wish_argument
from interp_widgets.locate.heat import Floats, cells, largest, strongest_rows
from interp_widgets.locate.trace_result import KINDS, TraceResult
from interp_widgets.results.boxes import boxes
from interp_widgets.results.numbers import count, plain, probability
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.models.candidate import Candidate

MIME_TYPE = "application/vnd.interp.trace.v1+json"
MOST = 6_000  # cells drawn: about a third of a megabyte
TABS = {
    "hidden": "hidden state",
    "mlp": "MLP",
    "attn": "attention",
    "hidden_mlp_severed": "MLP severed",
    "hidden_attn_severed": "attention severed",
}
Payload = dict[str, Any]


def trace_payload(result: TraceResult) -> Payload:
    """JSON values only."""
    drawn = boxes(result.text, result.tokens, result.spans, np.zeros(len(result.tokens)))
    rows = _rows(result)
    effects = {kind: result.effects_of(kind) for kind in result.kinds}
    top = largest(*effects.values())
    pool: dict[int, int] = {}
    sheets = [_sheet(result, number, effects[kind][rows], rows, top, pool) for number, kind in enumerate(result.kinds)]
    first, last = result.subject_tokens
    before = float(result.corrupted.mean())
    return {
        "version": 1,
        "title": [
            {"text": "Where is "},
            {"text": f"{visible(result.subject)} \u2192 {named(result.target)}", "quote": True},
            {"text": " stored?"},
        ],
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "boxes": [{"text": visible(box.text), "name": named(box.text), "tokens": list(box.tokens)} for box in drawn],
        "rows": [
            {
                "name": named(result.tokens[p]),
                "mark": "subject" if first <= p <= last else None,
                "note": None,
                "position": p,
            }
            for p in result.positions[rows].tolist()
        ],
        "columns": [str(layer) for layer in result.layers.tolist()],
        "sheets": sheets,
        "missing": [{"key": kind, **_names(kind, result.window)} for kind in KINDS if kind not in result.kinds],
        "scale": {"max": float(f"{top:.6g}"), "label": plain(top), "unit": f"probability of {named(result.target)}"},
        "target": named(result.target),
        "clean": probability(result.clean),
        "corrupted": probability(before),
        "samples": count(result.samples, "sample"),
        "words": [named(result.words[i]) for i in pool],
        "target_word": _target_word(result, pool),
        "tops": [_candidates("clean", result.clean_top), _candidates("corrupted", result.corrupted_top)],
        "rest": _rest(result, len(rows)),
        "provenance": provenance_line(result.provenance, _amount(result)),
        "code": _code(result),
    }


def _rows(result: TraceResult) -> NDArray[np.int64]:
    """Which of the traced positions are drawn: the subject, the last one, and those with the largest effects."""
    peaks = np.max([np.abs(result.effects_of(kind)).max(1) for kind in result.kinds], axis=0)
    first, last = result.subject_tokens
    inside = (result.positions >= first) & (result.positions <= last)
    always = [*np.flatnonzero(inside).tolist(), len(result.positions) - 1]
    return strongest_rows(peaks, max(MOST // (len(result.kinds) * len(result.layers)), 1), always)


def _rest(result: TraceResult, drawn: int) -> str | None:
    if drawn == len(result.positions):
        return None
    return (
        f"The subject, the last token and the largest effects, {drawn} of"
        f" {count(len(result.positions), 'position')}, are drawn; to_frame() holds all."
    )


def _names(kind: str, window: int) -> dict[str, str]:
    words = KINDS[kind]
    return {"name": TABS[kind], "words": words.replace("a window of layers", f"a window of {count(window, 'layer')}")}


def _sheet(
    result: TraceResult,
    number: int,
    effects: Floats,
    rows: NDArray[np.int64],
    top: float,
    pool: dict[int, int],
) -> dict[str, Any]:
    kind = result.kinds[number]
    restored = result.restored[number].mean(0)[rows]
    half = 1.96 * result.errors_of(kind)[rows]
    same = (result.restored[number][:, rows] == result.corrupted[:, None, None]).all(0)
    ids, shares = result.top_ids[number][rows], result.top_probability[number][rows]
    return {
        "key": kind,
        **_names(kind, result.window),
        **cells(effects, top),
        "reads": [[probability(float(p)) for p in line] for line in restored],
        "spreads": None
        if result.samples < 2
        else [[plain(float(x), top) for x in line] for line in half],
        "after": [
            [
                None if same[i, j] else _flat(ids[i, j], shares[i, j], pool)
                for j in range(len(result.layers))
            ]
            for i in range(len(rows))
        ],
    }  # fmt: skip


def _flat(ids: NDArray[np.int64], shares: Floats, pool: dict[int, int]) -> list[int | str]:
    """Word, label, word, label, ...: a page of cells is mostly this."""
    found: list[int | str] = []
    for one, share in zip(ids.tolist(), shares.tolist(), strict=True):
        found += [pool.setdefault(one, len(pool)), probability(share)]
    return found


def _target_word(result: TraceResult, pool: dict[int, int]) -> int | None:
    """The target's first token in the list of words, so that it can be told in each list of next tokens."""
    return pool.get(int(result.target_ids[0])) if len(result.target_ids) else None


def _candidates(name: str, found: Sequence[Candidate]) -> dict[str, Any]:
    return {"name": name, "items": [[named(one.text), probability(one.probability)] for one in found]}


def _amount(result: TraceResult) -> str:
    n = len(result.kinds) * len(result.positions) * len(result.layers)
    return count(n, "cell")


def occurrence(result: TraceResult) -> int | None:
    """Which one of several places of the subject was corrupted; None where there is one."""
    subject = result.subject.strip()
    places = [i for i in range(len(result.text)) if result.text.startswith(subject, i)]
    if len(places) < 2:
        return None
    first = result.subject_tokens[0]
    start, stop = result.spans[first].tolist()
    return next((k for k, place in enumerate(places) if start <= place < stop), None)


def asked(result: TraceResult) -> dict[str, Any]:
    """What `iw.causal_trace` takes, besides prompt and kind, to trace the same cells of the same runs again."""
    found: dict[str, Any] = {"subject": result.subject}
    if (place := occurrence(result)) is not None:
        found["occurrence"] = place
    for name, default in (("noise", 3.0), ("samples", 10), ("window", 10)):
        if getattr(result, name) != default:
            found[name] = getattr(result, name)
    if len(result.positions) != len(result.tokens):
        found["positions"] = result.positions.tolist()
    if result.layers.tolist() != list(range(len(result.layers))):
        found["layers"] = result.layers.tolist()
    return found


def _code(result: TraceResult) -> str:
    given = asked(result)
    kind = result.kinds[0] if len(result.kinds) == 1 else list(result.kinds)
    arguments = [repr(result.provenance.prompt), f"subject={given.pop('subject')!r}", f"kind={kind!r}"]
    remarks: list[str] = []
    if result.target != result.answer:
        argument, remarks = wish_argument("target", result.text, result.target, result.target_ids.tolist())
        arguments += [argument, "force=True"]
    arguments += [f"{name}={value!r}" for name, value in given.items()]
    return call(result.provenance, "iw.causal_trace", arguments, remarks)
