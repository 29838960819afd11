"""`plot()` of an edit diff."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.editing.diff.html import LEAST
from interp_widgets.editing.diff.payload import diff_payload
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.text import MARKS, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.editing.diff.result import EditDiff

_GREY, _BLUE = "#9aa4ae", "#0072b2"


def plot(result: EditDiff) -> Figure:
    """Next tokens of the first prompt, before grey and after blue, and beside them the size of the change by layer; the
    verdict stands in the title, so that the picture does not travel without it."""
    payload = diff_payload(result)
    verdict = payload["verdict"]
    told = [
        "".join(part["text"] for part in payload["title"]) + f" ({payload['method']})",
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
    ]
    lines = [line for one in told for line in textwrap.wrap(drawable(one), 96)]
    tokens = result.samples[0].next if result.samples else ()
    rows = max(len(tokens), len(result.changes), 2)
    figure = ResultFigure(figsize=(8.0, 1.2 + 0.2 * len(lines) + 0.3 * rows), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    places = np.arange(len(tokens))
    left.barh(places - 0.2, [one.before for one in tokens], 0.38, color=_GREY, label="before")
    left.barh(
        places + 0.2, [one.after for one in tokens], 0.38, color=_BLUE, hatch="//", edgecolor="white", label="after"
    )
    names = [drawable(named(one.text)) for one in tokens]
    left.set_yticks(places, names, fontsize=8, fontfamily=list(FAMILIES), parse_math=False)
    left.set_xlim(0, 1)
    left.set_xlabel("probability of the next token", fontsize=8)
    if tokens:
        left.legend(fontsize=8, frameon=False)
    at = np.arange(len(result.changes))
    right.barh(at, [100 * one.size for one in result.changes], 0.6, color=_GREY)
    right.set_yticks(at, [drawable(one.where) for one in result.changes], fontsize=8)
    right.set_ylim(-0.5, max(len(result.changes), 4) - 0.5)
    right.set_xlim(0, max([100 * LEAST, *(105 * one.size for one in result.changes)]))
    right.set_xlabel("weights changed, % of their norm", fontsize=8)
    for axes in (left, right):
        axes.invert_yaxis()
        axes.tick_params(labelsize=8)
    figure.suptitle("\n".join(lines), fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    return figure
