"""`plot()` of a causal trace."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from interp_widgets.locate.heat import draw_heat, largest
from interp_widgets.locate.trace_payload import trace_payload
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.text import MARKS, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.trace_result import TraceResult


def plot(result: TraceResult, kind: str | None = None) -> Figure:
    """Positions down, layers across, the subject's tokens bold; the verdict stands in the title, so that the picture
    does not travel without it. Raises ArgumentError for a kind that was not traced."""
    kind = kind or result.kinds[0]
    effects = result.effects_of(kind)
    payload = trace_payload(result)
    first, last = result.subject_tokens
    places = result.positions.tolist()
    verdict = payload["verdict"]
    sheet = next(one for one in payload["sheets"] if one["key"] == kind)
    told = [
        "".join(part["text"] for part in payload["title"]),
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        f"restored: {sheet['words']}",
    ]
    lines = [line for one in told for line in textwrap.wrap(drawable(one), 84)]
    figure = ResultFigure(figsize=(7.0, 1.3 + 0.2 * len(lines) + 0.24 * len(places)), layout="constrained")
    axes = figure.add_subplot()
    draw_heat(
        axes,
        effects,
        [drawable(named(result.tokens[p])) for p in places],
        payload["columns"],
        largest(*(result.effects_of(one) for one in result.kinds)),
        marked=[first <= p <= last for p in places],
        muted=verdict["word"] == "do not trust",
        unit=drawable(f"effect on P({named(result.target)})"),
    )
    axes.set_title("\n".join(lines), loc="left", fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    return figure
