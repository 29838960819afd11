"""The script-free twin of a neuron's card, by the rules of the highlight's; and the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from interp_widgets.locate.neuron_payload import neuron_payload
from interp_widgets.results.markup import (
    DIM,
    FOR,
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

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_result import NeuronResult

_LEFT = "text-align:left"
_RIGHT = "text-align:right"
_TEXT = "text-align:left;font-family:monospace;line-height:2;white-space:pre-wrap;overflow-wrap:break-word"
_OPEN_BARS = 24  # a longer histogram starts folded


def neuron_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    parts = [f"<div><b>{title_of(payload['title'])}</b></div>"]
    if verdict is not None:
        parts += [
            f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
            why_of(verdict["why"]),
        ]
    largest = payload["scale"]["max"]
    rows = [_entry(entry, largest) for entry in payload["boxes"]]
    opened = " open" if len(rows) <= OPEN_ROWS else ""
    heads = ("", "peak", "at", "share", "text")
    parts += [
        f"<div>{escaped(payload['finding'])}</div>",
        f"<details{opened}><summary>Texts</summary>{_table(heads, rows)}</details>",
        f'<div style="{DIM}">solid: above zero &middot; dashed: below zero &middot; largest'
        f" {escaped(payload['scale']['label'])}</div>",
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        _figures(payload["figures"]),
        _histogram(payload["histogram"]),
        _weights(payload),
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="max-width:640px;line-height:1.5">{"".join(parts)}</div>'


def neuron_page(result: NeuronResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page with data and view in it. Raises FileNotFoundError if the view is not built."""
    payload = neuron_payload(result)
    return view_page("neuron", payload, neuron_html(payload), path)


def _cell(content: str, style: str) -> str:
    return f'<td style="{style}">{content}</td>'


def _table(heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f'<th style="{_LEFT}">{escaped(text)}</th>' for text in heads)
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _entry(entry: dict[str, Any], largest: float) -> str:
    tokens = "".join(token_of(word, share(word["score"], largest), False) for word in entry["words"])
    before, after = ("\u2026" if cut else "" for cut in entry["ends"])
    cut = f'<div style="{DIM}">{escaped(entry["cut"])}</div>' if entry["cut"] else ""
    return (
        f"<tr>{_cell(escaped(entry['rank']), _RIGHT)}{_cell(escaped(entry['peak']['label']), _RIGHT)}"
        f"{_cell(code_of(entry['peak']['name']), _LEFT)}{_cell(escaped(entry['share'] or ''), _RIGHT)}"
        f'<td style="{_TEXT}" title="{escaped(entry["where"])}">'
        f'<span dir="auto">{before}{tokens}{after}</span>{cut}</td></tr>'
    )


def _figures(figures: list[dict[str, str]]) -> str:
    told = " &middot; ".join(f"{escaped(one['name'])} {escaped(one['label'])}" for one in figures)
    return f"<div>Over all tokens: {told}</div>"


def _histogram(histogram: dict[str, Any]) -> str:
    red, green, blue = FOR
    rows = []
    for bar in histogram["bars"]:
        width = f"width:{max(round(bar['height'] * 100), 1) if bar['count'] else 0}%;height:9px"
        colour = f"background-color:rgba({red},{green},{blue},{1 if bar['top'] else 0.45})"
        mark = "peaks" if bar["top"] else ""
        rows.append(
            f"<tr>{_cell(escaped(bar['name']), _RIGHT)}{_cell(escaped(bar['label']), _RIGHT)}"
            f'<td style="width:200px"><div style="{width};{colour}"></div></td>{_cell(mark, _LEFT)}</tr>'
        )
    opened = " open" if len(rows) <= _OPEN_BARS else ""
    return (
        f"<div>{escaped(histogram['words'])}</div><details{opened}><summary>Histogram</summary>"
        f"{_table(('activation', 'tokens', '', ''), rows)}</details>"
    )


def _weights(payload: dict[str, Any]) -> str:
    largest = max((abs(one["value"]) for name in ("promoted", "demoted") for one in payload[name]), default=0.0)
    rows = []
    for up, down in zip(payload["promoted"], payload["demoted"], strict=True):
        cells = "".join(
            f"{_cell(code_of(one['name']), _LEFT)}{_cell(escaped(one['label']), _RIGHT)}"
            f'<td style="width:80px">{bar_of(one["value"], share(one["value"], largest), False)}</td>'
            for one in (up, down)
        )
        rows.append(f"<tr>{cells}</tr>")
    heads = ("promotes", "logit", "", "demotes", "logit", "")
    return f"<div>{escaped(payload['weights'])}</div>{_table(heads, rows)}"
