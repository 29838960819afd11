"""`plot()` of heads: what the answer loses without each, and the pattern of the one that matters most."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.locate.heads_html import scale_words
from interp_widgets.locate.heads_payload import heads_payload
from interp_widgets.locate.heat import draw_heat, largest
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.heads_result import HeadsResult


def plot(result: HeadsResult) -> Figure:
    """Heads down and layers across above, queries down and keys across below; the verdict stands in the title, so that
    the picture does not travel without it."""
    payload = heads_payload(result)
    verdict, pattern = payload["verdict"], payload["patterns"][0]
    told = [
        "".join(part["text"] for part in payload["title"]),
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        scale_words(payload),
    ]
    lines = [line for one in told for line in textwrap.wrap(drawable(one), 84)]
    rows, queries = len(payload["rows"]), payload["queries"]
    measured = payload["measured"]
    heights = [1.0 + 0.22 * rows, 1.6 + 0.22 * len(queries)] if measured else [1.6 + 0.22 * len(queries)]
    figure = ResultFigure(figsize=(7.0, 0.6 + 0.2 * len(lines) + sum(heights)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights))
    muted = verdict["word"] == "do not trust"
    if measured:
        lost = -result.effects.T
        draw_heat(
            axes[0], lost, [row["name"] for row in payload["rows"]], payload["columns"], largest(lost), muted=muted,
            unit=drawable(f"loss, {payload['scale']['unit']}"),
        )  # fmt: skip
    names = [drawable(name) for name in payload["tokens"]]
    keys = pattern["keys"]
    weights = np.full((len(queries), len(keys)), np.nan)
    for at, line in enumerate(pattern["lines"]):
        weights[at, : len(line)] = np.asarray(line) / 1000
    below = axes[-1]
    draw_heat(below, weights, [names[i] for i in queries], [str(key) for key in keys], 1.0, unit="attention")
    below.set_xticks(
        np.arange(len(keys)) + 0.5, [names[i] for i in keys],
        rotation=90, fontsize=8, fontfamily=list(FAMILIES), parse_math=False,
    )  # fmt: skip
    below.set_xlabel(f"looked at by head {pattern['head']} of layer {pattern['layer']}", fontsize=8)
    axes[0].set_title("\n".join(lines), loc="left", fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    return figure
