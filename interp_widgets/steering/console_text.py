"""The console as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from interp_widgets.results.text import MARKS
from interp_widgets.steering.console_payload import console_payload

if TYPE_CHECKING:
    from interp_widgets.steering.console import SteeringResult

_WIDTH = 100


def console_text(result: SteeringResult) -> str:
    return text_of(console_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, strengths, both texts, gauges, the grid's numbers; no trailing newline."""
    verdict = payload["verdict"]
    lines = [f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}"] if verdict is not None else []
    lines += ["".join(part["text"] for part in payload["title"]), ""]
    lines += [f"  {one['name']} {one['label']} at {one['where']}" for one in payload["vectors"]]
    lines += ["", *_folded("prompt", payload["prompt"]["text"])]
    for side in payload["texts"]:
        text = "".join(box["text"] for box in payload["boxes"][side["start"] : side["end"]])
        lines += _folded(side["name"], text)
    lines.append("")
    for gauge in payload["gauges"]:
        values = ", ".join(f"{bar['name']} {bar['label']}" for bar in gauge["bars"])
        lines.append(f"  {gauge['name']}: {values}" + (f"; {gauge['change']}" if gauge["change"] else ""))
    grid = payload["grid"]
    if grid is not None:
        lines += ["", f"  {grid['title']}", f"  layers \\ strength  {'  '.join(grid['columns'])}"]
        lines += [f"  {row['name']}  {'  '.join(cell['label'] for cell in row['cells'])}" for row in grid["rows"]]
    if payload["provenance"]:
        lines += ["", f"  {' · '.join(payload['provenance'])}"]
    return "\n".join(lines)


def _folded(name: str, text: str) -> list[str]:
    body = textwrap.wrap(" ".join(text.split()), _WIDTH - 6) or [""]
    return [f"  {name}", *(f"    {line}" for line in body)]
