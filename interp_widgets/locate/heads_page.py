"""`to_html()` of heads: a page with the data and the view in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.locate.heads_html import heads_html
from interp_widgets.locate.heads_payload import heads_payload
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.locate.heads_result import HeadsResult


def heads_page(result: HeadsResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = heads_payload(result)
    return view_page("heads", payload, heads_html(payload), path)
