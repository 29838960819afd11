"""An average trace as a script-free table, as text, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.markup import DIM, escaped
from interp_widgets.results.numbers import count
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line

if TYPE_CHECKING:
    from interp_widgets.locate.average import AverageTrace

TITLE = "Where are facts like these stored?"


def _provenance(result: AverageTrace) -> str:
    return " \u00b7 ".join(provenance_line(result.provenance, count(len(result.facts), "fact")))


def _peaks(result: AverageTrace) -> list[list[str]]:
    """For each kind and role its largest average over the layers: kind, role, layer, effect, interval, facts."""
    from interp_widgets.locate.average import ROLES

    rows = []
    for number, kind in enumerate(result.kinds):
        mean, low, high = result.average(kind)
        for i, role in enumerate(ROLES):
            if np.isnan(mean[i]).all():
                continue
            j = int(np.nanargmax(mean[i]))
            facts = int(np.isfinite(result.by_fact[:, number, i, j]).sum())
            interval = f"{low[i, j]:.3f} to {high[i, j]:.3f}"
            rows.append([kind, role, str(result.layers[j]), f"{mean[i, j]:.3f}", interval, str(facts)])
    return rows


_HEAD = ["kind", "role", "peak layer", "effect", "95 % interval", "facts"]


def average_html(result: AverageTrace) -> str:
    """The twin as one element; all text is escaped."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in _HEAD)
    rows = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in _peaks(result))
    left = f"{count(len(result.skipped), 'fact')} left out: the model gets them wrong, or they cannot be traced."
    return "".join(
        [
            '<div style="line-height:1.5">',
            f"<div><b>{escaped(TITLE)}</b></div>",
            f"<div>{escaped(str(result.verdict))}</div>",
            f"<table><tr>{head}</tr>{rows}</table>",
            f"<div>{escaped(left)}</div>" if result.skipped else "",
            f'<div style="{DIM}">{escaped(_provenance(result))}</div>',
            "</div>",
        ]
    )


def average_text(result: AverageTrace) -> str:
    """The same as text; no trailing newline."""
    table = [_HEAD, *_peaks(result)]
    widths = np.asarray([[len(cell) for cell in row] for row in table]).max(0)
    lines = [TITLE, str(result.verdict), ""]
    lines += ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
    if result.skipped:
        lines += ["", f"  {count(len(result.skipped), 'fact')} left out"]
    return "\n".join([*lines, "", f"  {_provenance(result)}"])


def average_page(result: AverageTrace, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(TITLE, average_html(result), path)
