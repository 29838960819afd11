"""The script-free twin of the highlight: a table with bars, in plain HTML, from the same payload as the view.

It is what a notebook shows where neither our extension nor a kernel is: on a code host, in nbconvert's page, in an
untrusted notebook.  JupyterLab's sanitiser drops style sheets, scripts, SVG and every inline value that it does not
know (`var()`, `currentColor`, `isolate`), so only plain properties and colours are used; a host that drops inline style
altogether still shows the table with its numbers.  Text has the host's colour; marks are half-transparent or of a hue
that stands out on light and dark alike.
"""

from __future__ import annotations

import html
from typing import Any

FOR = (0, 114, 178)  # Okabe and Ito's blue and vermilion: told apart with any colour vision
AGAINST = (213, 94, 0)
TINT = 0.33  # opacity behind the strongest token's text, which keeps 4.5:1 against it on light and dark
_DIM = "opacity:.75"
_OPEN_ROWS = 40  # a longer table starts folded
MARKS = {"trust": "&#9679;", "caution": "&#9650;", "do not trust": "&#9632;"}


def highlight_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped."""
    verdict = payload["verdict"]
    muted = verdict["word"] == "do not trust"
    parts = [
        '<div style="max-width:640px;line-height:1.5">',
        f"<div><b>{_title(payload['title'])}</b></div>",
        f"<div><b>{MARKS[verdict['word']]} {_text(verdict['word'])}</b> {_text(verdict['sentence'])}</div>",
        _why(verdict["why"]),
        _running(payload, muted),
        f'<div style="{_DIM}">solid: for &middot; hatched or dashed: against &middot; largest score '
        f"{_text(payload['scale']['label'])} {_text(payload['scale']['unit'])}</div>",
        f"<div>{_text(payload['sum'])}</div>" if payload["sum"] else "",
        _scores(payload, muted),
        _candidates(payload["candidates"]),
        f'<div style="{_DIM}">{_text(" · ".join(payload["provenance"]))}</div>',
        "</div>",
    ]
    return "".join(parts)


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _title(parts: list[dict[str, Any]]) -> str:
    return "".join(_name(part["text"]) if part.get("quote") else _text(part["text"]) for part in parts)


def _name(name: str) -> str:
    return f"<code><bdi>{_text(name)}</bdi></code>"


def _why(paragraphs: list[str]) -> str:
    if not paragraphs:
        return ""
    told = "".join(f"<p>{_text(paragraph)}</p>" for paragraph in paragraphs)
    return f"<details><summary>Why, and what to use</summary>{told}</details>"


def _share(score: float, payload: dict[str, Any]) -> float:
    largest = payload["scale"]["max"]
    return min(abs(score) / largest, 1.0) if largest else 0.0


def _running(payload: dict[str, Any], muted: bool) -> str:
    boxes = "".join(_token(box, _share(box["score"], payload), muted) for box in payload["boxes"])
    style = (
        "font-family:monospace;font-size:15px;line-height:2;white-space:pre-wrap;overflow-wrap:break-word;"
        "max-height:320px;overflow:auto;padding:4px 0px"
    )
    return f'<div dir="auto" style="{style}">{boxes}</div>'


def _token(box: dict[str, Any], share: float, muted: bool) -> str:
    text = _text(box["text"])
    if box["score"] == 0:
        return f"<span>{text}</span>"
    red, green, blue = FOR if box["score"] > 0 else AGAINST
    tint = share * TINT * (0.4 if muted else 1)
    line = "solid" if box["score"] > 0 else "dashed"
    style = (
        f"background-color:rgba({red},{green},{blue},{tint:.2f});"
        f"border-bottom:{max(1, round(share * 5))}px {line} rgba({red},{green},{blue},{0.5 if muted else 1})"
    )
    title = _text(f"{box['name']} {box['label']}")
    return f'<span style="{style}" title="{title}">{text}</span>'


def _bar(score: float, share: float, muted: bool) -> str:
    width = f"width:{max(round(share * 100), 1)}%;height:9px;"
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
        share = _share(box["score"], payload)
        bar = _bar(box["score"], share, muted) if box["score"] else ""
        parts = ", ".join(f"{part['name']} {part['label']}" for part in box["parts"])
        named = _name(box["name"]) + (f" ({_text(parts)})" if parts else "")
        rows.append(
            f'<tr><td style="text-align:left">{named}</td><td style="text-align:right">{_text(box["label"])}</td>'
            f'<td style="width:160px">{bar}</td></tr>'
        )
    unit = _text(payload["scale"]["unit"])
    head = f'<tr><th style="text-align:left">token</th><th style="text-align:right">{unit}</th><th></th></tr>'
    opened = " open" if len(rows) <= _OPEN_ROWS else ""
    return f"<details{opened}><summary>Scores</summary><table>{head}{''.join(rows)}</table></details>"


def _candidates(candidates: list[dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td style="text-align:left">{_name(candidate["name"])}</td>'
        f'<td style="text-align:right">{_text(candidate["label"])}</td><td>{candidate["role"] or ""}</td></tr>'
        for candidate in candidates
    )
    head = '<tr><th style="text-align:left">next token</th><th style="text-align:right">probability</th><th></th></tr>'
    return f"<table>{head}{rows}</table>"
