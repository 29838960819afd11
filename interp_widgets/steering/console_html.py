"""The script-free twin of the console, by the rules of the highlight's: both texts, the gauges, and every token."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from interp_widgets.results.markup import (
    DIM,
    MARKS,
    OPEN_ROWS,
    bar_of,
    code_of,
    escaped,
    share,
    title_of,
    token_of,
    why_of,
)
from interp_widgets.results.page import view_page
from interp_widgets.steering.console_payload import console_payload

if TYPE_CHECKING:
    from interp_widgets.steering.console import SteeringResult

_LEFT = "text-align:left"
_RIGHT = "text-align:right"


def console_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    parts = [f"<div><b>{title_of(payload['title'])}</b></div>"]
    if verdict is not None:
        parts += [
            f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
            why_of(verdict["why"]),
        ]
    parts += [
        f'<div style="{DIM}">prompt</div><div dir="auto">{escaped(payload["prompt"]["text"])}</div>',
        _vectors(payload),
        f'<div style="{DIM}">{escaped(payload["setup"])}</div>',
        *(_running(payload, side) for side in payload["texts"]),
        _gauges(payload),
        _tokens(payload),
        _grid(payload["grid"]) if payload["grid"] is not None else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="max-width:640px;line-height:1.5">{"".join(parts)}</div>'


def console_page(result: SteeringResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page with data and view in it. Raises FileNotFoundError if the view is not built."""
    payload = console_payload(result)
    return view_page("steering", payload, console_html(payload), path)


def _cell(text: str, side: str) -> str:
    return f'<td style="{side}">{text}</td>'


def _table(head: list[str], rows: list[str]) -> str:
    heads = "".join(f'<th style="{_LEFT}">{escaped(text)}</th>' for text in head)
    return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"


def _vectors(payload: dict[str, Any]) -> str:
    rows = [
        f"<tr>{_cell(escaped(one['name']), _LEFT)}{_cell(escaped(one['label']), _RIGHT)}"
        f"{_cell(escaped(one['where']), _LEFT)}{_cell(escaped(one['bounds']), _LEFT)}</tr>"
        for one in payload["vectors"]
    ]
    return _table(["vector", "strength", "at", "bounds"], rows)


def _running(payload: dict[str, Any], side: dict[str, Any]) -> str:
    """One text, tinted by the first vector; what differs stands in bold, in any host."""
    largest = payload["vectors"][0]["scale"]["max"]
    muted = payload["verdict"] is not None and payload["verdict"]["word"] == "do not trust"
    tokens = []
    for box in payload["boxes"][side["start"] : side["end"]]:
        score = box["scores"][0] if box["scores"] else 0
        label = box["labels"][0] if box["labels"] else ""
        token = token_of({**box, "score": score, "label": label}, share(score, largest), muted)
        tokens.append(f"<b>{token}</b>" if box["differs"] else token)
    style = (
        "font-family:monospace;font-size:15px;line-height:2;white-space:pre-wrap;overflow-wrap:break-word;"
        "max-height:320px;overflow:auto;padding:4px 0px"
    )
    return f'<div style="{DIM}">{side["name"]}</div><div dir="auto" style="{style}">{"".join(tokens)}</div>'


def _gauges(payload: dict[str, Any]) -> str:
    rows = []
    for gauge in payload["gauges"]:
        for bar in gauge["bars"]:
            drawn = bar_of(bar["value"], share(bar["value"], gauge["max"]), False) if bar["value"] else ""
            rows.append(
                f"<tr>{_cell(escaped(gauge['name']), _LEFT)}{_cell(escaped(bar['name']), _LEFT)}"
                f'{_cell(escaped(bar["label"]), _RIGHT)}<td style="width:160px">{drawn}</td></tr>'
            )
    return _table(["gauge", "text", "value", ""], rows) if rows else ""


def _tokens(payload: dict[str, Any]) -> str:
    rows = []
    for side in payload["texts"]:
        for box in payload["boxes"][side["start"] : side["end"]]:
            marks = "differs" if box["differs"] else ""
            scores = "".join(_cell(escaped(label), _RIGHT) for label in box["labels"])
            rows.append(
                f"<tr>{_cell(side['name'], _LEFT)}{_cell(code_of(box['name']), _LEFT)}"
                f"{_cell(escaped(box['probability']), _RIGHT)}{scores}{_cell(marks, _LEFT)}</tr>"
            )
    if not rows:
        return ""
    head = ["text", "token", "probability", *(one["name"] for one in payload["vectors"]), ""]
    opened = " open" if len(rows) <= OPEN_ROWS else ""
    return f"<details{opened}><summary>Tokens</summary>{_table(head, rows)}</details>"


def _grid(grid: dict[str, Any]) -> str:
    def cell(one: dict[str, Any]) -> str:
        mark = " \u25b2" if one["worse"] else ""
        title = escaped(f"{one['ratio']}: {one['texts'][0]}" if one["texts"] else "not filled")
        return f'<td style="{_RIGHT}"><span title="{title}">{escaped(one["label"] + mark)}</span></td>'

    rows = [f"<tr>{_cell(escaped(row['name']), _LEFT)}{''.join(map(cell, row['cells']))}</tr>" for row in grid["rows"]]
    table = _table([grid["unit"], *grid["columns"]], rows)
    return f'<div>{escaped(grid["title"])}</div>{table}<div style="{DIM}">{escaped(grid["words"])}</div>'
