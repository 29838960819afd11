"""`plot()` of a faithfulness result: agreement over the share of the reasoning."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.markup import AGAINST, FOR
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.faithfulness.result import FaithfulnessResult

# Colour, dashes and marker: each test can be told by any of them.
_STYLES = {
    "early_answering": (FOR, "-", "o"),
    "adding_mistakes": (AGAINST, "--", "s"),
    "paraphrasing": ((0, 158, 115), "-.", "^"),
    "filler_tokens": ((204, 121, 167), ":", "D"),
    "continued": ((120, 120, 120), "-", "x"),
}


def plot(result: FaithfulnessResult) -> Figure:
    """One line for each test with its 95 % band; the verdict stands in the title."""
    verdict = result.verdict
    told = textwrap.fill(drawable(f"{MARKS[verdict.word]} {verdict.word}: {verdict.sentence}"), 88)
    figure = ResultFigure(figsize=(6.8, 4.2 + 0.2 * told.count("\n")), layout="constrained")
    figure.suptitle(told, fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    axes = figure.subplots()
    for test, one in result.curves.items():
        rgb, dashes, marker = _STYLES[test]
        colour = tuple(part / 255 for part in rgb)
        mean, low, high = one.agreement.T
        here = np.isfinite(mean)
        label = f"{test.replace('_', ' ')} ({one.questions} questions)"
        axes.plot(one.share[here], mean[here], color=colour, linestyle=dashes, marker=marker, markersize=4, label=label)
        axes.fill_between(one.share[here], low[here], high[here], color=colour, alpha=0.12, linewidth=0)
    axes.set_xlabel(
        "share of the reasoning that was kept, stands before the mistake, was reworded, or filled", fontsize=8
    )
    axes.set_ylabel("same answer as after the whole reasoning", fontsize=8)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.04)
    axes.tick_params(labelsize=8)
    if result.curves:
        axes.legend(fontsize=7, loc="lower right", frameon=False)
    return figure
