"""The built browser files of this package, read once, and how data and scripts stand safely inside a page."""

from __future__ import annotations

import errno
import json
import re
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any

from interp_widgets.errors import MissingPackageError

FOLDER = files("interp_widgets").joinpath("static")


@cache
def static_text(name: str) -> str:
    """A built file of the views: the loose one of a source tree, otherwise the one that the wheel brings packed.

    Raises FileNotFoundError, saying how to build it; MissingPackageError where this Python cannot unpack.
    """
    with suppress(FileNotFoundError):
        return FOLDER.joinpath(name).read_text("utf-8")
    try:
        return _unpacked()[name]
    except (FileNotFoundError, KeyError):
        raise FileNotFoundError(
            errno.ENOENT,
            "the browser files of this package are not built; in a source tree run `make build`, otherwise reinstall "
            "interp-widgets from its wheel. Missing",
            name,
        ) from None


@cache
def _unpacked() -> dict[str, str]:
    """The text of each bundle by its name, from what `hatch_build.py` packed. Raises as `static_text` does."""
    packed = FOLDER.joinpath("views.json.xz").read_bytes()
    try:
        import lzma  # only here: some builds of Python lack it, and a source tree does without
    except ImportError as error:
        raise MissingPackageError(
            "the views are packed with xz, and this Python was built without its standard module lzma; use a Python "
            "that has it (python -c 'import lzma' says nothing), or run from a source tree after `make build`"
        ) from error
    texts: dict[str, str] = json.loads(lzma.decompress(packed))
    return texts


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
