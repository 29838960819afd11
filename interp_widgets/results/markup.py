"""What the script-free twins of all views are written with.

JupyterLab's sanitiser drops style sheets, scripts, SVG and every inline value that it does not know (`var()`,
`currentColor`, `isolate`), so only plain properties and colours are used; a host that drops inline style altogether
still shows the tables with their numbers.  Text has the host's colour; marks are half-transparent or of a hue that
stands out on light and dark alike.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

FOR = (0, 114, 178)  # Okabe and Ito's blue and vermilion: told apart with any colour vision
AGAINST = (213, 94, 0)
TINT = 0.33  # opacity behind the strongest token's text, which keeps 4.5:1 against it on light and dark
DIM = "opacity:.75"
OPEN_ROWS = 40  # a longer table starts folded
MARKS = {"trust": "&#9679;", "caution": "&#9650;", "do not trust": "&#9632;"}


def escaped(text: str) -> str:
    return html.escape(text, quote=True)


def title_of(parts: list[dict[str, Any]]) -> str:
    return "".join(code_of(part["text"]) if part.get("quote") else escaped(part["text"]) for part in parts)


def code_of(name: str) -> str:
    return f"<code><bdi>{escaped(name)}</bdi></code>"


def why_of(paragraphs: list[str]) -> str:
    if not paragraphs:
        return ""
    told = "".join(f"<p>{escaped(paragraph)}</p>" for paragraph in paragraphs)
    return f"<details><summary>Why, and what to use</summary>{told}</details>"


def share(score: float, largest: float) -> float:
    """Size of a score between 0 and 1."""
    return min(abs(score) / largest, 1.0) if largest else 0.0


def running(boxes: Iterable[dict[str, Any]], largest: float, muted: bool) -> str:
    """Running text, tinted and underlined."""
    tokens = "".join(token_of(box, share(box["score"], largest), muted) for box in boxes)
    style = (
        "font-family:monospace;font-size:15px;line-height:2;white-space:pre-wrap;overflow-wrap:break-word;"
        "max-height:320px;overflow:auto;padding:4px 0px"
    )
    return f'<div dir="auto" style="{style}">{tokens}</div>'


def token_of(box: dict[str, Any], size: float, muted: bool) -> str:
    text = escaped(box["text"])
    if box["score"] == 0:
        return f"<span>{text}</span>"
    red, green, blue = FOR if box["score"] > 0 else AGAINST
    tint = size * TINT * (0.4 if muted else 1)
    line = "solid" if box["score"] > 0 else "dashed"
    style = (
        f"background-color:rgba({red},{green},{blue},{tint:.2f});"
        f"border-bottom:{max(1, round(size * 5))}px {line} rgba({red},{green},{blue},{0.5 if muted else 1})"
    )
    title = escaped(f"{box['name']} {box['label']}")
    return f'<span style="{style}" title="{title}">{text}</span>'


def bar_of(score: float, size: float, muted: bool) -> str:
    width = f"width:{max(round(size * 100), 1)}%;height:9px;"
    fade = "opacity:.5;" if muted else ""
    colour = "rgb({},{},{})".format(*(FOR if score > 0 else AGAINST))
    if score > 0:
        return f'<div style="{width}{fade}background-color:{colour}"></div>'
    stripes = f"{colour} 0%,{colour} 33%,transparent 33%,transparent 50%,{colour} 50%,{colour} 83%,transparent 83%"
    return (
        f'<div style="{width}{fade}background-image:linear-gradient(135deg,{stripes});background-size:6px 6px"></div>'
    )
