"""A faithfulness result as script-free tables, and as a page of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.faithfulness.text import Table, provenance, remarks, tables, title
from interp_widgets.results.markup import DIM, MARKS, escaped, why_of
from interp_widgets.results.page import plain_page

if TYPE_CHECKING:
    from interp_widgets.faithfulness.result import FaithfulnessResult

_RIGHT = "text-align:right;padding:0px 8px"
_LEFT = "text-align:left;padding:0px 8px"


def _table(heading: str, table: Table) -> str:
    head, rows = table

    def row(cells: tuple[str, ...], tag: str) -> str:
        styles = [_LEFT, *[_RIGHT] * (len(cells) - 1)]
        return "".join(
            f'<{tag} style="{style}">{escaped(cell)}</{tag}>' for cell, style in zip(cells, styles, strict=True)
        )

    body = "".join(f"<tr>{row(one, 'td')}</tr>" for one in rows)
    return (
        f'<table style="border-collapse:collapse;margin:6px 0px"><caption style="text-align:left;padding:2px 8px">'
        f"<b>{escaped(heading)}</b></caption><thead><tr>{row(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"
    )


def twin(result: FaithfulnessResult) -> str:
    """The result as one element; all text is escaped."""
    verdict = result.verdict
    parts = [
        '<div style="max-width:720px;line-height:1.5">',
        f"<div><b>{escaped(title(result))}</b></div>",
        f"<div><b>{MARKS[verdict.word]} {escaped(verdict.word)}</b> {escaped(verdict.sentence)}</div>",
        *(_table(heading, table) for heading, table in tables(result)),
        *(f"<div>{escaped(one)}</div>" for one in remarks(result)),
        why_of(list(verdict.why)),
        f'<div style="{DIM}">{escaped(provenance(result))}</div>',
        "</div>",
    ]
    return "".join(parts)


def page(result: FaithfulnessResult, path: str | os.PathLike[str] | None) -> str:
    return plain_page(title(result), twin(result), path)
