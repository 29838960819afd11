"""`plot()` of patching."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.locate.heat import draw_heat, largest, strongest_rows
from interp_widgets.locate.patch_payload import SITES, is_sparse, patch_payload
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.text import MARKS, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.patch_result import PatchResult

_ROWS = 60  # more rows are too small to read; those with the largest effects are drawn


def plot(result: PatchResult, site: str | None = None) -> Figure:
    """Rows down, layers across; beside it the first-order estimate, where there is one. The verdict stands in the
    title, so that the picture does not travel without it. Raises ArgumentError for a site that was not patched."""
    site = site or result.sites[0]
    exact = result.effects_of(site)
    payload = patch_payload(result)
    verdict = payload["verdict"]
    maps = [] if is_sparse(result) else [("exact", exact)]
    if result.points:
        maps.append(("first-order", result.effects_of(site, first_order=True)))
    peaks = np.nan_to_num(np.abs(np.stack([one for _, one in maps]))).max(axis=(0, 2))
    rows = strongest_rows(peaks, _ROWS)
    told = [
        "".join(part["text"] for part in payload["title"]),
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        f"patched: {SITES[site][1]}",
    ]
    width = 6.6 * len(maps)
    lines = [line for one in told for line in textwrap.wrap(drawable(one), int(12 * width))]
    figure = ResultFigure(figsize=(width, 1.6 + 0.2 * len(lines) + 0.24 * len(rows)), layout="constrained")
    names = [drawable(named(name) if result.row_kind == "position" else name) for name in result.row_names]
    top = largest(*(one for _, one in maps))
    for axes, (name, effects) in zip(figure.subplots(1, len(maps), squeeze=False)[0], maps, strict=True):
        draw_heat(
            axes,
            effects[rows],
            [names[i] for i in rows],
            payload["columns"],
            top,
            muted=verdict["word"] == "do not trust",
            unit=drawable(payload["scale"]["unit"]),
            missing="not measured",
        )
        axes.set_title(name, fontsize=8, loc="left")
    figure.suptitle("\n".join(lines), fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    return figure
