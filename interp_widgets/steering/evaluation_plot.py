"""`plot()` of a steering evaluation: concept and damage curves."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator, NullFormatter

from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.markup import AGAINST, FOR
from interp_widgets.results.text import MARKS
from interp_widgets.steering.evaluation_html import named, order

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from interp_widgets.steering.evaluation_result import SteeringEvaluation

_DASHES = ("-", "--", "-.", ":")


def plot(result: SteeringEvaluation) -> Figure:
    """Concept above, perplexity below, over the strengths; the best candidate in colour with its intervals, the others
    thin and grey; the recommended bounds are shaded.

    The verdict stands in the title, so that the picture does not travel without it.
    """
    verdict = result.verdict
    told = textwrap.fill(drawable(f"{MARKS[verdict.word]} {verdict.word}: {verdict.sentence}"), 88)
    figure = ResultFigure(figsize=(6.8, 4.8 + 0.2 * told.count("\n")), layout="constrained")
    figure.suptitle(told, fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    above, below = figure.subplots(2, 1, sharex=True)
    _curves(above, result, result.concept, FOR)
    _curves(below, result, result.perplexity, AGAINST)
    above.set_ylabel("\n".join(textwrap.wrap(result.unit, 24)), fontsize=8)
    below.set_ylabel("perplexity of neutral\ntext, × unsteered", fontsize=8)
    below.axhline(result.limit, color="0.4", linewidth=0.8, linestyle=":")
    below.annotate(f"limit {result.limit:g}", (result.strengths[0], result.limit), fontsize=8, va="bottom")
    below.set_yscale("log")
    below.yaxis.set_major_locator(MaxNLocator(5))
    below.yaxis.set_major_formatter("{x:g}")
    below.yaxis.set_minor_formatter(NullFormatter())
    below.set_xlabel(
        drawable(f"{result.poles[1]} ←  strength, × mean residual norm  → {result.poles[0]}"),
        fontsize=8,
        parse_math=False,
    )
    for axes in (above, below):
        axes.axvspan(result.bounds.low, result.bounds.high, color="0.5", alpha=0.12, linewidth=0)
        axes.axvline(0, color="0.6", linewidth=0.8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    above.legend(fontsize=8, frameon=False)
    return figure


def _curves(axes: Any, result: SteeringEvaluation, values: NDArray[np.float64], hue: tuple[int, int, int]) -> None:
    colour = tuple(part / 255 for part in hue)
    for place, candidate in enumerate(reversed(order(result))):
        known = np.isfinite(values[candidate, :, 0])  # nothing was written where it is not
        mean, low, high = values[candidate][known].T
        strengths = result.strengths[known]
        best = candidate == result.best
        axes.plot(
            strengths,
            mean,
            color=colour if best else "0.55",
            linewidth=2 if best else 0.9,
            linestyle="-" if best else _DASHES[1 + place % 3],
            marker="o" if best else None,
            markersize=4,
            label=named(result.layers[candidate]) + (", best" if best else ""),
        )
        if best:
            axes.fill_between(strengths, low, high, color=colour, alpha=0.2, linewidth=0)
