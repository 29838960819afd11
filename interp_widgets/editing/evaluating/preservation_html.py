"""What an edit kept, as a script-free table, as text, as a page and as a plot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.editing.evaluating.country_facts import WRONG
from interp_widgets.results.figure import ResultFigure, drawable
from interp_widgets.results.markup import DIM, escaped
from interp_widgets.results.numbers import count
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line
from interp_widgets.results.text import named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.editing.evaluating.preservation_result import Preservation

_HEAD = ("kind of fact", "kept", "of", "share")
_SHOWN = 10  # of the facts that were lost


def title(result: Preservation) -> str:
    return f"What does the model still know? ({result.edit})"


def rows(result: Preservation) -> list[list[str]]:
    """Kind, kept, asked and share; all together last."""
    known = {**result.by_kind(), "all": (int(result.kept.sum()), len(result.prompts))}
    return [[kind, str(good), str(n), f"{100 * good / n:.1f} %"] for kind, (good, n) in known.items()]


def _lost(result: Preservation) -> list[str]:
    lines = [f"{prompt}: {named(wrong)} above {named(true)}" for prompt, true, wrong in result.lost[:_SHOWN]]
    rest = len(result.lost) - len(lines)
    return [*lines, f"and {count(rest, 'more', 'more')}: to_frame()"] if rest > 0 else lines


def _provenance(result: Preservation) -> str:
    return " \u00b7 ".join(provenance_line(result.provenance, count(len(result.prompts), "fact")))


def preservation_html(result: Preservation) -> str:
    """The twin as one element; all text is escaped."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in _HEAD)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows(result))
    lost = "".join(f"<li>{escaped(line)}</li>" for line in _lost(result))
    return "".join(
        [
            '<div style="line-height:1.5">',
            f"<div><b>{escaped(title(result))}</b></div>",
            f"<div>{escaped(str(result.verdict))}</div>",
            f"<table><tr>{head}</tr>{body}</table>",
            f"<div>Lost:</div><ul>{lost}</ul>" if lost else "",
            f'<div style="{DIM}">{escaped(_provenance(result))}</div>',
            "</div>",
        ]
    )


def preservation_text(result: Preservation) -> str:
    """The same as text; no trailing newline."""
    table = [list(_HEAD), *rows(result)]
    widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]
    lines = [title(result), str(result.verdict), ""]
    lines += ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
    lost = [f"  lost: {line}" for line in _lost(result)]
    return "\n".join([*lines, "", *lost, f"  {_provenance(result)}"])


def preservation_page(result: Preservation, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(title(result), preservation_html(result), path)


def plot(result: Preservation) -> Figure:
    from interp_widgets.editing.evaluating.preservation_result import wilson

    figure = ResultFigure(figsize=(6.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    known = result.by_kind()
    found = np.asarray([wilson(good, n) for good, n in known.values()]) * 100
    places = np.arange(len(known))
    error = np.abs(found[:, 1:].T - found[:, 0])
    axes.barh(places, found[:, 0], 0.7, color="#0072b2", xerr=error, error_kw={"linewidth": 1})
    axes.axvline(100 / (WRONG + 1), color="#555555", linestyle="dotted", label="guessing")
    axes.set_yticks(places, [f"{kind} ({n})" for kind, (_, n) in known.items()], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 102)
    axes.set_xlabel("percent kept")
    axes.legend(fontsize=8, loc="lower left")
    figure.suptitle(drawable(title(result)), fontsize=9, parse_math=False)
    return figure
