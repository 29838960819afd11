"""An edit diff as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from interp_widgets.editing.diff.html import role_words
from interp_widgets.editing.diff.payload import diff_payload
from interp_widgets.results.text import MARKS, columns, cut

if TYPE_CHECKING:
    from interp_widgets.editing.diff.result import EditDiff

_WIDTH = 100


def diff_text(result: EditDiff) -> str:
    return text_of(diff_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, texts with what differs in square brackets, next tokens, checks, sizes; no trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
        f"  {payload['method']}",
    ]
    for sample in payload["samples"]:
        for side in sample["texts"]:
            text = sample["prompt"] + _marked(payload["boxes"][side["start"] : side["end"]])
            lines += [
                f"  {side['name']}",
                *(f"    {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH - 6)),
            ]
        rows = [[cut(one["name"]), one["before"], one["after"], role_words(one["role"])] for one in sample["next"]]
        lines += _table(["next token", "before", "after", ""], rows)
    rows = []
    for group in payload["groups"]:
        if len(group["rows"]) != 1 or group["rest"] is not None:
            rows.append([group["words"], group["before"], group["after"], f"{group['mark']} {group['word']}"])
        for row in group["rows"]:
            sides = [f"{cut(row[side]['name'])} {row[side]['label']}" for side in ("before", "after")]
            rows.append([f"  {textwrap.shorten(row['prompt'], 60)}", *sides, f"{row['mark']} {row['word']}"])
    lines += ["", *_table(["check", "before", "after", ""], rows)] if rows else []
    if payload["changes"]:
        told = ", ".join(f"{one['name']} {one['label']}" for one in payload["changes"])
        lines += ["", *textwrap.wrap(f"weights changed, of their norm: {told}", _WIDTH, initial_indent="  ")]
    lines += [f"  {one}" for one in payload["others"]]
    if payload["whole"] is not None:
        whole = payload["whole"]
        lines += [
            f"  {whole['mark']} {whole['word']}; {'; '.join(whole['facts'])}",
            *(f"    {x}" for x in whole["crossed"]),
        ]
    return "\n".join([*lines, f"  {' · '.join(payload['provenance'])}"])


def _marked(boxes: list[dict[str, Any]]) -> str:
    text, inside = "", False
    for box in boxes:
        if box["differs"] != inside:
            space = box["text"][: len(box["text"]) - len(box["text"].lstrip())] if box["differs"] else ""
            text += f"{space}[" if box["differs"] else "]"
            text += box["text"][len(space) :]
            inside = box["differs"]
        else:
            text += box["text"]
    return text + ("]" if inside else "")


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    table = [head, *rows]
    widths = [max(columns(row[i]) for row in table) for i in range(len(head))]
    return [
        "  " + "  ".join(cell + " " * (w - columns(cell)) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
