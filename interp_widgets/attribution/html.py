"""The script-free twin of the highlight: a table with bars, in plain HTML, from the same payload as the view.

It is what a notebook shows where neither our extension nor a kernel is: on a code host, in nbconvert's page, in an
untrusted notebook.  JupyterLab's sanitiser drops style sheets, scripts, SVG and every inline value that it does not
know (`var()`, `currentColor`, `isolate`), so only plain properties and colours are used; a host that drops inline style
altogether still shows the table with its numbers.  Text has the host's colour; marks are half-transparent or of a hue
that stands out on light and dark alike.
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


def highlight_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    muted = verdict["word"] == "do not trust"
    parts = [
        '<div style="max-width:640px;line-height:1.5">',
        f"<div><b>{title_of(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
        why_of(verdict["why"]),
        running(payload["boxes"], payload["scale"]["max"], muted),
        f'<div style="{DIM}">solid: for &middot; hatched or dashed: against &middot; largest score '
        f"{escaped(payload['scale']['label'])} {escaped(payload['scale']['unit'])}</div>",
        f"<div>{escaped(payload['sum'])}</div>" if payload["sum"] else "",
        _scores(payload, muted),
        candidates_of(payload["candidates"]),
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
        "</div>",
    ]
    return "".join(parts)


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


def _scores(payload: dict[str, Any], muted: bool) -> str:
    rows = []
    for box in payload["boxes"]:
        size = share(box["score"], payload["scale"]["max"])
        bar = bar_of(box["score"], size, muted) if box["score"] else ""
        parts = ", ".join(f"{part['name']} {part['label']}" for part in box["parts"])
        named = code_of(box["name"]) + (f" ({escaped(parts)})" if parts else "")
        rows.append(
            f'<tr><td style="text-align:left">{named}</td><td style="text-align:right">{escaped(box["label"])}</td>'
            f'<td style="width:160px">{bar}</td></tr>'
        )
    unit = escaped(payload["scale"]["unit"])
    head = f'<tr><th style="text-align:left">token</th><th style="text-align:right">{unit}</th><th></th></tr>'
    opened = " open" if len(rows) <= OPEN_ROWS else ""
    return f"<details{opened}><summary>Scores</summary><table>{head}{''.join(rows)}</table></details>"


def candidates_of(candidates: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td style="text-align:left">{code_of(candidate["name"])}</td>'
        f'<td style="text-align:right">{escaped(candidate["label"])}</td><td>{candidate["role"] or ""}</td></tr>'
        for candidate in candidates
    )
    head = '<tr><th style="text-align:left">next token</th><th style="text-align:right">probability</th><th></th></tr>'
    return f"<table>{head}{rows}</table>"
