"""Heads as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.locate.heads_html import outcome, ranked, scale_words
from interp_widgets.locate.heads_payload import heads_payload, share
from interp_widgets.locate.heat import heat_lines
from interp_widgets.results.text import MARKS, cut

if TYPE_CHECKING:
    from interp_widgets.locate.heads_result import HeadsResult


def heads_text(result: HeadsResult) -> str:
    return text_of(heads_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, a line of shades for each head, the strongest heads, and what the last token looks at in the
    first of them; no trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
        "",
    ]
    if payload["measured"]:
        lines += heat_lines(payload, payload["rows"], payload["columns"], payload["scale"]["max"])
        lines.append("")
    for row, column in ranked(payload, 5):
        lines.append(
            f"  layer {payload['columns'][column]}, {payload['rows'][row]['name']}: {payload['labels'][row][column]};"
            f" {payload['before']['read']} \u2192 {payload['reads'][row][column]}; {outcome(payload, row, column)}"
        )
    lines.append(f"  {scale_words(payload)}")
    for pattern in payload["patterns"][:1]:
        weights = dict(zip(pattern["keys"], pattern["lines"][-1], strict=False))
        best = sorted(weights, key=lambda key: (-weights[key], key))[:3]
        looks = ", ".join(f"{share(weights[key])} to {cut(payload['tokens'][key])}" for key in best)
        last = cut(payload["tokens"][payload["queries"][-1]])
        lines.append(f"  layer {pattern['layer']}, head {pattern['head']}: {last} attends {looks}")
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    return "\n".join([*lines, f"  {' · '.join(payload['provenance'])}"])
