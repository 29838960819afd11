"""`plot()` of a matrix: a heat map, explained tokens down and their sources across."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.attribution.matrix_payload import matrix_payload
from interp_widgets.attribution.plot import shortened
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.markup import AGAINST, FOR
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.attribution.matrix import MatrixResult

_NUMBERED = 24  # columns beyond which numbers in cells are too small to read


def plot(result: MatrixResult) -> Figure:
    """Blue for, vermilion and hatched against, on one scale that is symmetric about zero.

    The verdict stands in the title, so that the picture does not travel without it.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    payload = matrix_payload(result)
    rows, names = payload["rows"], [shortened(box["name"]) for box in payload["boxes"]]
    across = max((len(row["scores"]) for row in rows), default=0)
    scores = np.full((max(1, len(rows)), max(1, across)), np.nan)
    for i, row in enumerate(rows):
        scores[i, : len(row["scores"])] = row["scores"]
    verdict = payload["verdict"]
    width = 2.0 + 0.42 * max(across, 8)
    told = textwrap.wrap(
        drawable(f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}"), int(11 * width)
    )
    size = (width, 1.8 + 0.2 * len(told) + 0.28 * max(len(rows), 1))
    figure = ResultFigure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    hues = [tuple(part / 255 for part in AGAINST), (1.0, 1.0, 1.0), tuple(part / 255 for part in FOR)]
    largest = payload["scale"]["max"] or 1.0
    alpha = 0.45 if verdict["word"] == "do not trust" else 1.0
    picture = axes.pcolormesh(
        np.ma.masked_invalid(scores),
        cmap=LinearSegmentedColormap.from_list("signed", hues),
        vmin=-largest,
        vmax=largest,
        alpha=alpha,
    )
    if across <= _NUMBERED:
        for i, row in enumerate(rows):
            for j, label in enumerate(row["labels"]):
                axes.text(j + 0.5, i + 0.5, label, ha="center", va="center", fontsize=7)
    else:  # no room for signs: stripes tell them
        for i, j in np.argwhere(scores < 0).tolist():
            axes.add_patch(Rectangle((j, i), 1, 1, fill=False, hatch="////", edgecolor=(0, 0, 0, 0.35), linewidth=0))
    # Not read as formulas: a "$" in a prompt is a dollar.
    style: dict[str, Any] = {"fontsize": 8, "fontfamily": list(FAMILIES), "parse_math": False}
    axes.set_xticks(np.arange(across) + 0.5, names[:across], rotation=90, **style)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [f"{names[row['box']]} {row['label']}" for row in rows], **style)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    figure.colorbar(picture, ax=axes, label=payload["scale"]["unit"])
    axes.set_title(
        "\n".join([payload["title"][0]["text"], *told]),
        loc="left",
        fontsize=9,
        fontfamily=list(FAMILIES[::-1]),
        parse_math=False,
    )
    return figure
