"""What this package ships beside code: loose files in a source tree, one packed file in a wheel (`hatch_build.py`)."""

from __future__ import annotations

import errno
import json
from contextlib import suppress
from functools import cache
from importlib.resources import files

from interp_widgets.errors import MissingPackageError

ROOT = files("interp_widgets")
PACKED = "packed.json.xz"


def packed_text(name: str) -> str:
    """A file by its path below the package ("steering/sets/honesty.json"): the loose one, otherwise the packed one.

    Raises FileNotFoundError; MissingPackageError where this Python cannot unpack.
    """
    with suppress(FileNotFoundError):
        return ROOT.joinpath(name).read_text("utf-8")
    texts = _unpacked()
    if name not in texts:
        raise FileNotFoundError(errno.ENOENT, "this file of the package is missing; reinstall interp-widgets", name)
    return texts[name]


def packed_names(folder: str) -> tuple[str, ...]:
    """Names, without ending, of the JSON files of a folder ("steering/sets"), sorted. Raises as `packed_text` does."""
    loose = ROOT.joinpath(folder)
    names = [file.name for file in loose.iterdir()] if loose.is_dir() else []
    names = [name for name in names if name.endswith(".json")] or [
        name.removeprefix(f"{folder}/") for name in _unpacked() if name.startswith(f"{folder}/")
    ]
    return tuple(sorted(name.removesuffix(".json") for name in names))


@cache
def _unpacked() -> dict[str, str]:
    """The text of each packed file by its path; none in a source tree."""
    try:
        packed = ROOT.joinpath(PACKED).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        import lzma  # only here: some builds of Python lack it, and a source tree does without
    except ImportError as error:
        raise MissingPackageError(
            "the views and texts are packed with xz, and this Python was built without its standard module lzma; use "
            "a Python that has it (python -c 'import lzma' says nothing), or run from a source tree after `make build`"
        ) from error
    texts: dict[str, str] = json.loads(lzma.decompress(packed))
    return texts
