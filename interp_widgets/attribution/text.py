"""An attribution as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.attribution.payload import highlight_payload
from interp_widgets.results.text import MARKS, columns, cut

if TYPE_CHECKING:
    from interp_widgets.attribution.result import AttributionResult

_BAR = 24  # characters of the longest bar


def highlight_text(result: AttributionResult) -> str:
    return text_of(highlight_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Title, verdict, one line for each box (name, score, bar), candidates, provenance; no trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
        "",
    ]
    names = [cut(box["name"]) for box in payload["boxes"]]
    widest = max(map(columns, names), default=0)
    longest = max((len(box["label"]) for box in payload["boxes"]), default=0)
    for name, box in zip(names, payload["boxes"], strict=True):
        share = abs(box["score"]) / payload["scale"]["max"] if payload["scale"]["max"] else 0.0
        bar = ("#" if box["score"] > 0 else "-") * round(share * _BAR)
        lines.append(f"  {name}{' ' * (widest - columns(name))}  {box['label']:>{longest}}  {bar}".rstrip())
    lines += ["", f"  # for, - against; largest score {payload['scale']['label']} {payload['scale']['unit']}"]
    if payload["sum"]:
        lines.append(f"  {payload['sum']}")
    tokens = (f"{c['name']} {c['label']}{' (' + c['role'] + ')' if c['role'] else ''}" for c in payload["candidates"])
    lines += [f"  next token: {', '.join(tokens)}", f"  {' · '.join(payload['provenance'])}"]
    return "\n".join(lines)
