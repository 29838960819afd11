"""`plot()` of an average trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.locate.average import ROLES
from interp_widgets.locate.average_html import TITLE
from interp_widgets.results.figure import ResultFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.average import AverageTrace

# Okabe-Ito, black for the last token; line styles so that colour is not alone.
_STYLES = (("#56b4e9", ":"), ("#009e73", ":"), ("#0072b2", "-"), ("#e69f00", "--"), ("#cc79a7", ":"), ("#000000", "-"))


def plot(result: AverageTrace) -> Figure:
    """Layers across, the average effect upwards, a line for each role with its 95 % interval."""
    kinds = len(result.kinds)
    figure = ResultFigure(figsize=(4.2 * kinds + 1.5, 3.4), layout="constrained")
    panels = figure.subplots(1, kinds, squeeze=False, sharey=False)[0]
    for axes, kind in zip(panels, result.kinds, strict=True):
        mean, low, high = result.average(kind)
        for i, (role, (colour, style)) in enumerate(zip(ROLES, _STYLES, strict=True)):
            axes.plot(result.layers, mean[i], style, color=colour, label=role)
            axes.fill_between(result.layers, low[i], high[i], color=colour, alpha=0.15, linewidth=0)
        axes.axhline(0, color="grey", linewidth=0.5)
        axes.set_xlabel("layer")
        axes.set_title(kind, fontsize=9)
    panels[0].set_ylabel("average indirect effect")
    panels[-1].legend(fontsize=7, loc="upper left")
    figure.suptitle(f"{TITLE} ({len(result.facts)} facts)", fontsize=9)
    return figure
