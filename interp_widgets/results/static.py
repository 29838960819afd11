"""The built browser files of this package, read once, and how data and scripts stand safely inside a page."""

from __future__ import annotations

import errno
import json
import re
from functools import cache
from typing import Any

from interp_widgets.packed import packed_text


@cache
def static_text(name: str) -> str:
    """A built file of the views. Raises FileNotFoundError, saying how to build it; MissingPackageError as
    `packed_text` does."""
    try:
        return packed_text(f"static/{name}")
    except FileNotFoundError:
        raise FileNotFoundError(
            errno.ENOENT,
            "the browser files of this package are not built; in a source tree run `make build`, otherwise reinstall "
            "interp-widgets from its wheel. Missing",
            name,
        ) from None


def inline_json(data: Any) -> str:
    """JSON for a `<script type="application/json">`: ASCII, and nothing that HTML or old JavaScript would act on."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))  # ASCII: U+2028 is written as an escape
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def inline_script(name: str) -> str:
    """A built script as the content of a `<script>`: what would end or comment out the element is escaped.

    In JavaScript these sequences can stand in strings, templates and regular expressions only, where `\\x3c` is `<`.
    """
    return re.sub(r"<(?=/script|!--|script)", r"\\x3c", static_text(name), flags=re.IGNORECASE)


def inline_style(name: str) -> str:
    """A built style sheet as the content of a `<style>`; what would end the element is escaped as CSS writes it."""
    return re.sub(r"</(?=style)", r"<\\/", static_text(name), flags=re.IGNORECASE)
