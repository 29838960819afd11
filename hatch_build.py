"""In a wheel the views' bundles and the package's texts are one packed file, and code is compressed harder.

The bundles share most of their code, so together they take a quarter. A source tree, an editable install and the sdist
keep all loose. `interp_widgets/packed.py` reads both.
"""

from __future__ import annotations

import json
import lzma
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilderConfig

PACKAGE = "interp_widgets"
STATIC = f"{PACKAGE}/static"
OTHERS = ("course", "labextension", "static")  # each lab keeps its own files; the bundles are counted by themselves


class PackTexts(BuildHookInterface[WheelBuilderConfig]):
    """Runs after npm's build, which is declared for all targets and so comes first."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        package = Path(self.root, PACKAGE)
        bundles = [file for file in Path(self.root, STATIC).glob("*") if file.suffix in (".js", ".css")]
        if not bundles:
            raise FileNotFoundError(f"no view is built in {STATIC}: run `make build`")
        texts = [
            file
            for file in package.rglob("*")
            if file.suffix in (".json", ".txt") and file.relative_to(package).parts[0] not in OTHERS
        ]
        named = {file.relative_to(package).as_posix(): file.read_text("utf-8") for file in sorted([*bundles, *texts])}
        self.room = tempfile.TemporaryDirectory()
        packed = Path(self.room.name, "packed.json.xz")
        packed.write_bytes(
            lzma.compress(json.dumps(named, ensure_ascii=False).encode(), preset=9 | lzma.PRESET_EXTREME)
        )
        build_data["force_include"][str(packed)] = f"{PACKAGE}/{packed.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            compress_harder(Path(artifact_path), Path(self.room.name))
            self.room.cleanup()


def compress_harder(wheel: Path, room: Path) -> None:
    """Write the archive again with zopfli, whose deflate any installer reads: 3 % smaller."""
    from zopfli import ZipFile

    smaller = room / wheel.name
    with zipfile.ZipFile(wheel) as old, ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry))
    shutil.move(smaller, wheel)
