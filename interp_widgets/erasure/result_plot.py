"""`plot()` of an erasure result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.erasure.payload import concept_words
from interp_widgets.erasure.result import STAGES
from interp_widgets.results.figure import ResultFigure, drawable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.erasure.result import ErasureResult

_COLOURS = {"before": "#bbbbbb", "after": "#0072b2", "random": "#e69f00"}


def plot(result: ErasureResult) -> Figure:
    """One panel a probe; lines are 95 % intervals, the dashed line always says one class."""
    figure = ResultFigure(figsize=(5.0 * len(result.probes), 3.2), layout="constrained")
    places = np.arange(len(result.places))
    for number, probe in enumerate(result.probes):
        axes = figure.add_subplot(1, len(result.probes), number + 1)
        for stage in STAGES:
            found = 100 * result.of(probe, stage)
            if not np.isfinite(found).all():
                continue
            error = np.abs(found[:, 1:].T - found[:, 0])
            axes.errorbar(places, found[:, 0], yerr=error, fmt="o-", ms=4, lw=1, label=stage, color=_COLOURS[stage])
        axes.axhline(100 * result.majority, color="black", lw=0.8, ls="--")
        some = places[:: max(len(places) // 8, 1)]
        axes.set_xticks(some, [result.places[i].removesuffix(" resid_post") for i in some], rotation=30, ha="right")
        axes.set_ylabel("percent right")
        axes.set_title(f"{probe} probe", fontsize=9)
    figure.axes[0].legend(fontsize=8)
    figure.suptitle(
        drawable(f"Is {concept_words(result.concept)} gone? ({result.method})"), fontsize=9, parse_math=False
    )
    return figure
