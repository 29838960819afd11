"""A steering evaluation as a script-free table, as plain text, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.markup import DIM, escaped, why_of
from interp_widgets.results.markup import MARKS as SHAPES
from interp_widgets.results.numbers import count, plain, signed
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from interp_widgets.steering.evaluation_result import SteeringEvaluation

_HEAD = ("strength", "concept", "95 %", "perplexity", "95 %", "KL", "repeated")
_RIGHT = "text-align:right;padding:0px 8px"


def title(result: SteeringEvaluation) -> str:
    return f"How far can {result.vector} be turned before it breaks something?"


def named(layers: tuple[int, ...]) -> str:
    return f"layer {layers[0]}" if len(layers) == 1 else f"layers {', '.join(map(str, layers))}"


def rows(result: SteeringEvaluation, candidate: int) -> list[list[str]]:
    """One row for each strength, as in `_HEAD`."""
    found = []
    for s, strength in enumerate(result.strengths):
        mean, low, high = result.concept[candidate, s]
        ratio, least, most = result.perplexity[candidate, s]
        known = bool(np.isfinite(mean))
        found.append(
            [
                signed(float(strength)),
                signed(float(mean)) if known else "\u2013",
                f"{signed(float(low))} to {signed(float(high))}" if known else "",
                f"{plain(float(ratio))} \u00d7",
                f"{plain(float(least))} to {plain(float(most))}",
                plain(float(result.divergence[candidate, s])),
                f"{float(result.repetition[candidate, s]):.0%}" if known else "",
            ]
        )
    return found


def order(result: SteeringEvaluation) -> list[int]:
    """Candidates, the best one first."""
    return [result.best, *(c for c in range(len(result.layers)) if c != result.best)]


def said(result: SteeringEvaluation) -> str:
    bounds = result.bounds
    ends = f"{result.poles[1]} {signed(bounds.low)} to {signed(bounds.high)} {result.poles[0]}"
    return (
        f"Recommended at {named(bounds.layers)}: {ends}, in multiples of the mean residual norm. Perplexity of neutral"
        f" text, {plain(result.base_perplexity)} unsteered, stays under {plain(result.limit)} times that."
    )


def provenance(result: SteeringEvaluation) -> str:
    amount = count(len(result.prompts), "continuation") + " for each strength"
    return " \u00b7 ".join([f"concept: {result.unit}", *provenance_line(result.provenance, amount)])


def evaluation_html(result: SteeringEvaluation) -> str:
    """The twin as one element; all text is escaped."""
    verdict = result.verdict
    parts = [
        '<div style="max-width:720px;line-height:1.5">',
        f"<div><b>{escaped(title(result))}</b></div>",
        f"<div><b>{SHAPES[verdict.word]} {escaped(verdict.word)}</b> {escaped(verdict.sentence)}</div>",
        why_of(list(verdict.why)),
        f"<div>{escaped(said(result))}</div>",
        *(_table(result, c) for c in order(result)),
        f'<div style="{DIM}">{escaped(provenance(result))}</div>',
        "</div>",
    ]
    return "".join(parts)


def _table(result: SteeringEvaluation, candidate: int) -> str:
    head = "".join(f'<th style="{_RIGHT}">{escaped(name)}</th>' for name in _HEAD)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_RIGHT}">{escaped(cell)}</td>' for cell in row) + "</tr>"
        for row in rows(result, candidate)
    )
    best = candidate == result.best
    name = named(result.layers[candidate]) + (" (best)" if best else "")
    texts = "".join(
        f'<tr><td style="{_RIGHT}">{escaped(signed(float(strength)))}</td>'
        f'<td style="text-align:left">{escaped(result.texts[candidate][s][0])}</td></tr>'
        for s, strength in enumerate(result.strengths)
        if result.texts[candidate][s][0]
    )
    first = result.prompts[0]
    asked = escaped(first if isinstance(first, str) else str(first))
    return (
        f"<details{' open' if best else ''}><summary>{escaped(name)}</summary><table><tr>{head}</tr>{body}</table>"
        f"<div>{asked} \u2026</div><table>{texts}</table></details>"
    )


def evaluation_text(result: SteeringEvaluation) -> str:
    """Verdict, bounds and one table for each candidate, the best first; no trailing newline."""
    verdict = result.verdict
    lines = [f"{MARKS[verdict.word]} {verdict.word}: {verdict.sentence}", title(result), said(result)]
    for candidate in order(result):
        lines += ["", named(result.layers[candidate]) + (" (best)" if candidate == result.best else "")]
        table = [list(_HEAD), *rows(result, candidate)]
        widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]
        lines += [
            "  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in table
        ]
    return "\n".join([*lines, "", f"  {provenance(result)}"])


def evaluation_page(result: SteeringEvaluation, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(title(result), evaluation_html(result), path)
