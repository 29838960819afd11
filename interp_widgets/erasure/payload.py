"""The picture of an erasure result as data; the shape is `ErasurePayload` in labextension/src/views/erasure/payload.ts.

1. Each point of the projection is a box, so that a selection counts points.
2. A place has one bar for each probe and stage that was measured; the bars of all places are in one order.
3. Numbers are written here, so that card, table and text agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.erasure.result import STAGES
from interp_widgets.results.numbers import count, plain, signed
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.erasure.result import ErasureResult

MIME_TYPE = "application/vnd.interp.erasure.v1+json"
LABELS = {
    "leace": "LEACE",
    "oracle": "LEACE, oracle",
    "quadratic": "LEACE, quadratic",
    "inlp": "INLP",
    "mean_difference": "difference of means",
    "random": "random direction",
}
PROBE_WORDS = {"linear": "linear probe", "mlp": "MLP probe"}
CONTROL = "control task"
AXES = ("first principal axis", "second principal axis", "the concept's own axis")
_DIGITS = 4  # of a coordinate
Payload = dict[str, Any]


def erasure_payload(result: ErasureResult) -> Payload:
    """JSON values only."""
    return {
        "version": 1,
        "title": [{"text": f"Is {concept_words(result.concept)} gone?"}],
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "method": _method(result),
        "concept": visible(result.concept),
        "classes": [visible(str(name)) for name in result.classes],
        "majority": {"value": _number(result.majority), "label": percent(result.majority)},
        "places": [_place(result, p) for p in range(len(result.places))],
        "start": int(result.point_place),
        "boxes": [_point(result, i) for i in range(len(result.points))],
        "axes": [
            {"name": name, "share": f"{percent(share)} of the variance"}
            for name, share in zip(AXES, result.axes.tolist(), strict=True)
        ],
        "apart": _apart(result),
        "rounds": _rounds(result),
        "damage": _damage(result),
        "provenance": provenance_line(result.provenance, _amount(result)),
        "code": _code(result),
    }


def concept_words(concept: str) -> str:
    """A concept's name as it stands in a question."""
    words = visible(" ".join(concept.replace("_", " ").split()))
    return "the concept" if words in ("", "concept") else words


def percent(value: float) -> str:
    """With one decimal, as intervals need it; nothing for what was not measured."""
    return f"{100 * value:.1f} %" if np.isfinite(value) else ""


def _number(value: float) -> float:
    return float(f"{value:.6g}")


def _method(result: ErasureResult) -> str:
    label = LABELS.get(result.method, visible(result.method))
    where = result.places[0] if len(result.places) == 1 else count(len(result.places), "place")
    return f"{label}, {where}"


def _place(result: ErasureResult, p: int) -> Payload:
    return {
        "name": result.places[p],
        "layer": int(result.layers[p]),
        "short": result.places[p].removeprefix("layer ").removesuffix(" resid_post"),
        "rank": count(int(result.ranks[p]), "dimension"),
        "change": percent(float(result.change[p, 0])),
        "random": percent(float(result.change[p, 1])),
        "bars": [*_bars(result, p), *_control(result, p)],
    }


def _bars(result: ErasureResult, p: int) -> list[Payload]:
    return [
        _bar(PROBE_WORDS.get(probe, probe), stage, *result.accuracy[p, i, s].tolist())
        for i, probe in enumerate(result.probes)
        for s, stage in enumerate(STAGES)
        if np.isfinite(result.accuracy[p, i, s, 0])
    ]


def _control(result: ErasureResult, p: int) -> list[Payload]:
    return [
        _bar(CONTROL, stage, float(result.control[p, s]))
        for s, stage in enumerate(STAGES)
        if np.isfinite(result.control[p, s])
    ]


def _bar(probe: str, stage: str, value: float, low: float = np.nan, high: float = np.nan) -> Payload:
    known = bool(np.isfinite([low, high]).all())
    return {
        "probe": probe,
        "stage": stage,
        "value": _number(value),
        "label": percent(value),
        "low": _number(low) if known else None,
        "high": _number(high) if known else None,
        "interval": f"{100 * low:.1f} to {100 * high:.1f} %" if known else "",
    }


def _point(result: ErasureResult, i: int) -> Payload:
    before, after = result.points[i]
    return {
        "tokens": [i],
        "name": named(result.point_token[i]) if result.point_token else f"state {i}",
        "text": visible(result.point_text[i]) if result.point_text else "",
        "class": int(result.point_class[i]),
        "before": [float(f"{x:.{_DIGITS}g}") for x in before.tolist()],
        "after": [float(f"{x:.{_DIGITS}g}") for x in after.tolist()],
        "labels": [signed(float(before[2])), signed(float(after[2]))],
    }


def _apart(result: ErasureResult) -> str:
    """How far the means of the classes lie apart on the concept's own axis."""
    kinds = np.unique(result.point_class)
    if len(kinds) < 2:
        return ""
    means = np.stack([result.points[result.point_class == c, :, 2].mean(0) for c in kinds])
    before, after = np.ptp(means, axis=0).tolist()
    of = "the two classes'" if len(kinds) == 2 else f"{len(kinds)} classes'"
    return f"On the concept's own axis {of} means are {plain(before)} apart before, {plain(after, before)} after."


def _rounds(result: ErasureResult) -> Payload | None:
    """The rounds of INLP and, beside them, the one step of another method at the same place."""
    if not len(result.rounds):
        return None
    single = None
    if result.method != "inlp":
        p = int(result.point_place)
        bar = _bar(LABELS.get(result.method, visible(result.method)), "after", *result.of("linear")[p].tolist())
        single = {**bar, "rank": int(result.ranks[p])}
    return {
        "place": result.places[int(result.point_place)],
        "steps": [
            {"rank": int(rank), "value": _number(value), "label": percent(value)}
            for rank, value in result.rounds.tolist()
        ],
        "single": single,
    }


def _damage(result: ErasureResult) -> list[Payload]:
    """Rows of what was measured: a label for each stage, and the interval where there is one."""
    rows = []
    if len(result.perplexity):
        told = [plain(x) if np.isfinite(x) else "" for x in result.perplexity.tolist()]
        rows.append({"name": "perplexity of neutral text", "labels": told, "intervals": ["", "", ""]})
    if len(result.tasks):
        rows.append(
            {
                "name": f"{count(result.questions, 'question')} about other things right",
                "labels": [percent(row[0]) for row in result.tasks.tolist()],
                "intervals": [
                    f"{100 * row[1]:.1f} to {100 * row[2]:.1f} %" if np.isfinite(row).all() else ""
                    for row in result.tasks.tolist()
                ],
            }
        )
    return rows


def _amount(result: ErasureResult) -> str:
    fitted, trained, tested = result.counts.tolist()
    return (
        f"eraser fitted on {count(fitted, 'state')}, probes trained on {count(trained, 'state')}, tested on"
        f" {count(tested, 'state')} of {count(result.clusters, result.cluster)}"
    )


def _code(result: ErasureResult) -> str:
    from interp_widgets.erasure.sets import labelled_sets

    source = result.provenance
    if not source.fingerprint:
        seed = f", seed={source.seed}" if source.seed else ""
        return f"iw.erasure.probe(states, labels, method={result.method!r}, concept={result.concept!r}{seed})"
    lines = []
    if result.concept in labelled_sets():
        lines.append(f"fit, train, test = iw.erasure.labelled_set({result.concept!r}).split()")
    else:
        lines.append("# fit, train, test: parts of your labelled texts, from LabelledTexts.split()")
    sites = list(dict.fromkeys(place.split(" ")[-1] for place in result.places))
    layers = list(dict.fromkeys(result.layers.tolist()))
    where = f"layer={layers[0] if len(layers) == 1 else layers}"
    if sites != ["resid_post"]:
        where += f", site={sites[0]!r}" if len(sites) == 1 else f", site={sites!r}"
    lines.append(f"x = iw.erase(lm, fit, {where}, method={result.method!r})")
    more = [f"inlp={len(result.rounds) - 1}"] if len(result.rounds) > 1 and result.method != "inlp" else []
    return "\n".join([*lines, call(source, "iw.erasure.evaluate", ["x", "train", "test", *more])])
