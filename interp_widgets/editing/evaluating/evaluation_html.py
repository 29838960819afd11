"""An evaluation of an edit as a script-free table, as text, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.markup import DIM, escaped
from interp_widgets.results.numbers import count, plain
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line

if TYPE_CHECKING:
    from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation

_HEAD = ("", "unedited", "edited", "95 % interval", "first choice, unedited", "first choice, edited")
_NAMES = (
    ("efficacy", "fact"),
    ("paraphrase", "paraphrase"),
    ("neighbourhood", "neighbour"),
    ("score", None),
    ("ripple", "ripple"),
)


def title(result: EditEvaluation) -> str:
    return f"What did the edit change? ({result.edit})"


def _percent(value: float) -> str:
    return "none" if np.isnan(value) else f"{100 * value:.1f} %"


def rows(result: EditEvaluation) -> list[list[str]]:
    """Name, unedited, edited, interval, and first-choice accuracy without and with the edit."""
    before = result.unedited
    found = []
    for name, part in _NAMES:
        value, low, high = getattr(result, name)
        accuracy = [_percent(result.accuracy(part, edited=edited)) for edited in (False, True)] if part else ["", ""]
        interval = "" if np.isnan(value) else f"{100 * low:.1f} to {100 * high:.1f}"
        found.append([name, _percent(before[name][0]), _percent(value), interval, *accuracy])
    return found


def fluency(result: EditEvaluation) -> str:
    """Perplexity and generation entropy as a sentence; empty where neither was measured."""
    parts = []
    for name, pair, unit in (
        ("perplexity of neutral text", result.perplexity, ""),
        ("entropy of what it writes", result.entropy, " bits"),
    ):
        if pair is not None:
            before, after = (plain(x) if np.isfinite(x) else "infinite" for x in pair)
            parts.append(f"{name} {after}{unit}, {before} unedited")
    return "; ".join(parts)


def _provenance(result: EditEvaluation) -> str:
    amount = f"{count(len(result.subjects), 'record')}, {count(len(result.prompts), 'prompt')}"
    return " \u00b7 ".join(provenance_line(result.provenance, amount))


def evaluation_html(result: EditEvaluation) -> str:
    """The twin as one element; all text is escaped."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in _HEAD)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows(result))
    return "".join(
        [
            '<div style="line-height:1.5">',
            f"<div><b>{escaped(title(result))}</b></div>",
            f"<div>{escaped(str(result.verdict))}</div>",
            f"<table><tr>{head}</tr>{body}</table>",
            f"<div>{escaped(fluency(result))}</div>",
            f'<div style="{DIM}">{escaped(_provenance(result))}</div>',
            "</div>",
        ]
    )


def evaluation_text(result: EditEvaluation) -> str:
    """The same as text; no trailing newline."""
    table = [list(_HEAD), *rows(result)]
    widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]
    lines = [title(result), str(result.verdict), ""]
    lines += ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
    whole = [f"  {fluency(result)}"] if fluency(result) else []
    return "\n".join([*lines, "", *whole, f"  {_provenance(result)}"])


def evaluation_page(result: EditEvaluation, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(title(result), evaluation_html(result), path)
