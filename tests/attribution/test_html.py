"""The script-free twin: the same numbers, nothing that acts, and only what an untrusted notebook keeps."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.attribution.html import highlight_html
from interp_widgets.attribution.payload import highlight_payload
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.results.markup import AGAINST, FOR, TINT
from tests.builders import DO_NOT_TRUST, make_chat_result, make_emoji_result, make_result

# What JupyterLab 4's sanitiser keeps of it (checked against the rules in its bundle).
TAGS = {"div", "b", "span", "code", "bdi", "details", "summary", "p", "table", "tr", "td", "th"}
ATTRIBUTES = {"style", "dir", "title", "open"}
NUMBER = r"\d*\.?\d+"
COLOUR = rf"rgba?\(\d+,\d+,\d+(,{NUMBER})?\)"
STYLES = {
    "max-width": rf"{NUMBER}px", "max-height": rf"{NUMBER}px", "width": rf"{NUMBER}(px|%)", "height": rf"{NUMBER}px",
    "line-height": NUMBER, "opacity": NUMBER, "font-family": "monospace", "font-size": rf"{NUMBER}px",
    "white-space": "pre-wrap", "overflow-wrap": "break-word", "overflow": "auto", "padding": r"\d+px \d+px",
    "text-align": "left|right", "background-color": COLOUR, "border-bottom": rf"\d+px (solid|dashed) {COLOUR}",
    "background-image": rf"linear-gradient\(135deg(,({COLOUR}|transparent) \d+%)+\)", "background-size": r"\d+px \d+px",
}  # fmt: skip


class Page(HTMLParser):
    """Elements, styles, and the text of each table row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.styles: list[str] = []
        self.attributes: set[str] = set()
        self.rows: list[list[str]] = []
        self.text = ""
        self._cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.styles += [value or "" for name, value in attrs if name == "style"]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell:
            self.rows[-1][-1] += data


def hostile() -> AttributionResult:
    pieces = ["<script>alert(1)</script>", " </style>", "\u202e", "שלום", "\n", "\u2028", "<!--", "&amp;", "\"x'"]
    verdict = DO_NOT_TRUST
    return make_result(pieces=pieces, target="</div><img src=x onerror=alert(1)>", verdict=verdict)


@pytest.mark.parametrize("make", [make_result, make_chat_result, make_emoji_result, hostile])
def test_its_numbers_are_those_of_the_payload(make: Any) -> None:
    payload = highlight_payload(make())
    page = Page(highlight_html(payload))
    boxes = payload["boxes"]
    scores = page.rows[1 : len(boxes) + 1]
    assert [row[1] for row in scores] == [box["label"] for box in boxes]
    assert [row[0].partition(" (")[0] for row in scores] == [box["name"] for box in boxes]
    candidates = page.rows[len(boxes) + 2 :]
    assert [row[:2] for row in candidates] == [[c["name"], c["label"]] for c in payload["candidates"]]
    for text in (payload["verdict"]["sentence"], payload["scale"]["label"], *payload["provenance"]):
        assert text in page.text
    assert "".join(box["text"] for box in boxes) in page.text
    for box in boxes:
        for part in box["parts"]:
            assert f"{part['name']} {part['label']}" in page.text


@pytest.mark.parametrize("make", [make_result, make_emoji_result, hostile])
def test_an_untrusted_notebook_keeps_all_of_it(make: Any) -> None:
    page = Page(highlight_html(highlight_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, max_size=6))
def test_text_is_data(pieces: list[str]) -> None:
    page = Page(highlight_html(highlight_payload(make_result(pieces=pieces, target="".join(pieces)))))
    assert set(page.tags) <= TAGS


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def over(colour: tuple[int, ...], opacity: float, ground: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(opacity * c + (1 - opacity) * g for c, g in zip(colour, ground, strict=True))


# Text and ground of JupyterLab's light and dark themes, of a plain page, and of an editor's dark grey.
THEMES = [((33, 33, 33), (255, 255, 255)), ((222, 222, 222), (17, 17, 17)), ((0, 0, 0), (255, 255, 255)),
          ((204, 204, 204), (31, 31, 31))]  # fmt: skip


@pytest.mark.parametrize(("text", "ground"), THEMES)
def test_contrast_in_every_theme(text: tuple[int, ...], ground: tuple[int, ...]) -> None:
    for hue in (FOR, AGAINST):
        assert contrast(text, over(hue, TINT, ground)) >= 4.5
        assert contrast(hue, ground) >= 3
    assert contrast(over(text, 0.75, ground), ground) >= 4.5


def test_a_picture_not_to_be_trusted_is_muted() -> None:
    sure = highlight_html(highlight_payload(make_result()))
    unsure = highlight_html(highlight_payload(make_result(verdict=DO_NOT_TRUST)))
    assert "opacity:.5;" in unsure
    assert "opacity:.5;" not in sure
    assert "rgba(0,114,178,0.33)" in sure
    assert "rgba(0,114,178,0.13)" in unsure


def test_zero_scores_have_no_bar() -> None:
    page = highlight_html(highlight_payload(make_result(scores=np.zeros(5))))
    assert "background-color" not in page
