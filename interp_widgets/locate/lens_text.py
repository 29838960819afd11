"""A logit lens as plain text, for a terminal, a log, or a host that shows nothing else: the verdict comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.locate.lens_payload import lens_payload
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from interp_widgets.locate.lens_result import LensResult


def lens_text(result: LensResult) -> str:
    return text_of(lens_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Verdict, title, and of the last position layer by layer: the best token with its probability, entropy, distance
    from the final distribution, and the ranks of the followed tokens; no trailing newline."""
    verdict, words, boxes = payload["verdict"], payload["words"], payload["boxes"]
    lines = [f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}"] if verdict is not None else []
    lines += ["".join(part["text"] for part in payload["title"])]
    if not boxes:
        return "\n".join([*lines, "", f"  {payload['amount']}"])
    lines += [payload["reads"], f"After {boxes[-1]['name']}: {payload['stories'][-1]}.", ""]
    names = [f"rank {words[i]}" for i in payload["followed"]]
    table = [["layer", "best", "probability", "entropy", "from the final", *names]]
    for row in payload["rows"]:
        cell = row["cells"][-1]
        if cell is not None:
            best = words[cell["ids"][0]]
            numbers = [cell["labels"][0], cell["entropy"], cell["divergence"], *map(str, cell["ranks"])]
            table.append([str(row["layer"]), best, *numbers])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines += ["  " + "  ".join(f"{text:>{w}}" for text, w in zip(line, widths, strict=True)) for line in table]
    lines += ["", f"  {payload['amount']}"]
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    return "\n".join([*lines, f"  {' · '.join(payload['provenance'])}"])
