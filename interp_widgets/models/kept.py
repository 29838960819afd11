"""What is computed once for a model and kept in the user's cache: a file for each, named by all that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from interp_widgets.errors import FileFormatError
from interp_widgets.storage import read_bundle, write_bundle

Made = TypeVar("Made")


@dataclass(frozen=True)
class Kept:
    """One such file; it may not exist yet."""

    path: Path
    kind: str
    version: int

    @classmethod
    def within(cls, folder: Path, kind: str, version: int, depends: Sequence[object]) -> Kept:
        """depends: JSON values; what was computed from others has another name."""
        digest = hashlib.sha256(json.dumps(list(depends)).encode()).hexdigest()[:32]
        return cls(folder / f"{digest}.safetensors", kind, version)

    def find(self, make: Callable[[dict[str, Any], dict[str, NDArray[Any]]], Made]) -> Made | None:
        """What `make` makes of the document and the arrays; None where there is no file, or a damaged one."""
        try:
            return make(*read_bundle(self.path, self.kind, version=self.version))
        except (FileNotFoundError, FileFormatError, KeyError, TypeError):
            return None

    def write(self, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Raises DiskFullError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_bundle(self.path, self.kind, self.version, document, arrays)
