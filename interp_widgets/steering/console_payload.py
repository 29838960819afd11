"""The picture of the console as data; the shape is `SteeringPayload` in labextension/src/views/steering/payload.ts.

1. The tokens of both texts are one list of boxes; `texts` says which are whose.  A box of several tokens, which share a
   character, has the mean of their scores.
2. A box has a score for each vector, so that the view can change the colours without asking.
3. What differs between the texts is marked by the longest common subsequences of their tokens.
"""

from __future__ import annotations

import itertools
import keyword
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.errors import NonFiniteError
from interp_widgets.results.boxes import boxes
from interp_widgets.results.differences import differences
from interp_widgets.results.numbers import MINUS, count, plain, probability, signed
from interp_widgets.results.provenance import provenance_line
from interp_widgets.results.text import named, visible
from interp_widgets.steering.console import NAMES, Grid, SteeringResult, Used, Written
from interp_widgets.steering.console_preset import POSITIONS, PROJECTION, preset
from interp_widgets.steering.console_verdict import LIMIT, damage_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIME_TYPE = "application/vnd.interp.steering.v1+json"
MESSAGE = "steering-step"
QUESTION = "What does steering change?"
_EXAMPLES = 3  # texts of a cell of an evaluation's grid
Payload = dict[str, Any]


def console_payload(result: SteeringResult) -> Payload:
    """JSON values only. Raises NonFiniteError if a score is NaN or infinite, which the console never makes."""

    sides = ((result.plain, result.plain_scores), (result.steered, result.steered_scores))
    if not all(np.isfinite(scores).all() for _, scores in sides):
        raise NonFiniteError("a score is NaN or infinite; there is no picture of that")
    differing = differences(result.plain.ids, result.steered.ids)
    drawn: list[dict[str, Any]] = []
    texts = []
    for name, (written, scores), differs in zip(NAMES, sides, differing, strict=True):
        start, offset = len(drawn), sum(len(text["tokens"]) for text in drawn)
        drawn += text_boxes(written, scores, differs, offset)
        texts.append({"name": name, "start": start, "end": len(drawn), "pace": pace_of(written)})
    shown = result.complete
    line = provenance_line(result.provenance, count(len(result.tokens), "token"))
    return {
        "version": 1,
        "title": [{"text": QUESTION}],
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        }
        if shown
        else None,
        "complete": shown,
        "prompt": prompt_of(result.provenance.prompt),
        "vectors": [_vector(used, result, i) for i, used in enumerate(result.vectors)],
        "setup": setup(result.settings),
        "boxes": drawn,
        "texts": texts,
        "gauges": _gauges(result) if shown else [],
        "grid": None if result.grid is None else _grid(result.grid, result.vectors),
        "provenance": line if shown else [],
        "code": code(result),
        "preset": preset(result.vectors, result.settings),
        "settings": {
            **result.settings,
            "strengths": {used.name: used.strength for used in result.vectors},
        },
    }


def text_boxes(
    written: Written, scores: NDArray[np.float64] | None, differs: Sequence[bool], offset: int
) -> list[dict[str, Any]]:
    """One text's boxes; scores (vectors, tokens), None while it is being written."""

    spans = np.asarray(written.spans, np.int64).reshape(-1, 2)
    found = []
    for box in boxes(written.text, written.tokens, spans, np.zeros(len(written.tokens))):
        own = list(box.tokens)
        values = [] if scores is None else [float(x) for x in scores[:, own].mean(1)]
        found.append(
            {
                "text": visible(box.text),
                "name": named(box.text),
                "tokens": [offset + i for i in own],
                "parts": list(box.parts),
                "probability": probability(math.prod(written.probabilities[i] for i in own)),
                "differs": any(differs[i] for i in own),
                "scores": [float(f"{x:.4g}") for x in values],
                "labels": [signed(x, 1.0) for x in values],
            }
        )
    return found


def draft(written: Written, other: Written) -> dict[str, Any]:
    """A text that is being written, beside the other as far as it is: tokens after the first that is not the same
    differ. Nothing was read yet, so there are no scores, and nothing to select."""
    pairs = itertools.zip_longest(written.ids, other.ids[: len(written.ids)])
    same: list[bool] = list(
        itertools.accumulate((b is None or a == b for a, b in pairs), lambda before, now: before and now)
    )
    drawn = text_boxes(written, None, [not one for one in same], 0)
    return {"boxes": [{**box, "tokens": []} for box in drawn], "pace": pace_of(written)}


def pace_of(written: Written) -> str:
    return f"{written.pace * 1000:.0f} ms a token" if written.pace else ""


def strength_label(x: float) -> str:
    """To three digits after the point, as the sliders write it."""
    return f"{'+' if x > 0 else MINUS if x < 0 else ''}{abs(x):.3f}"


def prompt_of(prompt: Any) -> dict[str, Any]:
    """What stands in the field: a text, or the last message of a chat; token ids cannot be edited as text."""
    if isinstance(prompt, str):
        return {"text": prompt, "note": "", "editable": True}
    if prompt and isinstance(prompt[0], dict):
        last = prompt[-1]
        return {"text": last["content"], "note": f"{last['role']}, in the chat template", "editable": True}
    return {"text": " ".join(map(str, prompt)), "note": "token ids", "editable": False}


def with_text(prompt: Any, text: str) -> Any:
    """The prompt with another text in the place that the field shows."""
    return text if isinstance(prompt, str) else [*prompt[:-1], {**prompt[-1], "content": text}]


def setup(settings: dict[str, Any]) -> str:
    """The settings in one line."""
    layers, heat = settings["layers"], settings["temperature"]
    if layers is None:
        where = "each vector at its own layers"
    else:
        where = f"layers {layers[0]} to {layers[1]}" + (f", every {layers[2]}." if layers[2] > 1 else "")
    parts = [where.rstrip("."), POSITIONS[settings["positions"]]]
    if settings["keep_norm"]:
        parts.append("norm kept")
    parts.append(f"up to {count(settings['max_new_tokens'], 'token')}")
    parts.append("greedy" if heat == 0 else f"temperature {plain(heat)}, seed {settings['seed']}")
    return " · ".join(parts)


def _vector(used: Used, result: SteeringResult, i: int) -> dict[str, Any]:
    sides = (result.plain_scores, result.steered_scores)
    largest = max((float(np.abs(side[i]).max(initial=0.0)) for side in sides), default=0.0)
    where = ("layer " if len(used.layers) == 1 else "layers ") + ", ".join(map(str, used.layers))
    bounds = f"{strength_label(used.low)} to {strength_label(used.high)}"
    places = sorted({at for at, _ in used.measured})
    return {
        "name": named(used.name).replace("\u00b7", " "),
        "key": used.name,
        "positive": visible(used.poles[0]),
        "negative": visible(used.poles[1]),
        "strength": used.strength,
        "label": strength_label(used.strength),
        "low": used.low,
        "high": used.high,
        "wide": list(used.wide),
        "bounds": f"bounds {bounds}" if used.measured else "no bounds measured here",
        "measured": [{"strength": at, "words": damage_of(used, at)} for at in places],
        "unmeasured": "" if used.measured else damage_of(used),
        "where": where,
        "unit": used.unit,
        "read_at": f"read at layer {used.score_layer}",
        "scale": {"max": float(f"{largest:.6g}"), "label": plain(largest, 1.0), "unit": used.unit},
    }


def _gauges(result: SteeringResult) -> list[dict[str, Any]]:
    sides = (result.plain, result.steered)
    values = [side.perplexity for side in sides]
    gauges = []
    if all(math.isfinite(value) for value in values):
        gauges.append(
            {
                "name": "perplexity",
                "words": "of the text, to the unsteered model",
                "change": f"{plain(result.ratio)} times",
                "signed": False,
                "max": float(f"{max(values):.6g}"),
                "bars": [
                    {"name": name, "value": float(f"{value:.6g}"), "label": plain(value)}
                    for name, value in zip(NAMES, values, strict=True)
                ],
            }
        )
    for used, (before, after) in zip(result.vectors, result.concept, strict=True):
        if not (math.isfinite(before) and math.isfinite(after)):
            continue
        gauges.append(
            {
                "name": visible(used.name),
                "words": f"mean {used.unit}, {visible(used.poles[1])} to {visible(used.poles[0])}",
                "change": f"{signed(after - before, 1.0)}" if round(after - before, 2) else "no change",
                "signed": True,
                "max": float(f"{max(abs(before), abs(after), 1.0 if used.unit != PROJECTION else 0.0):.6g}"),
                "bars": [
                    {"name": name, "value": float(f"{value:.6g}"), "label": signed(value, 1.0)}
                    for name, value in zip(NAMES, (before, after), strict=True)
                ],
            }
        )
    return gauges


def _grid(grid: Grid, vectors: Sequence[Used]) -> dict[str, Any]:
    limit = next((used.limit for used in vectors if used.name == grid.vector and used.measured), LIMIT)
    known = [abs(x) for row in grid.concept for x in row if x is not None]
    largest = max(known, default=0.0)
    rows = []
    for layers, texts, concept, damage in zip(grid.layers, grid.texts, grid.concept, grid.perplexity, strict=True):
        cells = []
        for cell, value, ratio in zip(texts, concept, damage, strict=True):
            filled = cell is not None and value is not None
            worse = ratio is not None and ratio > limit
            cells.append(
                {
                    "filled": filled,
                    "score": float(f"{value:.4g}") if filled and value is not None else 0.0,
                    "label": signed(value, 1.0) if filled and value is not None else "",
                    "ratio": f"{plain(ratio)} times" if ratio is not None else "",
                    "worse": worse,
                    "texts": [visible(text) for text in (cell or ())[:_EXAMPLES]],
                }
            )
        name = ("layer " if len(layers) == 1 else "layers ") + ", ".join(map(str, layers))
        rows.append({"name": name, "cells": cells})
    total = len(grid.layers) * len(grid.strengths)
    by = "as iw.evaluate_steering wrote" if grid.by == "evaluation" else "greedy, this vector alone"
    return {
        "title": f"{visible(grid.vector)} over layers and strengths",
        "vector": grid.vector,
        "unit": f"mean {grid.unit}",
        "words": f"{grid.filled} of {count(total, 'cell')}, {by}; \u25b2 perplexity above {plain(limit)} times",
        "columns": [strength_label(x) for x in grid.strengths],
        "rows": rows,
        "max": float(f"{largest:.6g}"),
        "label": plain(largest, 1.0),
        "whole": grid.filled == total,
    }


def code(result: SteeringResult) -> str:
    """The calls that write the same texts."""
    settings, acting = result.settings, [used for used in result.vectors if used.strength]
    names = identifiers([used.name for used in acting])
    rest = "".join(
        f", {name}={settings[name]!r}"
        for name, default in (("positions", "all"), ("keep_norm", False))
        if settings[name] != default
    )
    wanted = {"max_new_tokens": settings["max_new_tokens"]}
    if settings["temperature"]:
        wanted |= {"temperature": settings["temperature"], "seed": settings["seed"]}
    asked = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
    call = f"lm.generate({result.provenance.prompt!r}, {asked})"
    told = [f"# {name}: the control vector {used.name!r}." for name, used in zip(names, acting, strict=True)]
    if result.provenance.interventions:
        told.append(f"# These interventions were active: {', '.join(map(repr, result.provenance.interventions))}.")
    given = [f"layers={list(used.layers)!r}, strength={used.strength!r}{rest}" for used in acting]
    if not acting:
        return "\n".join([*told, call])
    if len(acting) == 1:
        return "\n".join([*told, f"with lm.steered({names[0]}, {given[0]}):", f"    {call}"])
    steers = [f"    {name}.steer({arguments})," for name, arguments in zip(names, given, strict=True)]
    return "\n".join([*told, "with lm.using(", *steers, "):", f"    {call}"])


def identifiers(names: Sequence[str]) -> list[str]:
    """Names for variables, each once."""
    found: list[str] = []
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "vector"
        word = f"v_{word}" if word[0].isdigit() or keyword.iskeyword(word) or word in ("iw", "lm") else word
        found.append(word if word not in found else f"{word}_{len(found) + 1}")
    return found
