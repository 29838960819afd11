"""`to_html`: a page with the data and the view in it, which works from a disk, offline, for as long as browsers do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.attribution.compare_html import compare_html
from interp_widgets.attribution.compare_payload import compare_payload
from interp_widgets.attribution.html import highlight_html
from interp_widgets.attribution.matrix_html import matrix_html
from interp_widgets.attribution.matrix_payload import matrix_payload
from interp_widgets.attribution.payload import highlight_payload
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.attribution.comparison import ComparisonResult
    from interp_widgets.attribution.matrix import MatrixResult
    from interp_widgets.attribution.result import AttributionResult


def highlight_page(result: AttributionResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = highlight_payload(result)
    return view_page("highlight", payload, highlight_html(payload), path)


def compare_page(result: ComparisonResult, path: str | os.PathLike[str] | None = None) -> str:
    """As `highlight_page`, of several methods."""
    payload = compare_payload(result)
    return view_page("compare", payload, compare_html(payload), path)


def matrix_page(result: MatrixResult, path: str | os.PathLike[str] | None = None) -> str:
    """As `highlight_page`, of generated text and its sources."""
    payload = matrix_payload(result)
    return view_page("matrix", payload, matrix_html(payload), path)
