"""In a wheel the views' bundles are one packed file: they share most of their code, so together they take a third.

A source tree, an editable install and the sdist keep them loose. `interp_widgets/results/static.py` reads both.
"""

from __future__ import annotations

import json
import lzma
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilderConfig

STATIC = "interp_widgets/static"


class PackViews(BuildHookInterface[WheelBuilderConfig]):
    """Runs after npm's build, which is declared for all targets and so comes first."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        bundles = sorted(file for file in Path(self.root, STATIC).glob("*") if file.suffix in (".js", ".css"))
        if not bundles:
            raise FileNotFoundError(f"no view is built in {STATIC}: run `make build`")
        text = json.dumps({file.name: file.read_text("utf-8") for file in bundles}, ensure_ascii=False)
        self.room = tempfile.TemporaryDirectory()
        packed = Path(self.room.name, "views.json.xz")
        packed.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        build_data["force_include"][str(packed)] = f"{STATIC}/{packed.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self.room.cleanup()
