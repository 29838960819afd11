"""A matrix as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.attribution.matrix_html import strongest
from interp_widgets.attribution.matrix_payload import matrix_payload
from interp_widgets.results.text import MARKS, columns, cut

if TYPE_CHECKING:
    from interp_widgets.attribution.matrix import MatrixResult


def matrix_text(result: MatrixResult) -> str:
    return text_of(matrix_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, one line for each explained token: probability and strongest sources; no trailing newline."""
    verdict, boxes = payload["verdict"], payload["boxes"]
    lines = [f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}"] if verdict is not None else []
    lines += ["".join(part["text"] for part in payload["title"]), ""]
    names = [cut(boxes[row["box"]]["name"]) for row in payload["rows"]]
    widest = max(map(columns, names), default=0)
    for name, row in zip(names, payload["rows"], strict=True):
        sources = ", ".join(f"{cut(boxes[i]['name'])} {row['labels'][i]}" for i in strongest(row))
        lines.append(f"  {name}{' ' * (widest - columns(name))}  {row['label']:>8}  {sources}".rstrip())
    lines += ["", f"  {payload['amount']}; probability, and the strongest sources in {payload['scale']['unit']}"]
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    if payload["provenance"]:
        lines.append(f"  {' · '.join(payload['provenance'])}")
    return "\n".join(lines)
