"""The script-free twin of an erasure result, and the same as text: the verdict, probes, rounds, damage."""

from __future__ import annotations

from typing import Any

from interp_widgets.results.markup import DIM, MARKS, bar_of, code_of, escaped, share, title_of, why_of
from interp_widgets.results.text import MARKS as SHAPES
from interp_widgets.results.text import columns

_LEFT, _RIGHT = "text-align:left", "text-align:right"
_EXAMPLES = 6  # points of each class in the twin; the view has all
Table = tuple[list[str], list[list[str]]]


def erasure_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    parts = [
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        f'<div style="{DIM}">{escaped(payload["method"])}</div>',
        f"<div>{escaped(payload['apart'])}</div>" if payload["apart"] else "",
        _bars(payload),
        *(_table(*table) for table in (taken(payload), rounds(payload), damage(payload)) if table[1]),
        _points(payload),
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="max-width:720px;line-height:1.5">{"".join(parts)}</div>'


def text_of(payload: dict[str, Any]) -> str:
    """The same as text; no trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{SHAPES[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
        f"  {payload['method']}",
        *(f"  {line}" for line in verdict["why"]),
        *([f"  {payload['apart']}"] if payload["apart"] else []),
    ]
    for head, rows in (probes(payload), taken(payload), rounds(payload), damage(payload)):
        if rows:
            lines += ["", *_lines([head, *rows])]
    return "\n".join([*lines, "", f"  {' · '.join(payload['provenance'])}"])


def probes(payload: dict[str, Any]) -> Table:
    """A row for each place, probe and stage; the last is the majority baseline."""
    rows = [
        [place["name"], bar["probe"], bar["stage"], bar["label"], bar["interval"]]
        for place in payload["places"]
        for bar in place["bars"]
    ]
    rows.append(["", "always one class", "", payload["majority"]["label"], ""])
    return ["place", "probe", "stage", "right", "95 % interval"], rows


def taken(payload: dict[str, Any]) -> Table:
    """What the eraser takes at each place, and what the random one does."""
    rows = [[place["name"], place["rank"], place["change"], place["random"]] for place in payload["places"]]
    return ["place", "taken", "size of the change", "of the random one"], rows


def rounds(payload: dict[str, Any]) -> Table:
    """The rounds of INLP, and the one step of another method."""
    found = payload["rounds"]
    if found is None:
        return [], []
    rows = [["INLP", str(i), str(step["rank"]), step["label"]] for i, step in enumerate(found["steps"])]
    single = found["single"]
    if single is not None:
        rows.append([single["probe"], "one step", str(single["rank"]), single["label"]])
    return ["method", "round", "dimensions taken", "next classifier right"], rows


def damage(payload: dict[str, Any]) -> Table:
    """Perplexity and questions, without the eraser, with it, and with the random one."""
    rows = [
        [row["name"], *(f"{x} ({i})" if i else x for x, i in zip(row["labels"], row["intervals"], strict=True))]
        for row in payload["damage"]
    ]
    return ["damage", "before", "after", "random"], rows


def _cell(text: str, side: str = _LEFT) -> str:
    return f'<td style="{side}">{text}</td>'


def _row(cells: list[str]) -> str:
    return f"<tr>{''.join(_cell(cell) for cell in cells)}</tr>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return f"<table>{_head(head)}{''.join(_row([escaped(cell) for cell in row]) for row in rows)}</table>"


def _head(names: list[str]) -> str:
    return "<tr>" + "".join(f'<th style="{_LEFT}">{escaped(name)}</th>' for name in names) + "</tr>"


def _bars(payload: dict[str, Any]) -> str:
    """The probes' table, with a bar for each share."""
    muted = payload["verdict"]["word"] == "do not trust"
    head, rows = probes(payload)
    values = [bar["value"] for place in payload["places"] for bar in place["bars"]] + [payload["majority"]["value"]]
    body = "".join(
        f"<tr>{''.join(_cell(escaped(cell)) for cell in row)}"
        f'<td style="width:160px">{bar_of(value, share(value, 1.0), muted)}</td></tr>'
        for row, value in zip(rows, values, strict=True)
    )
    return f"<table>{_head([*head, ''])}{body}</table>"


def _points(payload: dict[str, Any]) -> str:
    """A few points of each class: where they are on the concept's own axis."""
    rows = []
    for c, name in enumerate(payload["classes"]):
        some = [box for box in payload["boxes"] if box["class"] == c][:_EXAMPLES]
        rows += [[escaped(name), code_of(box["name"]), *map(escaped, (*box["labels"], box["text"]))] for box in some]
    if not rows:
        return ""
    head = ["class", "token", "on the concept's axis, before", "after", "text"]
    more = f"{len(rows)} of {len(payload['boxes'])} points; the view and result.points have all"
    return f'<table>{_head(head)}{"".join(map(_row, rows))}</table><div style="{DIM}">{more}</div>'


def _lines(table: list[list[str]]) -> list[str]:
    widths = [max(columns(row[i]) for row in table) for i in range(len(table[0]))]
    return [
        "  " + "  ".join(cell + " " * (w - columns(cell)) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
