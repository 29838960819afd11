"""`to_html()` of patching: a page with the data and the view in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.locate.patch_html import patch_html
from interp_widgets.locate.patch_payload import patch_payload
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.locate.patch_result import PatchResult


def patch_page(result: PatchResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = patch_payload(result)
    return view_page("patch", payload, patch_html(payload), path)
