"""The script-free twin of the highlight: a table with bars, in plain HTML, from the same payload as the view.

It is what a notebook shows where neither our extension nor a kernel is: on a code host, in nbconvert's page, in an
untrusted notebook.  See `results.markup` for what such a host leaves of it.
"""

from __future__ import annotations

from typing import Any

from interp_widgets.results.markup import (
    DIM,
    MARKS,
    OPEN_ROWS,
    bar_of,
    code_of,
    escaped,
    running,
    share,
    title_of,
    why_of,
)


def highlight_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    muted = verdict["word"] == "do not trust"
    parts = [
        '<div style="max-width:640px;line-height:1.5">',
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        running(payload["boxes"], payload["scale"]["max"], muted),
        f'<div style="{DIM}">solid: for &middot; hatched or dashed: against &middot; largest score '
        f"{escaped(payload['scale']['label'])} {escaped(payload['scale']['unit'])}</div>",
        f"<div>{escaped(payload['sum'])}</div>" if payload["sum"] else "",
        _scores(payload, muted),
        candidates_of(payload["candidates"]),
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
        "</div>",
    ]
    return "".join(parts)


def _scores(payload: dict[str, Any], muted: bool) -> str:
    rows = []
    for box in payload["boxes"]:
        size = share(box["score"], payload["scale"]["max"])
        bar = bar_of(box["score"], size, muted) if box["score"] else ""
        parts = ", ".join(f"{part['name']} {part['label']}" for part in box["parts"])
        named = code_of(box["name"]) + (f" ({escaped(parts)})" if parts else "")
        rows.append(
            f'<tr><td style="text-align:left">{named}</td><td style="text-align:right">{escaped(box["label"])}</td>'
            f'<td style="width:160px">{bar}</td></tr>'
        )
    unit = escaped(payload["scale"]["unit"])
    head = f'<tr><th style="text-align:left">token</th><th style="text-align:right">{unit}</th><th></th></tr>'
    opened = " open" if len(rows) <= OPEN_ROWS else ""
    return f"<details{opened}><summary>Scores</summary><table>{head}{''.join(rows)}</table></details>"


def candidates_of(candidates: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td style="text-align:left">{code_of(candidate["name"])}</td>'
        f'<td style="text-align:right">{escaped(candidate["label"])}</td><td>{candidate["role"] or ""}</td></tr>'
        for candidate in candidates
    )
    head = '<tr><th style="text-align:left">next token</th><th style="text-align:right">probability</th><th></th></tr>'
    return f"<table>{head}{rows}</table>"
