"""The script-free twin of the heads: what the answer loses without each, and where the strongest looks."""

from __future__ import annotations

from typing import Any

from interp_widgets.locate.heads_payload import share
from interp_widgets.locate.heat import TINT, heat_table
from interp_widgets.results.markup import DIM, FOR, MARKS, code_of, escaped, title_of, why_of

LISTED = 8  # heads named with the answer without them


def heads_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    muted = verdict["word"] == "do not trust"
    parts = [
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        f"<div>{escaped(scale_words(payload))}</div>",
    ]
    if payload["measured"]:
        table = heat_table(
            payload, payload["rows"], payload["columns"], "head \u00b7 layer", payload["scale"]["max"], muted=muted
        )
        parts += [_list(payload), f"<details><summary>All heads</summary>{table}</details>"]
    for pattern in payload["patterns"][:1]:
        parts.append(_pattern(payload, pattern))
    parts += [
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="line-height:1.5">{"".join(parts)}</div>'


def scale_words(payload: dict[str, Any]) -> str:
    """What the numbers are."""
    if not payload["measured"]:
        return "No head was switched off: the patterns say where heads look, not what they do."
    return (
        f"Loss: what the {payload['quantity']} ({payload['before']['read']}) loses, in {payload['scale']['unit']}, when"
        f" a head is set to {payload['stand_in']}; below zero it gains."
    )


def ranked(payload: dict[str, Any], many: int = LISTED) -> list[tuple[int, int]]:
    """(row, column) of the heads whose absence changes most, largest first; of equals the earlier row."""
    known = [
        (-abs(value), row, column)
        for row, line in enumerate(payload["values"])
        for column, value in enumerate(line)
        if value
    ]
    return [(row, column) for _, row, column in sorted(known)[:many]]


def outcome(payload: dict[str, Any], row: int, column: int) -> str:
    """What the model says first without the head."""
    choice = payload["choices"][row][column]
    if choice is None:
        return f"{payload['before']['choice']}, as before"
    if not choice:
        return "not known"
    return f"{payload['words'][choice[0]]} {choice[1]}"


def _list(payload: dict[str, Any]) -> str:
    lines = "".join(
        f"<tr><td>layer {escaped(payload['columns'][column])}, {escaped(payload['rows'][row]['name'])}</td>"
        f"<td>{escaped(payload['labels'][row][column])}</td>"
        f"<td>{escaped(payload['before']['read'])} &rarr; {escaped(payload['reads'][row][column])}</td>"
        f"<td>{escaped(outcome(payload, row, column))}</td></tr>"
        for row, column in ranked(payload)
    )
    heads = ("head", f"loss, {payload['scale']['unit']}", payload["quantity"], "first choice without it")
    head = "".join(f'<th style="text-align:left">{escaped(text)}</th>' for text in heads)
    return f"<table><tr>{head}</tr>{lines}</table>"


def _pattern(payload: dict[str, Any], pattern: dict[str, Any]) -> str:
    tokens = payload["tokens"]
    red, green, blue = FOR
    head = "".join(f"<th>{code_of(tokens[key])}</th>" for key in pattern["keys"])
    lines = []
    for query, line in zip(payload["queries"], pattern["lines"], strict=True):
        drawn = "".join(
            f'<td style="background-color:rgba({red},{green},{blue},{weight / 1000 * TINT:.2f})">{share(weight)}</td>'
            for weight in line
        )
        lines.append(f'<tr><th style="text-align:right">{code_of(tokens[query])}</th>{drawn}</tr>')
    name = f"Attention of head {pattern['head']} of layer {pattern['layer']}: each row is what a token looks at"
    return (
        f'<details open><summary>{escaped(name)}</summary><div style="overflow:auto;max-height:480px"><table>'
        f"<tr><th></th>{head}</tr>{''.join(lines)}</table></div></details>"
    )
