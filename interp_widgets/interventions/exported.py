"""A folder that an export writes: whole or not at all, with a card that says what was changed.

1. It is filled beside its place and renamed (`storage.atomic_directory`).
2. A list of its files lies in it, so that a later export may replace it, and nothing else is ever replaced.
3. README.md tells whoever gets the folder what the changes are.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interp_widgets._version import __version__
from interp_widgets.errors import ArgumentError
from interp_widgets.storage import atomic_directory

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel

LIST = "interp-widgets.json"
CARD = "README.md"
_MOST_LINES = 200  # of what was changed; an edit may have thousands of facts


@contextlib.contextmanager
def exported_folder(path: str | os.PathLike[str], what: str) -> Iterator[Path]:
    """Yield a folder to fill; it becomes `path` when the block ends well. what: "adapter" or "checkpoint".

    Raises ArgumentError if something stands there that no export wrote; DiskFullError.
    """
    final = Path(path)
    _check_free(final, what)
    with atomic_directory(final) as folder:
        yield folder
        files = sorted(file.name for file in folder.iterdir())
        about = {"what": what, "version": __version__, "files": files}
        (folder / LIST).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        if os.name == "posix":  # weights are written for their owner alone, and the others for whoever may read
            readable = (folder / LIST).stat().st_mode & 0o666
            for file in folder.iterdir():
                file.chmod(readable)


def _check_free(path: Path, what: str) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise ArgumentError(f"path={os.fspath(path)!r} is a file; name a folder that is to be made")
    found = {entry.name for entry in path.iterdir()}
    if not found:
        return
    try:
        about = json.loads((path / LIST).read_text(encoding="utf-8"))
        ours = {*map(str, about["files"]), LIST} if about["what"] == what else set()
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    others = sorted(found - ours)
    if others:
        raise ArgumentError(
            f"path={os.fspath(path)!r} holds {others[0]!r}, which no export of this kind wrote; name a new folder, or"
            f" a folder of an earlier export of the same kind"
        )


def base_name(lm: LanguageModel) -> str:
    """How a card and an adapter call the model: its hub id or title; a folder of this machine would say nothing."""
    known = str(getattr(lm.model.config, "_name_or_path", "") or "")
    return known if known and not Path(known).is_absolute() and known.count("/") == 1 else lm.name


def card(lm: LanguageModel, changes: Sequence[Intervention], what: str, notes: Sequence[str]) -> str:
    """Markdown: what was changed on which model, then the notes."""
    lines = [line for change in changes for line in change.account()]
    shown = [f"- {_one_line(line)}" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"- and {len(lines) - _MOST_LINES} more")
    return "\n".join(
        [
            f"# {what[0].upper()}{what[1:]} of {base_name(lm)}",
            "",
            f"Written by Interp Widgets {__version__} from the model with fingerprint `{lm.fingerprint}`.",
            "",
            "Changed:" if shown else "Nothing was changed.",
            *([""] if shown else []),
            *shown,
            "",
            *(note for one in notes for note in (one, "")),
            "What an edit does beyond its own facts has to be measured: paraphrases, neighbouring facts, other texts.",
            "",
        ]
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
