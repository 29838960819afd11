"""Which Jupyter serves this kernel, and which front-end extensions it finds.

A kernel and the server that started it may live in different environments. The server's is read off the command line
of the process that started the kernel; outside a kernel, it is that of the `jupyter-lab` command on the PATH.
Extensions are looked up as `jupyter labextension list` does: the first folder of the search path that has them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAMS = ("jupyter-lab", "jupyter-labhub", "jupyter-notebook", "jupyter-server", "jupyterhub-singleuser", "jupyter")


@dataclass(frozen=True)
class Extension:
    """An installed prebuilt extension: its folder and its package.json."""

    folder: Path
    document: dict[str, Any]

    @property
    def version(self) -> str:
        return str(self.document.get("version", "unknown"))

    @property
    def built(self) -> bool:
        jupyterlab = self.document.get("jupyterlab")
        return isinstance(jupyterlab, dict) and bool(jupyterlab.get("_build"))


def server_prefix() -> Path | None:
    """The environment that the server runs from; None if there is none, or it cannot be seen."""
    if "ipykernel" in sys.modules:
        return _prefix_of(_command_of_parent())
    command = shutil.which("jupyter-lab")
    if command is not None:
        return _prefix_of([command])
    return Path(sys.prefix) if importlib.util.find_spec("jupyterlab") is not None else None


def _command_of_parent() -> list[str]:
    pid = os.environ.get("JPY_PARENT_PID", "") or str(os.getppid())
    try:
        import psutil

        return list(psutil.Process(int(pid)).cmdline())
    except Exception:  # psutil is missing, or the system does not let us look; then we do not know
        return []


def _prefix_of(command: list[str]) -> Path | None:
    """The environment of a command like [".../bin/python", ".../bin/jupyter-lab", ...].

    Programs are not resolved: in a virtual environment python is a link to somewhere else.
    """
    for word in command[:3]:
        path = Path(word)
        is_program = path.stem in _PROGRAMS or path.stem.startswith("python")
        if is_program and path.is_absolute() and path.parent.name in ("bin", "Scripts"):
            return path.parent.parent
    return None


def extension_folders(prefix: Path | None) -> list[Path]:
    """Where a server of the environment `prefix` looks for prebuilt extensions, first one first."""
    own = Path(sys.prefix)
    server = own if prefix is None else prefix
    folders = [server / "share" / "jupyter" / "labextensions"]
    if importlib.util.find_spec("jupyter_core") is not None:
        from jupyter_core.paths import jupyter_path

        folders += [Path(folder) for folder in jupyter_path("labextensions")]
    if not _same(server, own):
        folders = [folder for folder in folders if own not in folder.parents]
    return list(dict.fromkeys(folders))


def _same(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


def is_other_environment(prefix: Path | None) -> bool:
    """True if the server is known to run from another environment than this kernel."""
    return prefix is not None and not _same(prefix, Path(sys.prefix))


def find_extension(name: str, folders: list[Path]) -> Extension | None:
    """The first copy of a prebuilt extension in these folders."""
    for folder in folders:
        try:
            document = json.loads((folder / name / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(document, dict):
            return Extension(folder / name, document)
    return None


def is_disabled(name: str, prefix: Path | None) -> bool:
    """Whether a server of this environment has the extension switched off."""
    folders = [(Path(sys.prefix) if prefix is None else prefix) / "etc" / "jupyter"]
    if importlib.util.find_spec("jupyter_core") is not None:
        from jupyter_core.paths import jupyter_config_path

        folders += [Path(folder) for folder in jupyter_config_path()]
    for folder in folders:
        try:
            page = json.loads((folder / "labconfig" / "page_config.json").read_text(encoding="utf-8"))
            disabled = page.get("disabledExtensions", {})
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(disabled, list):
            disabled = dict.fromkeys(disabled, True)
        if isinstance(disabled, dict) and disabled.get(name) is True:
            return True
    return False
