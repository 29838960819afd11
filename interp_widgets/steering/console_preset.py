"""The console's settings as a JSON document, and the words for them; no torch is needed to read one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interp_widgets.errors import FileFormatError
from interp_widgets.steering.console import Used
from interp_widgets.storage import atomic_file

_PRESET, _VERSION = "steering settings", 1
_NAMES = {"layers", "positions", "keep_norm", "max_new_tokens", "temperature", "seed", "past"}
POSITIONS = {
    "all": "all positions",
    "prompt": "the prompt only",
    "generated": "what is generated only",
    "last": "the last position and what is generated",
}
SCORE, PROJECTION = "score", "projection, in residual norms"


def preset(vectors: Sequence[Used], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as a JSON document that `from_preset` reads; the prompt is no part of it."""
    return {
        "interp_widgets": _PRESET,
        "version": _VERSION,
        "vectors": {used.name: {"strength": used.strength, "layers": list(used.layers)} for used in vectors},
        **settings,
    }


def from_preset(document: Any) -> dict[str, Any]:
    """The wishes that a preset holds, for `Settings.changed`. Raises FileFormatError."""
    if not isinstance(document, Mapping) or document.get("interp_widgets") != _PRESET:
        raise FileFormatError("these are no steering settings; the console's Save menu and save_settings write them")
    if document.get("version") != _VERSION:
        raise FileFormatError(f"these settings have version {document.get('version')!r}; this package reads {_VERSION}")
    try:
        strengths = {str(name): one["strength"] for name, one in document["vectors"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"these settings are damaged: their vectors cannot be read ({error})") from error
    known = _NAMES
    rest = {name: value for name, value in document.items() if name not in ("interp_widgets", "version", "vectors")}
    if rest.keys() - known:
        raise FileFormatError(f"these settings have unknown parts: {', '.join(sorted(rest.keys() - known))}")
    return {**rest, "strengths": strengths}


def write_preset(path: str | os.PathLike[str], document: Mapping[str, Any]) -> Path:
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return Path(path)


def read_preset(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise FileFormatError(f"{os.fspath(path)} is not JSON: {error}") from error
    return document
