"""The script-free twin of the matrix, by the same rules as the highlight's: each explained token with its sources."""

from __future__ import annotations

from typing import Any

from interp_widgets.results.markup import DIM, MARKS, OPEN_ROWS, code_of, escaped, share, title_of, token_of, why_of

SOURCES = 5  # strongest sources named for each token
_LEFT = "text-align:left"
_RIGHT = "text-align:right"
_TEXT = (
    "font-family:monospace;font-size:15px;line-height:2;white-space:pre-wrap;overflow-wrap:break-word;"
    "max-height:320px;overflow:auto;padding:4px 0px"
)


def matrix_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    parts = [f"<div><b>{title_of(payload['title'])}</b></div>"]
    if verdict is not None:
        parts += [
            f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
            why_of(verdict["why"]),
        ]
    cut = payload["prompt"]
    parts += [
        _running("prompt", payload["boxes"][:cut]),
        _running("generated", payload["boxes"][cut:]),
        f"<div>{escaped(payload['amount'])}</div>",
        _rows(payload),
        f'<div style="{DIM}">solid: for &middot; dashed: against &middot; each token to its own largest score</div>',
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="max-width:640px;line-height:1.5">{"".join(parts)}</div>'


def strongest(row: dict[str, Any], many: int = SOURCES) -> list[int]:
    """The boxes with the largest absolute scores in a row, largest first; of equals the earlier one."""
    order = sorted(range(len(row["scores"])), key=lambda i: (-abs(row["scores"][i]), i))
    return [i for i in order if row["scores"][i]][:many]


def _running(name: str, boxes: list[dict[str, Any]]) -> str:
    if not boxes:
        return ""
    text = escaped("".join(box["text"] for box in boxes))
    return f'<div style="{DIM}">{name}</div><div dir="auto" style="{_TEXT}">{text}</div>'


def _rows(payload: dict[str, Any]) -> str:
    verdict, boxes = payload["verdict"], payload["boxes"]
    muted = verdict is not None and verdict["word"] == "do not trust"
    rows = []
    for row in payload["rows"]:
        sources = " ".join(
            token_of(
                {"text": f"{boxes[i]['name']} {row['labels'][i]}", "name": boxes[i]["name"], "label": row["labels"][i],
                 "score": row["scores"][i]},
                share(row["scores"][i], row["scale"]["max"]),
                muted,
            )
            for i in strongest(row)
        )  # fmt: skip
        runner = row["runner"]
        rows.append(
            f'<tr><td style="{_LEFT}">{code_of(boxes[row["box"]]["name"])}</td>'
            f'<td style="{_RIGHT}">{escaped(row["label"])}</td><td style="{_RIGHT}">{escaped(row["entropy"])}</td>'
            f'<td style="{_LEFT}">{code_of(runner["name"])} {escaped(runner["label"])}</td>'
            f'<td style="{_LEFT}">{sources}</td></tr>'
        )
    heads = ("token", "probability", "entropy", "next best", f"strongest sources, {payload['scale']['unit']}")
    head = "".join(f'<th style="{_LEFT}">{escaped(text)}</th>' for text in heads)
    opened = " open" if len(rows) <= OPEN_ROWS else ""
    return f"<details{opened}><summary>Sources</summary><table><tr>{head}</tr>{''.join(rows)}</table></details>"
