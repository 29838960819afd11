"""`plot()` of a comparison: each method's scores as signed bars, one picture beside the other."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from interp_widgets.attribution.compare_payload import compare_payload
from interp_widgets.attribution.plot import ROW, bars, shortened
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.attribution.comparison import ComparisonResult

_WIDTH = 2.4  # inches for one method


def plot(result: ComparisonResult) -> Figure:
    """One panel for each method in reading order, scaled to its own largest score; muted if not to be trusted.

    Each verdict stands above its panel, so that no picture travels without it.
    """
    payload = compare_payload(result)
    methods, boxes = payload["methods"], payload["boxes"]
    head = drawable("".join(part["text"] for part in payload["title"]))
    told = textwrap.wrap(drawable(payload["sentence"]), 44 * max(2, len(methods)))
    size = (1.6 + _WIDTH * max(1, len(methods)), 1.2 + 0.2 * len(told) + ROW * max(len(boxes), 1))
    figure = ResultFigure(figsize=size, layout="constrained")
    figure.suptitle("\n".join([head, *told]), fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    panels = figure.subplots(1, max(1, len(methods)), sharey=True, squeeze=False)[0]
    for axes, method in zip(panels, methods, strict=False):
        verdict = method["verdict"]
        scored = [
            {**box, "score": score, "label": label}
            for box, score, label in zip(boxes, method["scores"], method["labels"], strict=True)
        ]
        bars(axes, scored, method["scale"], muted=verdict["word"] == "do not trust")
        name = f"{drawable(method['label'])}\n{MARKS[verdict['word']]} {verdict['word']}"
        axes.set_title(name, fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    if methods:
        names = [shortened(box["name"]) for box in boxes]
        panels[0].set_yticks(range(len(boxes)), names, fontsize=9, fontfamily=list(FAMILIES), parse_math=False)
        panels[0].set_ylim(len(boxes) - 0.4, -0.6)
    return figure
