"""The picture of an attribution as data: every text and formatted number that a card, table or page shows.

The view lays out and computes nothing, so the live widget, the saved output, its script-free twin and the exports
cannot disagree.  The shape is `HighlightPayload` in labextension/src/views/highlight/payload.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.boxes import Box, boxes
from interp_widgets.errors import NonFiniteError
from interp_widgets.results.numbers import count, duration, plain, probability, signed
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.attribution.result import AttributionResult

MIME_TYPE = "application/vnd.interp.highlight.v1+json"
Payload = dict[str, Any]

# What `iw.attribute` takes when nothing is said (a test holds this against its signature).
DEFAULTS: dict[str, Any] = {"baseline": "zero", "steps": 50, "quadrature": "gauss-legendre"}
# A sum of scores is stated only where it came out within this share of what is due.
_SUM_HOLDS = 0.05


def highlight_payload(result: AttributionResult) -> Payload:
    """JSON values only. Raises NonFiniteError if a score is NaN or infinite, which `iw.attribute` never returns."""
    if not np.isfinite(result.scores).all():
        raise NonFiniteError("a score is NaN or infinite; there is no picture of that")
    drawn = boxes(result.text, result.tokens, result.spans, result.scores)
    largest = max((abs(box.score) for box in drawn), default=0.0)
    return {
        "version": 1,
        "title": _title(result),
        "verdict": {
            "word": result.verdict.word,
            "sentence": _sentence(result),
            "why": list(result.verdict.why),
        },
        "boxes": [_box(box, result.scores, largest) for box in drawn],
        "groups": _groups(result, drawn),
        "scale": {"max": _rounded(largest), "label": plain(largest), "unit": result.unit},
        "sum": _sum(result),
        "candidates": _candidates(result),
        "provenance": _provenance(result),
        "code": _code(result),
        "settings": settings(result),
    }


def settings(result: AttributionResult) -> dict[str, Any]:
    """What was asked, in the words of `iw.attribute`; what the method does not take stands at its default."""
    given = {name: result.settings.get(name, default) for name, default in DEFAULTS.items()}
    return {"method": result.method, "target": result.target, "foil": result.foil, **given}


def _rounded(x: float) -> float:
    """Six digits draw any bar; sixteen double the size of a saved notebook."""
    return float(f"{x:.6g}")


def _title(result: AttributionResult) -> list[dict[str, Any]]:
    def quoted(text: str) -> dict[str, Any]:
        return {"text": named(text), "quote": True}

    target, rival = quoted(result.target), _rival(result)
    if result.gap >= 0:
        if result.foil is None:
            return [{"text": "Why "}, target, {"text": "?"}]
        return [{"text": "Why "}, target, {"text": " rather than "}, quoted(result.foil), {"text": "?"}]
    away = [{"text": ", away from "}, quoted(rival)] if result.foil is not None and rival is not None else []
    return [{"text": "What pulls towards "}, target, *away, {"text": "?"}]


def _rival(result: AttributionResult) -> str | None:
    """What the gap is measured against: the foil, or else the best next token that is not the target's."""
    if result.foil is not None:
        return result.foil
    first = int(result.target_ids[0])
    return next((candidate.text for candidate in result.candidates if candidate.id != first), None)


def _sentence(result: AttributionResult) -> str:
    rival = _rival(result)
    if result.gap >= 0 or rival is None:
        return result.verdict.sentence
    return f"{named(rival)} leads by {plain(-result.gap)} log-odds; {result.verdict.sentence}"


def _box(box: Box, scores: NDArray[np.float64], largest: float) -> dict[str, Any]:
    return {
        "text": visible(box.text),
        "name": named(box.text),
        "score": _rounded(box.score),
        "label": signed(box.score, largest),
        "tokens": list(box.tokens),
        "parts": [
            {"name": name, "label": signed(float(scores[token]), largest)}
            for name, token in zip(box.parts, box.tokens, strict=False)
        ],
    }


def _groups(result: AttributionResult, drawn: list[Box]) -> list[dict[str, Any]]:
    """Chat turns over boxes; a box that reaches across the seam belongs to the turn of its first token."""
    if not result.groups:
        return []
    first = [box.tokens[0] for box in drawn]
    turns = []
    for group in result.groups:
        inside = [i for i, token in enumerate(first) if group.start <= token < group.end]
        if inside:
            turns.append({"label": group.label, "start": inside[0], "end": inside[-1] + 1})
    return turns


def _sum(result: AttributionResult) -> str | None:
    """Only for a method that promises a sum (it measures what is due), and only where the promise was kept."""
    measured = result.diagnostics
    if not {"sum", "due", "completeness_error"} <= measured.keys() or not measured["completeness_error"] <= _SUM_HOLDS:
        return None
    total, due = signed(measured["sum"]), signed(measured["due"])
    return f"The scores sum to {total} {result.unit}; {due} is due"


def _candidates(result: AttributionResult) -> list[dict[str, Any]]:
    roles = {int(ids[0]): role for role, ids in (("foil", result.foil_ids), ("target", result.target_ids)) if len(ids)}
    return [
        {
            "text": candidate.text,
            "name": named(candidate.text),
            "id": candidate.id,
            "probability": _rounded(candidate.probability),
            "label": probability(candidate.probability),
            "role": roles.get(candidate.id),
        }
        for candidate in result.candidates
    ]


def _provenance(result: AttributionResult) -> list[str]:
    source = result.provenance
    line = [
        count(len(result.tokens), "token"),
        count(source.forward_passes, "forward pass", "forward passes"),
        duration(source.seconds),
        visible(source.model),
        source.device,
    ]
    if source.bos:
        line.append(count(source.bos, "BOS token"))
    acting = [visible(name) for name in source.interventions]
    line.append(f"with {', '.join(acting)}" if acting else "no interventions")
    return [*line, *source.notes]


def _code(result: AttributionResult) -> str:
    """The call that made the picture; `repr` keeps any text whole and harmless."""
    source = result.provenance
    arguments, remarks = [repr(source.prompt)], []
    for name, text, ids in (("target", result.target, result.target_ids), ("foil", result.foil, result.foil_ids)):
        if text is None:
            continue
        argument = _argument(result, text, ids)
        arguments.append(f"{name}={argument}")
        if argument.isdigit():
            remarks.append(f"# The {name} {argument} is {text!r}.\n")
    arguments.append(f"method={result.method!r}")
    for name, default in DEFAULTS.items():
        value = result.settings.get(name, default)
        if value != default:
            arguments.append(f"{name}={value!r}")
    if source.seed:
        arguments.append(f"seed={source.seed!r}")
    if source.interventions:
        remarks.append(f"# These interventions were active: {', '.join(map(repr, source.interventions))}.\n")
    return f"{''.join(remarks)}iw.attribute(lm, {', '.join(arguments)})"


def _argument(result: AttributionResult, text: str, ids: NDArray[np.int64]) -> str:
    """As a string where that surely gives the same token again: after the prompt, a tokenizer may join or refuse it."""
    if len(ids) > 1:
        return repr(text)
    after_space = result.text[-1:].isspace()
    starts_anew = text[:1] == " " and not after_space
    starts_line = result.text[-1:] == "\n" and text[:1].isalnum()
    whole = "\ufffd" not in text and len(text.strip()) > 0
    return repr(text) if whole and (starts_anew or starts_line) else str(int(ids[0]))
