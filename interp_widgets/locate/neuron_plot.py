"""`plot()` of a neuron: its histogram over all tokens, and its best texts."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from interp_widgets.locate.neuron_payload import neuron_payload
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.markup import AGAINST, FOR
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.neuron_result import NeuronResult

_TEXTS = 12
_NEAR = 40  # characters of text before the peak


def plot(result: NeuronResult) -> Figure:
    """Bars of the histogram on a logarithmic scale, the region of the best peaks filled; below it the best texts."""
    payload = neuron_payload(result)
    entries = payload["boxes"][:_TEXTS]
    told = "".join(part["text"] for part in payload["title"])
    lines = [told, *textwrap.wrap(payload["finding"], 96)]
    if payload["verdict"] is not None:
        verdict = payload["verdict"]
        lines += textwrap.wrap(f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}", 96)
    figure = ResultFigure(figsize=(8.0, 3.2 + 0.2 * len(lines) + 0.24 * len(entries)), layout="constrained")
    top, below = figure.subplots(2, 1, height_ratios=[2.2, max(0.24 * len(entries), 0.5)])
    edges, counts = result.histogram()
    bound = float(result.values[result.shown, -1])
    blue, vermilion = ([part / 255 for part in hue] for hue in (FOR, AGAINST))
    patches = top.bar(edges[:-1], counts, width=edges[1] - edges[0], align="edge", color=blue, alpha=0.45)
    for patch, low, high in zip(patches, edges[:-1], edges[1:], strict=True):
        if (low <= bound) if result.sign == "negative" else (high > bound):
            patch.set_alpha(1.0)
        if high <= 0:
            patch.set(color=vermilion, hatch="////", fill=False)
    top.axvline(bound, color="black", linewidth=1)
    top.set_yscale("symlog", linthresh=1)
    top.set_ylabel("tokens")
    top.set_xlabel(f"activation; line: {payload['histogram']['bound']['label']}, the last of the top {result.k}")
    style: dict[str, Any] = {"fontsize": 8, "fontfamily": list(FAMILIES), "parse_math": False, "va": "center"}
    below.set_axis_off()
    below.set(xlim=(0, 1), ylim=(max(len(entries), 1) - 0.5, -0.5))
    for i, entry in enumerate(entries):
        below.text(0.0, i, entry["peak"]["label"], **style)
        below.text(0.09, i, drawable(_line(entry)), **style)
    figure.suptitle("\n".join(map(drawable, lines)), fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    return figure


def _line(entry: dict[str, Any]) -> str:
    from interp_widgets.locate.neuron_text import context

    line = context(entry, _NEAR)
    return line if len(line) <= 96 else f"{line[:95]}\u2026"
