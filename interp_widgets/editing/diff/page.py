"""`to_html()` of an edit diff: a page with the data and the view in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.editing.diff.html import diff_html
from interp_widgets.editing.diff.payload import diff_payload
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.editing.diff.result import EditDiff


def diff_page(result: EditDiff, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = diff_payload(result)
    return view_page("edit", payload, diff_html(payload), path)
