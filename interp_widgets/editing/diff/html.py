"""The script-free twin of an edit diff, by the rules of the highlight's: texts, next tokens, the evaluation, sizes."""

from __future__ import annotations

from typing import Any

from interp_widgets.results.markup import AGAINST, DIM, FOR, MARKS, bar_of, code_of, escaped, share, title_of, why_of

_LEFT, _RIGHT = "text-align:left", "text-align:right"
LEAST = 0.2  # share of the norm where the bars' scale ends, unless a change is larger
_LINES = {"before": ("dashed", AGAINST), "after": ("solid", FOR)}


def diff_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    parts = [
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        f'<div style="{DIM}">{escaped(payload["method"])}</div>',
        *(_sample(payload, sample) for sample in payload["samples"]),
        _checks(payload["groups"]) if payload["groups"] else "",
        _changes(payload),
        _whole(payload["whole"]) if payload["whole"] is not None else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="max-width:720px;line-height:1.5">{"".join(parts)}</div>'


def _cell(text: str, side: str = _LEFT) -> str:
    return f'<td style="{side}">{text}</td>'


def _table(head: list[str], rows: list[str]) -> str:
    heads = "".join(f'<th style="{_LEFT}">{escaped(text)}</th>' for text in head)
    return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"


def _sample(payload: dict[str, Any], sample: dict[str, Any]) -> str:
    texts = "".join(_text(payload, sample, side) for side in sample["texts"])
    rows = [
        f"<tr>{_cell(code_of(one['name']))}{_cell(escaped(one['before']), _RIGHT)}"
        f"{_cell(escaped(one['after']), _RIGHT)}{_cell(escaped(role_words(one['role'])))}</tr>"
        for one in sample["next"]
    ]
    return texts + _table(["next token", "before", "after", ""], rows)


def role_words(role: str | None) -> str:
    """What a next token is to the fact."""
    return {"new": "new answer", "original": "original answer", None: ""}[role]


def _text(payload: dict[str, Any], sample: dict[str, Any], side: dict[str, Any]) -> str:
    """Words that are only here stand in bold over a line, in any host."""
    line, (red, green, blue) = _LINES[side["name"]]
    style = f"background-color:rgba({red},{green},{blue},0.15);border-bottom:2px {line} rgba({red},{green},{blue},1)"
    words = "".join(
        f'<b><span style="{style}" title="{escaped(box["probability"])}">{escaped(box["text"])}</span></b>'
        if box["differs"]
        else f'<span title="{escaped(box["probability"])}">{escaped(box["text"])}</span>'
        for box in payload["boxes"][side["start"] : side["end"]]
    )
    whole = (
        "font-family:monospace;font-size:15px;line-height:2;white-space:pre-wrap;overflow-wrap:break-word;"
        "max-height:320px;overflow:auto;padding:4px 0px"
    )
    return (
        f'<div style="{DIM}">{side["name"]}</div>'
        f'<div dir="auto" style="{whole}"><span style="{DIM}">{escaped(sample["prompt"])}</span>{words}</div>'
    )


def _checks(groups: list[dict[str, Any]]) -> str:
    rows = []
    for group in groups:
        # One row needs no sum.
        if len(group["rows"]) != 1 or group["rest"] is not None:
            told = (group["before"], group["after"], f"{group['mark']} {group['word']}")
            name = f"<b>{escaped(group['words'])}</b>"
            rows.append(f"<tr>{_cell(name)}{''.join(_cell(escaped(one)) for one in told)}</tr>")
        rows += [_check(row) for row in group["rows"]]
        if group["rest"] is not None:
            rows.append(f"<tr>{_cell(escaped(group['rest']))}{_cell('') * 3}</tr>")
    return _table(["check", "before", "after", ""], rows)


def _check(row: dict[str, Any]) -> str:
    sides = (f"{code_of(row[side]['name'])} {escaped(row[side]['label'])}" for side in ("before", "after"))
    cells = (escaped(row["prompt"]), *sides, escaped(f"{row['mark']} {row['word']}"))
    return f"<tr>{''.join(map(_cell, cells))}</tr>"


def _changes(payload: dict[str, Any]) -> str:
    largest = max([LEAST, *(one["value"] for one in payload["changes"])])
    rows = [
        f"<tr>{_cell(escaped(one['name']))}{_cell(escaped(one['label']), _RIGHT)}"
        f'<td style="width:160px">{bar_of(one["value"], share(one["value"], largest), False)}</td></tr>'
        for one in payload["changes"]
    ]
    others = "".join(f"<div>{escaped(one)}</div>" for one in payload["others"])
    return (_table(["weights changed", "of their norm", ""], rows) if rows else "") + others


def _whole(whole: dict[str, Any]) -> str:
    told = f"{whole['mark']} {whole['word']}".strip()
    crossed = "".join(f"<p>{escaped(one)}</p>" for one in whole["crossed"])
    return f"<div><b>{escaped(told)}</b> {escaped('; '.join(whole['facts']))}</div>{crossed}"
