"""The picture of an attribution as data: every text and formatted number that a card, table or page shows.

The view lays out and computes nothing, so the live widget, the saved output, its script-free twin and the exports
cannot disagree.  The shape is `HighlightPayload` in labextension/src/views/highlight/payload.ts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import NonFiniteError
from interp_widgets.results.boxes import Box, boxes
from interp_widgets.results.numbers import count, plain, probability, signed
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.attribution.result import AttributionResult
    from interp_widgets.models.candidate import Candidate
    from interp_widgets.models.prompts import Group
    from interp_widgets.results.provenance import Provenance

MIME_TYPE = "application/vnd.interp.highlight.v1+json"
Payload = dict[str, Any]

# Methods whose scores are not in the unit of what they explain (a test holds the names against the registry).
_MEASURES = {"saliency": "length of the gradient", "attention_rollout": "share of attention"}

# What `iw.attribute` takes when nothing is said (a test holds this against its signature).
DEFAULTS: dict[str, Any] = {
    **{"baseline": "zero", "steps": 50, "quadrature": "gauss-legendre"},
    **{"delete": None, "samples": None, "function": None, "group": None},  # the method's own, or what follows from foil
}
# A sum of scores is stated only where it came out within this share of what is due.
_SUM_HOLDS = 0.05


class Asked(Protocol):
    """What a question and its provenance are made of: a result about one next token, by one method or by several."""

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> tuple[str, ...]: ...
    @property
    def groups(self) -> tuple[Group, ...]: ...
    @property
    def grouping(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def target_ids(self) -> NDArray[np.int64]: ...
    @property
    def foil(self) -> str | None: ...
    @property
    def foil_ids(self) -> NDArray[np.int64]: ...
    @property
    def gap(self) -> float: ...
    @property
    def candidates(self) -> tuple[Candidate, ...]: ...
    @property
    def provenance(self) -> Provenance: ...


def highlight_payload(result: AttributionResult) -> Payload:
    """JSON values only. Raises NonFiniteError if a score is NaN or infinite, which `iw.attribute` never returns."""
    if not np.isfinite(result.scores).all():
        raise NonFiniteError("a score is NaN or infinite; there is no picture of that")
    drawn = boxes(result.text, result.tokens, result.spans, result.scores)
    largest = max((abs(box.score) for box in drawn), default=0.0)
    return {
        "version": 1,
        "title": title(result),
        "verdict": {
            "word": result.verdict.word,
            "sentence": led(result, result.verdict.sentence),
            "why": list(result.verdict.why),
        },
        "boxes": [_box(box, result, largest) for box in drawn],
        "groups": turns(result.groups, drawn),
        "scale": scale(largest, result.method, result.unit),
        "sum": _sum(result),
        "candidates": next_tokens(result),
        "provenance": provenance_line(result.provenance, amount(result)),
        "code": code(result, _arguments(result)),
        "settings": settings(result),
    }


def settings(result: AttributionResult) -> dict[str, Any]:
    """What was asked, in the words of `iw.attribute`; what the method does not take stands at its default."""
    given = {name: result.settings.get(name, default) for name, default in DEFAULTS.items()}
    given |= {"function": wished_function(result), "group": None if result.grouping == "token" else result.grouping}
    return {"method": result.method, "target": result.target, "foil": result.foil, **given}


def wished_function(result: Asked) -> str | None:
    """What was explained; None where it follows from target and foil."""
    if result.foil is not None:
        return None  # with a foil it is always the difference
    implied = "logit" if len(result.target_ids) == 1 else "log-probability"
    return None if result.function == implied else result.function


def scale(largest: float, method: str, unit: str) -> dict[str, Any]:
    """Of a method's scores for a number explained in `unit`; the method may be a difference, "one - other"."""
    units = dict.fromkeys(_MEASURES.get(name, unit) for name in method.split(" - "))
    return {"max": rounded(largest), "label": plain(largest), "unit": " - ".join(units)}


def rounded(x: float) -> float:
    """Six digits draw any bar; sixteen double the size of a saved notebook."""
    return float(f"{x:.6g}")


def title(result: Asked) -> list[dict[str, Any]]:
    """The question in parts, of which some are quoted tokens."""
    if result.function == "entropy":
        return [{"text": "What makes the model unsure?"}]

    def quoted(text: str) -> dict[str, Any]:
        return {"text": named(text), "quote": True}

    target, rival = quoted(result.target), _rival(result)
    if result.gap >= 0:
        if result.foil is None:
            return [{"text": "Why "}, target, {"text": "?"}]
        return [{"text": "Why "}, target, {"text": " rather than "}, quoted(result.foil), {"text": "?"}]
    away = [{"text": ", away from "}, quoted(rival)] if result.foil is not None and rival is not None else []
    return [{"text": "What pulls towards "}, target, *away, {"text": "?"}]


def _rival(result: Asked) -> str | None:
    """What the gap is measured against: the foil, or else the best next token that is not the target's."""
    if result.foil is not None:
        return result.foil
    first = int(result.target_ids[0]) if len(result.target_ids) else None
    return next((candidate.text for candidate in result.candidates if candidate.id != first), None)


def led(result: Asked, sentence: str) -> str:
    """The sentence under the title; where the target does not lead, by how much comes first."""
    rival = _rival(result)
    if result.gap >= 0 or rival is None or result.function == "entropy":
        return sentence
    return f"{named(rival)} leads by {plain(-result.gap)} log-odds; {sentence}"


def _box(box: Box, result: AttributionResult, largest: float) -> dict[str, Any]:
    scores, told = result.scores, {}
    if result.interval is not None and len(box.tokens) == 1:  # intervals of several tokens do not add up
        low, high = result.interval[box.tokens[0]]
        told["interval"] = f"{plain(float(low), largest)} to {plain(float(high), largest)}"
    return {
        **told,
        "text": visible(box.text),
        "name": named(box.text),
        "score": rounded(box.score),
        "label": signed(box.score, largest),
        "tokens": list(box.tokens),
        "parts": [
            {"name": name, "label": signed(float(scores[token]), largest)}
            for name, token in zip(box.parts, box.tokens, strict=False)
        ],
    }


def turns(groups: Sequence[Group], drawn: Sequence[Box]) -> list[dict[str, Any]]:
    """Chat turns over boxes; a box that reaches across the seam belongs to the turn of its first token."""
    first = [box.tokens[0] for box in drawn]
    found = []
    for group in groups:
        inside = [i for i, token in enumerate(first) if group.start <= token < group.end]
        if inside:
            found.append({"label": group.label, "start": inside[0], "end": inside[-1] + 1})
    return found


def _sum(result: AttributionResult) -> str | None:
    """Only for a method that promises a sum (it measures what is due), and only where the promise was kept."""
    measured = result.diagnostics
    if not {"sum", "due", "completeness_error"} <= measured.keys() or not measured["completeness_error"] <= _SUM_HOLDS:
        return None
    total, due = signed(measured["sum"]), signed(measured["due"])
    return f"The scores sum to {total} {result.unit}; {due} is due"


def next_tokens(result: Asked) -> list[dict[str, Any]]:
    roles = {int(ids[0]): role for role, ids in (("foil", result.foil_ids), ("target", result.target_ids)) if len(ids)}
    return [
        {
            "text": candidate.text,
            "name": named(candidate.text),
            "id": candidate.id,
            "probability": rounded(candidate.probability),
            "label": probability(candidate.probability),
            "role": roles.get(candidate.id),
        }
        for candidate in result.candidates
    ]


def amount(result: Asked) -> str:
    """Such as "5 tokens", "3 words"."""
    known = result.grouping in ("token", "word", "sentence", "turn")
    return count(len(result.tokens), result.grouping if known else "unit")


def _arguments(result: AttributionResult) -> list[str]:
    given = settings(result)
    differing = [f"{name}={given[name]!r}" for name, default in DEFAULTS.items() if given[name] != default]
    return [f"method={result.method!r}", *differing]


def code(result: Asked, arguments: list[str], function: str = "attribute") -> str:
    """The call that made the picture; `repr` keeps any text whole and harmless."""
    source = result.provenance
    given, remarks = [repr(source.prompt)], []
    for name, text, ids in (("target", result.target, result.target_ids), ("foil", result.foil, result.foil_ids)):
        if text is None or not len(ids):
            continue
        argument = _argument(result, text, ids)
        given.append(f"{name}={argument}")
        if argument.isdigit():
            remarks.append(f"# The {name} {argument} is {text!r}.\n")
    return call(source, f"iw.{function}", [*given, *arguments], remarks)


def _argument(result: Asked, text: str, ids: NDArray[np.int64]) -> str:
    """As a string where that surely gives the same token again: after the prompt, a tokenizer may join or refuse it."""
    if len(ids) > 1:
        return repr(text)
    after_space = result.text[-1:].isspace()
    starts_anew = text[:1] == " " and not after_space
    starts_line = result.text[-1:] == "\n" and text[:1].isalnum()
    whole = "\ufffd" not in text and len(text.strip()) > 0
    return repr(text) if whole and (starts_anew or starts_line) else str(int(ids[0]))
