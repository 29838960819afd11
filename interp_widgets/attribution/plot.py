"""`plot()`: the scores as signed bars, for papers and slides."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from interp_widgets.attribution.payload import highlight_payload
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.markup import AGAINST, FOR
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from interp_widgets.attribution.result import AttributionResult

ROW = 0.24  # inches for one token
_LONGEST_NAME = 28
_LABELLED_ROWS = 60  # beyond this, numbers at the bars are too small to read


def plot(result: AttributionResult) -> Figure:
    """Horizontal bars in reading order: for in solid blue, against in hatched vermilion; muted if not to be trusted.

    The verdict stands in the title, so that the picture does not travel without it.
    """
    payload = highlight_payload(result)
    boxes, verdict = payload["boxes"], payload["verdict"]
    title = drawable("".join(part["text"] for part in payload["title"]))
    sentence = drawable(f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}")
    told = textwrap.fill(sentence, 80).splitlines()
    figure = ResultFigure(figsize=(6.4, 0.9 + 0.2 * len(told) + ROW * max(len(boxes), 1)), layout="constrained")
    axes = figure.add_subplot()
    bars(axes, boxes, payload["scale"], muted=verdict["word"] == "do not trust")
    # Not read as formulas: a "$" in a prompt is a dollar.
    names = [shortened(box["name"]) for box in boxes]
    axes.set_yticks(range(len(boxes)), names, fontsize=9, fontfamily=list(FAMILIES), parse_math=False)
    axes.set_ylim(len(boxes) - 0.4, -0.6)
    heading = axes.set_title(
        "\n".join([title, *told]), loc="left", fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False
    )
    heading.set_x(0.0)
    return figure


def shortened(name: str) -> str:
    cut = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"
    return drawable(cut)


def bars(axes: Axes, boxes: list[dict[str, Any]], scale: dict[str, Any], *, muted: bool) -> None:
    """A horizontal bar for each box, downwards: for in solid blue, against in hatched vermilion."""
    largest = scale["max"] or 1.0
    for row, box in enumerate(boxes):
        favours = box["score"] > 0
        colour = tuple(part / 255 for part in (FOR if favours else AGAINST))
        axes.barh(
            row,
            box["score"],
            height=0.7,
            color=colour if favours else "white",
            edgecolor=colour,
            hatch=None if favours else "//////",
            alpha=0.45 if muted else 1.0,
        )
        if len(boxes) <= _LABELLED_ROWS and box["score"]:
            axes.annotate(
                box["label"],
                (box["score"], row),
                xytext=(4 if favours else -4, 0),
                textcoords="offset points",
                ha="left" if favours else "right",
                va="center",
                fontsize=8,
            )
    axes.set_xlim(-1.2 * largest, 1.2 * largest)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel(scale["unit"])
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
