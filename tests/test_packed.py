"""What the package ships beside code is read loose or packed."""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interp_widgets import packed
from interp_widgets.errors import MissingPackageError
from interp_widgets.results import static


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an installed wheel, with four texts in one packed file; what was read is forgotten afterwards."""
    texts = {"static/a.css": ".a::after{content:'–'}", "static/a.js": "packed", "sets/b.json": "{}", "sets/a.json": "1"}
    (tmp_path / "packed.json.xz").write_bytes(lzma.compress(json.dumps(texts).encode()))
    monkeypatch.setattr(packed, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    static.static_text.cache_clear()
    packed._unpacked.cache_clear()


def test_texts_are_unpacked_once(folder: Path) -> None:
    assert static.static_text("a.js") == "packed"
    (folder / "packed.json.xz").unlink()
    assert static.static_text("a.css") == ".a::after{content:'–'}"
    assert packed.packed_text("sets/a.json") == "1"
    assert packed.packed_names("sets") == ("a", "b")
    with pytest.raises(FileNotFoundError, match=r"make build.*b\.js"):
        static.static_text("b.js")
    with pytest.raises(FileNotFoundError, match=r"reinstall interp-widgets.*sets/c\.json"):
        packed.packed_text("sets/c.json")


def test_a_loose_text_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lzma", None)
    for room in ("static", "sets"):
        (folder / room).mkdir()
    (folder / "static/a.js").write_text("built just now")
    (folder / "sets/z.json").write_text("2")
    (folder / "sets/notes.txt").write_text("3")
    assert static.static_text("a.js") == "built just now"
    assert packed.packed_names("sets") == ("z",)
    with pytest.raises(MissingPackageError, match="without its standard module lzma"):
        static.static_text("a.css")


def test_a_source_tree_has_its_texts_loose() -> None:
    assert packed.packed_names("faithfulness/sets") == ("arithmetic", "common_sense", "logic")
    assert packed.packed_text("locate/subjects.txt")
