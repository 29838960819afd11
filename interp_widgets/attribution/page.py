"""`to_html`: a page with the data and the view in it, which works from a disk, offline, for as long as browsers do."""

from __future__ import annotations

import html
import os
from typing import TYPE_CHECKING, Any

from interp_widgets.attribution.compare_html import compare_html
from interp_widgets.attribution.compare_payload import compare_payload
from interp_widgets.attribution.html import highlight_html
from interp_widgets.attribution.matrix_html import matrix_html
from interp_widgets.attribution.matrix_payload import matrix_payload
from interp_widgets.attribution.payload import highlight_payload
from interp_widgets.results.static import inline_json, inline_script
from interp_widgets.storage import atomic_file

if TYPE_CHECKING:
    from interp_widgets.attribution.comparison import ComparisonResult
    from interp_widgets.attribution.matrix import MatrixResult
    from interp_widgets.attribution.result import AttributionResult

# The browser itself refuses any request that this page would make; images are those that Save writes.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 16px; font: 13px/1.5 system-ui, sans-serif }}
</style>
</head>
<body>
<main><script type="application/json" data-interp="{name}">{data}</script></main>
<noscript>{twin}</noscript>
<script>{script}</script>
</body>
</html>
"""


def highlight_page(result: AttributionResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = highlight_payload(result)
    return _page("highlight", payload, highlight_html(payload), path)


def compare_page(result: ComparisonResult, path: str | os.PathLike[str] | None = None) -> str:
    """As `highlight_page`, of several methods."""
    payload = compare_payload(result)
    return _page("compare", payload, compare_html(payload), path)


def matrix_page(result: MatrixResult, path: str | os.PathLike[str] | None = None) -> str:
    """As `highlight_page`, of generated text and its sources."""
    payload = matrix_payload(result)
    return _page("matrix", payload, matrix_html(payload), path)


def _page(name: str, payload: dict[str, Any], twin: str, path: str | os.PathLike[str] | None) -> str:
    page = _PAGE.format(
        policy=_POLICY,
        name=name,
        title=html.escape("".join(part["text"] for part in payload["title"])),
        data=inline_json(payload),
        twin=twin,
        script=inline_script(f"{name}.page.js"),
    )
    if path is not None:
        with atomic_file(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    return page
