"""A comparison as plain text, for a terminal, a log, or a host that shows nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.attribution.compare_payload import compare_payload
from interp_widgets.results.text import MARKS, columns, cut

if TYPE_CHECKING:
    from interp_widgets.attribution.comparison import ComparisonResult


def compare_text(result: ComparisonResult) -> str:
    return text_of(compare_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Title, agreement, one line for each method, one for each token with its scores; no trailing newline."""
    methods = payload["methods"]
    lines = ["".join(part["text"] for part in payload["title"]), payload["sentence"], ""]
    widest = max((columns(method["label"]) for method in methods), default=0)
    for method in methods:
        verdict = method["verdict"]
        lines.append(
            f"  {_padded(method['label'], widest)}  {MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']} "
            f"({method['cost']})"
        )
    lines.append("")
    head = ["", *(method["label"] for method in methods)]
    rows = [
        [cut(box["name"]), *(f"{method['labels'][i]} #{method['ranks'][i]}" for method in methods)]
        for i, box in enumerate(payload["boxes"])
    ]
    lines += _table([head, *rows])
    units = " or ".join(dict.fromkeys(method["scale"]["unit"] for method in methods))
    lines += ["", f"  score in {units}, # its rank" if methods else ""]
    if payload["differ"]:
        told = "; ".join(f"{token['name']}: {token['sentence']}" for token in payload["differ"])
        lines.append(f"  The methods differ most on {told}")
    if len(methods) > 1:
        names = [method["label"] for method in methods]
        cells = [
            [name, *(cell["label"] for cell in row)] for name, row in zip(names, payload["agreement"], strict=True)
        ]
        lines += ["", *_table([["rank correlation", *names], *cells])]
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    lines += ["", f"  {' · '.join(payload['provenance'])}"]
    return "\n".join(lines)


def _padded(text: str, width: int, right: bool = False) -> str:
    gap = " " * (width - columns(text))
    return gap + text if right else text + gap


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(columns(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            _padded(cell, width, i > 0) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
