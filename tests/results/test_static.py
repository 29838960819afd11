"""Data and scripts inside a page stay data and scripts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.results import static


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
