"""A logit lens as a script-free table, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from interp_widgets.locate.lens_payload import lens_payload
from interp_widgets.results.markup import DIM, FOR, MARKS, TINT, code_of, escaped, title_of, why_of
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.locate.lens_result import LensResult

_COLUMNS = 24  # positions of the table; the view has more
_LEFT = "text-align:left"
_RIGHT = "text-align:right"


def lens_html(payload: dict[str, Any]) -> str:
    """The twin as one element; all text is escaped. Late layers stand above, as in the picture."""
    verdict, boxes = payload["verdict"], payload["boxes"]
    start = max(len(boxes) - _COLUMNS, 0)
    head = "".join(f'<th style="{_LEFT}">{code_of(box["name"])}</th>' for box in boxes[start:])
    rows = "".join(_row(payload, row, start) for row in reversed(payload["rows"]))
    parts = [f"<div><b>{title_of(payload['title'])}</b></div>"]
    if verdict is not None:
        parts += [
            f"<div><b>{MARKS[verdict['word']]} {escaped(verdict['word'])}</b> {escaped(verdict['sentence'])}</div>",
            why_of(verdict["why"]),
        ]
    if boxes:
        parts.append(f"<div>After {code_of(boxes[-1]['name'])}: {escaped(payload['stories'][-1])}.</div>")
    parts.append(f'<div style="{DIM}">{escaped(payload["reads"])}; best token and its probability</div>')
    parts.append(
        f'<div style="overflow:auto;max-height:480px"><table><tr><th>layer</th>{head}</tr>{rows}</table></div>'
    )
    if start:
        parts.append(f"<div>The last {_COLUMNS} of {len(boxes)} positions.</div>")
    parts += [
        f"<div>{escaped(payload['rest'])}</div>" if payload["rest"] else "",
        _followed(payload),
        f'<div style="{DIM}">{escaped(" · ".join(payload["provenance"]))}</div>',
    ]
    return f'<div style="line-height:1.5">{"".join(parts)}</div>'


def _row(payload: dict[str, Any], row: dict[str, Any], start: int) -> str:
    cells = "".join(_cell(payload["words"], cell) for cell in row["cells"][start:])
    return f'<tr><th style="{_RIGHT}">{row["layer"]}</th>{cells}</tr>'


def _cell(words: list[str], cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "<td></td>"
    red, green, blue = FOR
    colour = f"background-color:rgba({red},{green},{blue},{cell['p'] * TINT:.2f})"
    return f'<td style="{_LEFT};{colour}">{code_of(words[cell["ids"][0]])} {escaped(cell["labels"][0])}</td>'


def _followed(payload: dict[str, Any]) -> str:
    """At the last position, layer by layer: entropy, divergence, and the ranks of the followed tokens."""
    if not payload["boxes"]:
        return ""
    names = [payload["words"][i] for i in payload["followed"]]
    heads = ["layer", "entropy, nats", "from the final, nats"]
    head = "".join(f'<th style="{_RIGHT}">{escaped(text)}</th>' for text in heads)
    head += "".join(f'<th style="{_RIGHT}">rank {code_of(name)}</th>' for name in names)
    rows = ""
    for row in reversed(payload["rows"]):
        cell = row["cells"][-1]
        if cell is not None:
            numbers = [row["layer"], cell["entropy"], cell["divergence"], *cell["ranks"]]
            rows += "<tr>" + "".join(f'<td style="{_RIGHT}">{escaped(str(x))}</td>' for x in numbers) + "</tr>"
    name = code_of(payload["boxes"][-1]["name"])
    return f"<details><summary>Layer by layer after {name}</summary><table><tr>{head}</tr>{rows}</table></details>"


def lens_page(result: LensResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page with the view in it; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the
    view is not built."""
    payload = lens_payload(result)
    return view_page("lens", payload, lens_html(payload), path)
