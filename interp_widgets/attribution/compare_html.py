"""The script-free twin of the comparison, by the same rules as the highlight's."""

from __future__ import annotations

from typing import Any

from interp_widgets.attribution.html import candidates_of
from interp_widgets.results.markup import DIM, MARKS, OPEN_ROWS, code_of, escaped, running, title_of

_LEFT = "text-align:left"
_RIGHT = "text-align:right"


def compare_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    methods = payload["methods"]
    parts = [
        '<div style="max-width:640px;line-height:1.5">',
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div>{escaped(payload['sentence'])}</div>",
        *(_method(method, payload["boxes"]) for method in methods),
        f'<div style="{DIM}">solid: for &middot; hatched or dashed: against &middot; each method is scaled to its own '
        "largest score</div>",
        _differ(payload["differ"]),
        _scores(payload),
        _agreement(payload),
        candidates_of(payload["candidates"]),
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
        "</div>",
    ]
    return "".join(parts)


def _method(method: dict[str, Any], boxes: list[dict[str, Any]]) -> str:
    verdict, scale = method["verdict"], method["scale"]
    muted = verdict["word"] == "do not trust"
    scored = [
        {**box, "score": score, "label": label}
        for box, score, label in zip(boxes, method["scores"], method["labels"], strict=True)
    ]
    return (
        f"<div><b>{escaped(method['label'])}</b> {MARKS[verdict['word']]} {escaped(verdict['word'])}: "
        f"{escaped(verdict['sentence'])}</div>"
        f"{running(scored, scale['max'], muted)}"
        f'<div style="{DIM}">largest score {escaped(scale["label"])} {escaped(scale["unit"])} &middot; '
        f"{escaped(method['cost'])}</div>"
    )


def _differ(tokens: list[dict[str, Any]]) -> str:
    if not tokens:
        return ""
    told = "; ".join(f"{code_of(token['name'])}: {escaped(token['sentence'])}" for token in tokens)
    return f"<div>The methods differ most on {told}</div>"


def _scores(payload: dict[str, Any]) -> str:
    methods = payload["methods"]
    head = "".join(f'<th style="{_RIGHT}">{escaped(method["label"])}</th>' for method in methods)
    rows = []
    for i, box in enumerate(payload["boxes"]):
        cells = "".join(
            f'<td style="{_RIGHT}">{escaped(method["labels"][i])} (rank {method["ranks"][i]})</td>'
            for method in methods
        )
        parts = f" ({escaped(', '.join(box['parts']))})" if box["parts"] else ""
        rows.append(f'<tr><td style="{_LEFT}">{code_of(box["name"])}{parts}</td>{cells}</tr>')
    opened = " open" if len(rows) <= OPEN_ROWS else ""
    return (
        f'<details{opened}><summary>Scores</summary><table><tr><th style="{_LEFT}">token</th>{head}</tr>'
        f"{''.join(rows)}</table></details>"
    )


def _agreement(payload: dict[str, Any]) -> str:
    labels = [escaped(method["label"]) for method in payload["methods"]]
    if len(labels) < 2:
        return ""
    head = "".join(f'<th style="{_RIGHT}">{label}</th>' for label in labels)
    rows = "".join(
        f'<tr><td style="{_LEFT}">{label}</td>'
        + "".join(f'<td style="{_RIGHT}">{escaped(cell["label"])}</td>' for cell in row)
        + "</tr>"
        for label, row in zip(labels, payload["agreement"], strict=True)
    )
    return f'<table><tr><th style="{_LEFT}">rank correlation</th>{head}</tr>{rows}</table>'
