"""The script-free twin of a causal trace: for each kind a table of effects, and the next tokens of both runs."""

from __future__ import annotations

from typing import Any

from interp_widgets.locate.heat import heat_table
from interp_widgets.results.markup import DIM, MARKS, code_of, escaped, title_of, why_of


def trace_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    muted = verdict["word"] == "do not trust"
    parts = [
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        f"<div>{escaped(scale_words(payload))}</div>",
    ]
    for number, sheet in enumerate(payload["sheets"]):
        table = heat_table(
            sheet, payload["rows"], payload["columns"], "token \u00b7 layer", payload["scale"]["max"], muted=muted
        )
        opened = "" if number else " open"
        parts.append(f"<details{opened}><summary>{escaped(sheet_words(sheet))}</summary>{table}</details>")
    parts += [
        _next(payload["tops"]),
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="line-height:1.5">{"".join(parts)}</div>'


def scale_words(payload: dict[str, Any]) -> str:
    """What the numbers are."""
    return (
        f"Effect: {payload['scale']['unit']} with a part restored, less that in the corrupted runs"
        f" ({payload['corrupted']}, mean over {payload['samples']}); the clean run has {payload['clean']}."
    )


def sheet_words(sheet: dict[str, Any]) -> str:
    """Such as "hidden state: one hidden state"."""
    return f"Restored: {sheet['words']}"


def _next(tops: list[dict[str, Any]]) -> str:
    """The next tokens of both runs; of activations that were saved elsewhere they are not known."""
    if not any(top["items"] for top in tops):
        return ""
    lines = "".join(
        f"<tr><td>{escaped(top['name'])}</td>"
        f"<td>{', '.join(f'{code_of(name)} {escaped(label)}' for name, label in top['items'])}</td></tr>"
        for top in tops
    )
    return f"<table><tr><th>run</th><th>next tokens</th></tr>{lines}</table>"
