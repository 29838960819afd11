"""A causal trace as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.locate.heat import heat_lines
from interp_widgets.locate.trace_html import scale_words, sheet_words
from interp_widgets.locate.trace_payload import trace_payload
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from interp_widgets.locate.trace_result import TraceResult


def trace_text(result: TraceResult) -> str:
    return text_of(trace_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, and for each kind a line for each position: layers as shades, the largest effect and its layer;
    no trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
    ]
    for sheet in payload["sheets"]:
        lines += ["", f"  {sheet_words(sheet)}"]
        lines += heat_lines(sheet, payload["rows"], payload["columns"], payload["scale"]["max"])
    lines += ["", f"  {scale_words(payload)}"]
    lines += [
        f"  {top['name']}: {', '.join(f'{name} {label}' for name, label in top['items'])}"
        for top in payload["tops"]
        if top["items"]
    ]
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    return "\n".join([*lines, f"  {' · '.join(payload['provenance'])}"])
