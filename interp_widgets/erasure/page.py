"""`to_html()` of an erasure result: a page with the data and the view in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.erasure.payload import erasure_payload
from interp_widgets.erasure.twin import erasure_html
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.erasure.result import ErasureResult


def erasure_page(result: ErasureResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = erasure_payload(result)
    return view_page("erasure", payload, erasure_html(payload), path)
