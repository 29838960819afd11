"""Data and scripts inside a page stay data and scripts."""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.errors import MissingPackageError
from interp_widgets.results import static


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an installed wheel, with one packed file of two bundles; what was read is forgotten afterwards."""
    texts = {"a.css": ".a::after{content:'–'}", "a.js": "packed"}
    (tmp_path / "views.json.xz").write_bytes(lzma.compress(json.dumps(texts).encode()))
    monkeypatch.setattr(static, "FOLDER", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    static.static_text.cache_clear()
    static._unpacked.cache_clear()


@given(st.text())
def test_data_cannot_leave_its_script(text: str) -> None:
    inlined = static.inline_json({"text": text})
    assert not set("<>&\u2028\u2029") & set(inlined)
    assert inlined.isascii()
    assert json.loads(inlined) == {"text": text}


def test_scripts_cannot_end_their_element(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "static_text", lambda name: 'a="</SCRIPT><!--<script";b=1<2')
    assert static.inline_script("any.js") == r'a="\x3c/SCRIPT>\x3c!--\x3cscript";b=1<2'


def test_style_sheets_cannot_end_their_element(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "static_text", lambda name: 'a::before{content:"</STYLE>"}')
    assert static.inline_style("any.css") == r'a::before{content:"<\/STYLE>"}'


def test_a_view_that_was_not_built_says_how() -> None:
    with pytest.raises(FileNotFoundError, match="make build"):
        static.static_text("no-such-view.js")


def test_packed_bundles_are_unpacked_once(folder: Path) -> None:
    assert static.static_text("a.js") == "packed"
    (folder / "views.json.xz").unlink()
    assert static.static_text("a.css") == ".a::after{content:'–'}"
    with pytest.raises(FileNotFoundError, match=r"make build.*b\.js"):
        static.static_text("b.js")


def test_a_loose_bundle_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lzma", None)
    (folder / "a.js").write_text("built just now")
    assert static.static_text("a.js") == "built just now"
    with pytest.raises(MissingPackageError, match="without its standard module lzma"):
        static.static_text("a.css")
