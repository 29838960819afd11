"""`to_html()` of a causal trace: a page with the data and the view in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.locate.trace_html import trace_html
from interp_widgets.locate.trace_payload import trace_payload
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.locate.trace_result import TraceResult


def trace_page(result: TraceResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = trace_payload(result)
    return view_page("trace", payload, trace_html(payload), path)
