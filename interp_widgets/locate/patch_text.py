"""Patching as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.locate.heat import heat_lines
from interp_widgets.locate.patch_html import agreement_words, parts_of, scale_words
from interp_widgets.locate.patch_payload import patch_payload
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from interp_widgets.locate.patch_result import PatchResult


def patch_text(result: PatchResult) -> str:
    return text_of(patch_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, and for each site a line for each row: layers as shades, the largest effect and its layer; no
    trailing newline."""
    verdict = payload["verdict"]
    lines = [
        f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}",
        "".join(part["text"] for part in payload["title"]),
    ]
    for name, words, part in parts_of(payload):
        lines += ["", f"  {name}: {words}"]
        lines += heat_lines(part, payload["rows"], payload["columns"], payload["scale"]["max"])
    lines += ["", f"  {scale_words(payload)}"]
    if payload["agreement"]:
        lines.append(f"  {agreement_words(payload)}")
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    return "\n".join([*lines, f"  {' · '.join(payload['provenance'])}"])
