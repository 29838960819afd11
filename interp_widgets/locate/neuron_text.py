"""A neuron's card as plain text, for a terminal, a log, or a host that shows nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.locate.neuron_payload import neuron_payload
from interp_widgets.results.text import MARKS

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_result import NeuronResult

_NEAR = 44  # characters of text on either side of the peak


def neuron_text(result: NeuronResult) -> str:
    return text_of(neuron_payload(result))


def text_of(payload: dict[str, Any]) -> str:
    """Title, finding, one line for each text (rank, peak, the token in its context), figures, histogram, tokens that
    the output weight promotes and demotes, provenance; no trailing newline."""
    verdict = payload["verdict"]
    lines = [f"{MARKS[verdict['word']]} {verdict['word']}: {verdict['sentence']}"] if verdict is not None else []
    lines += ["".join(part["text"] for part in payload["title"]), payload["finding"], ""]
    labels = [entry["peak"]["label"] for entry in payload["boxes"]]
    widest = max(map(len, labels), default=0)
    for entry, label in zip(payload["boxes"], labels, strict=True):
        lines.append(f"  {entry['rank']:>5}  {label:>{widest}}  {context(entry)}")
    if payload["rest"]:
        lines.append(f"  {payload['rest']}")
    lines += ["", "  " + " · ".join(f"{one['name']} {one['label']}" for one in payload["figures"])]
    lines += [f"  {payload['histogram']['words']}"]
    for bar in payload["histogram"]["bars"]:
        mark = "*" if bar["top"] else " "
        lines.append(f"  {bar['name']:>20} {bar['label']:>8} {mark} {'#' * round(bar['height'] * 24)}".rstrip())
    for name in ("promoted", "demoted"):
        told = (f"{one['name']} {one['label']}" for one in payload[name])
        lines.append(f"  {name}: {', '.join(told)}")
    return "\n".join([*lines, f"  {' · '.join(payload['provenance'])}"])


def context(entry: dict[str, Any], near: int = _NEAR) -> str:
    """One line around the peak, which stands in brackets."""
    words = entry["words"]
    at = max(range(len(words)), key=lambda i: (words[i]["label"] == entry["peak"]["label"], abs(words[i]["score"])))
    before = "".join(word["text"] for word in words[:at]).replace("\n", "")
    after = "".join(word["text"] for word in words[at + 1 :]).replace("\n", "")
    left = ("\u2026" if entry["ends"][0] or len(before) > near else "") + before[-near:]
    right = after[:near] + ("\u2026" if entry["ends"][1] or len(after) > near else "")
    return f"{left}[{words[at]['text']}]{right}".replace("\n", "")
