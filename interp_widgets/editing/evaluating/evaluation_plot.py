"""`plot()` of an evaluation of an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.editing.evaluating.evaluation_html import title
from interp_widgets.results.figure import ResultFigure, drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation

_NAMES = ("efficacy", "paraphrase", "neighbourhood", "score", "ripple")


def plot(result: EditEvaluation) -> Figure:
    """Bars without and with the edit; lines are 95 % intervals."""
    figure = ResultFigure(figsize=(6.0, 3.2), layout="constrained")
    axes = figure.add_subplot()
    names = [name for name in _NAMES if not np.isnan(getattr(result, name)[0])]
    places = np.arange(len(names))
    sides = ((-0.2, "unedited", "#bbbbbb", result.unedited), (0.2, "edited", "#0072b2", None))
    for shift, label, colour, known in sides:
        found = np.asarray([known[name] if known else getattr(result, name) for name in names]) * 100
        error = np.abs(found[:, 1:].T - found[:, 0])
        axes.bar(places + shift, found[:, 0], 0.38, label=label, color=colour, yerr=error, error_kw={"linewidth": 1})
    axes.set_xticks(places, names)
    axes.set_ylabel("percent")
    axes.set_ylim(0, 105)
    axes.legend(fontsize=8)
    figure.suptitle(drawable(title(result)), fontsize=9, parse_math=False)
    return figure
