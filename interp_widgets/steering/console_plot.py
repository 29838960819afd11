"""`plot()` of a console's result: scores token by token, one panel for each vector."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.steering.console import SteeringResult

_BLUE, _GREY = "#0072b2", "#6b7580"


def plot(result: SteeringResult) -> Figure:
    """Unsteered grey with round marks, steered blue with squares; the means are in the legend."""
    verdict, many = result.verdict, max(len(result.vectors), 1)
    told = textwrap.wrap(drawable(f"{verdict.word}: {verdict.sentence}"), 90)
    figure = ResultFigure(figsize=(8.0, 0.9 + 0.2 * len(told) + 2.2 * many), layout="constrained")
    panels = np.atleast_1d(np.asarray(figure.subplots(many, 1, sharex=True)))
    fonts = list(FAMILIES[::-1])
    for i, (axes, used) in enumerate(zip(panels, result.vectors, strict=True)):
        for side, scores, colour, mark in (
            ("unsteered", result.plain_scores, _GREY, "o"),
            ("steered", result.steered_scores, _BLUE, "s"),
        ):
            mean = f", mean {scores[i].mean():+.2f}" if scores.shape[1] else ""
            axes.plot(scores[i], marker=mark, markersize=3, linewidth=1, color=colour, label=f"{side}{mean}")
        axes.axhline(0, linewidth=0.5, color="#1b1f24")
        axes.set_ylabel(drawable(f"{used.name}\n{used.unit}"), fontsize=8, fontfamily=fonts, parse_math=False)
        axes.legend(fontsize=8, frameon=False)
        axes.tick_params(labelsize=8)
    panels[-1].set_xlabel("generated token", fontsize=8)
    panels[0].set_title(
        "\n".join(["What does steering change?", *told]), loc="left", fontsize=9, fontfamily=fonts, parse_math=False
    )
    return figure
