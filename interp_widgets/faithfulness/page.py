"""`to_html()` of a faithfulness result: a page with the data and the view in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from interp_widgets.faithfulness.html import faithfulness_html
from interp_widgets.faithfulness.payload import faithfulness_payload
from interp_widgets.results.page import view_page

if TYPE_CHECKING:
    from interp_widgets.faithfulness.result import FaithfulnessResult


def page(result: FaithfulnessResult, path: str | os.PathLike[str] | None = None) -> str:
    """The page; written to `path`, whole or not at all, if given. Raises FileNotFoundError if the view is not built."""
    payload = faithfulness_payload(result)
    return view_page("faithfulness", payload, faithfulness_html(payload), path)
