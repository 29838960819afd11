"""An erasure result as script-free tables, as text, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.erasure.result import STAGES
from interp_widgets.results.markup import DIM, escaped
from interp_widgets.results.numbers import count, plain
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line

if TYPE_CHECKING:
    from interp_widgets.erasure.result import ErasureResult

_HEAD = ("place", "probe", *STAGES, "control task", "rank", "change", "random change")


def title(result: ErasureResult) -> str:
    return f"What is left of {result.concept}? ({result.method})"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if np.isfinite(value) else ""


def rows(result: ErasureResult) -> list[list[str]]:
    """One for each place and probe: accuracies, the interval after erasing, and what was taken."""
    found = []
    for p, place in enumerate(result.places):
        for i, probe in enumerate(result.probes):
            before, after, random = result.accuracy[p, i]
            interval = f" ({100 * after[1]:.1f} to {100 * after[2]:.1f})"
            row = [place, probe, _percent(before[0]), _percent(after[0]) + interval, _percent(random[0])]
            first = i == 0
            taken = [str(result.ranks[p]), *map(_percent, result.change[p])] if first else ["", "", ""]
            found.append([*row, _percent(result.control[p, 1]) if probe == "linear" else "", *taken])
    return found


def damage(result: ErasureResult) -> list[str]:
    """Sentences: perplexity, and questions about other things."""
    lines = []
    if len(result.perplexity):
        numbers = [plain(x) if np.isfinite(x) else "not finite" for x in result.perplexity]
        told = ", ".join(f"{number} {stage}" for number, stage in zip(numbers, STAGES, strict=True))
        lines.append(f"perplexity of neutral text: {told}")
    if len(result.tasks):
        told = ", ".join(f"{_percent(row[0])} {stage}" for row, stage in zip(result.tasks, STAGES, strict=True))
        lines.append(f"{count(result.questions, 'question')} about other things right: {told}")
    return lines


def _provenance(result: ErasureResult) -> str:
    fitted, trained, tested = result.counts
    amount = (
        f"eraser fitted on {count(int(fitted), 'state')}, probes trained on {trained}, tested on {tested} of"
        f" {count(result.clusters, result.cluster)}; always one class {_percent(result.majority)}"
    )
    return " · ".join(provenance_line(result.provenance, amount))


def erasure_html(result: ErasureResult) -> str:
    """The twin as one element; all text is escaped."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in _HEAD)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows(result))
    return "".join(
        [
            '<div style="line-height:1.5">',
            f"<div><b>{escaped(title(result))}</b></div>",
            f"<div>{escaped(str(result.verdict))}</div>",
            *(f"<div>{escaped(line)}</div>" for line in result.verdict.why),
            f"<table><tr>{head}</tr>{body}</table>",
            *(f"<div>{escaped(line)}</div>" for line in damage(result)),
            f'<div style="{DIM}">{escaped(_provenance(result))}</div>',
            "</div>",
        ]
    )


def erasure_text(result: ErasureResult) -> str:
    """The same as text; no trailing newline."""
    table = [list(_HEAD), *rows(result)]
    widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]
    lines = [title(result), str(result.verdict), *(f"  {line}" for line in result.verdict.why), ""]
    lines += ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([*lines, "", *(f"  {line}" for line in damage(result)), f"  {_provenance(result)}"])


def erasure_page(result: ErasureResult, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(title(result), erasure_html(result), path)
