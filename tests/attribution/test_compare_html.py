"""The other forms of a comparison: script-free twin, text, plot, page, and what a notebook keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.attribution.compare_html import compare_html
from interp_widgets.attribution.compare_payload import MIME_TYPE, compare_payload
from interp_widgets.attribution.comparison import ComparisonResult
from interp_widgets.results.base import Result
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.builders import DO_NOT_TRUST, TRUST, make_comparison, make_emoji_result, make_entry


def hostile() -> ComparisonResult:
    pieces = ["<script>alert(1)</script>", " </style>", "\u202e", "שלום", "\n", "\u2028", "<!--", "&amp;", "\"x'"]
    entries = (make_entry("a", label="<b>a</b>"), make_entry("b", label="b&", verdict=DO_NOT_TRUST))
    scores = np.stack([np.arange(9.0) - 4, 4 - np.arange(9.0)])
    return make_comparison(
        pieces=pieces, entries=entries, scores=scores, agreement=np.array([[1.0, -1.0], [-1.0, 1.0]]),
        target="</div><img src=x onerror=alert(1)>",
    )  # fmt: skip


def emoji() -> ComparisonResult:
    one = make_emoji_result()
    return make_comparison(pieces=["Hi", " 👋", "!"], tokens=one.tokens, token_ids=one.token_ids, spans=one.spans)


MAKERS = [make_comparison, hostile, emoji]


@pytest.mark.parametrize("make", MAKERS)
def test_its_numbers_are_those_of_the_payload(make: Callable[[], ComparisonResult]) -> None:
    payload = compare_payload(make())
    page = Page(compare_html(payload))
    boxes, methods = payload["boxes"], payload["methods"]
    scores = page.rows[1 : len(boxes) + 1]
    assert page.rows[0][1:] == [method["label"] for method in methods]
    for i, (row, box) in enumerate(zip(scores, boxes, strict=True)):
        assert row[0].partition(" (")[0] == box["name"]
        assert row[1:] == [f"{method['labels'][i]} (rank {method['ranks'][i]})" for method in methods]
    agreement = page.rows[len(boxes) + 2 : len(boxes) + 2 + len(methods)]
    assert [row[1:] for row in agreement] == [[cell["label"] for cell in row] for row in payload["agreement"]]
    for method in methods:
        for told in (
            method["verdict"]["word"],
            method["verdict"]["sentence"],
            method["cost"],
            method["scale"]["label"],
        ):
            assert told in page.text
    for token in payload["differ"]:
        assert f"{token['name']}: {token['sentence']}" in page.text
    assert payload["sentence"] in page.text
    assert " · ".join(payload["provenance"]) in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_it(make: Callable[[], ComparisonResult]) -> None:
    page = Page(compare_html(compare_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


def test_text_names_every_method_with_its_verdict() -> None:
    text = str(make_comparison())
    assert "● trust: deleting" in text
    assert "■ do not trust: scores sum" in text
    assert "·capital" in text
    assert "+4.40 #1" in text
    assert "rank correlation" in text


def test_plot_has_a_panel_for_each_method() -> None:
    figure = make_comparison().plot()
    assert [axes.get_title().splitlines()[0] for axes in figure.axes] == [
        "leave-one-out", "Shapley values", "integrated gradients"
    ]  # fmt: skip
    assert "Canberra" in figure.get_suptitle()
    assert figure.axes[0].get_xlim()[1] == pytest.approx(1.08)
    assert figure.axes[1].get_xlim()[1] == pytest.approx(5.28)


def test_saved_and_read_again(tmp_path: Path) -> None:
    result = make_comparison()
    loaded = Result.load(result.save(tmp_path / "comparison"))
    assert isinstance(loaded, ComparisonResult)
    assert compare_payload(loaded) == compare_payload(result)


def test_without_a_kernel_there_is_no_widget() -> None:
    bundle = make_comparison()._repr_mimebundle_()
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    assert bundle[MIME_TYPE] == compare_payload(make_comparison())


def test_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("interp_widgets.results.static.static_text", lambda name: f'"{name}</script>"')
    page = hostile().to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page
    assert "compare.js" in page
    assert "compare.css" in page
    data = re.search(r'data-interp="compare">(.*?)</script>', page)
    assert data is not None
    assert json.loads(data[1]) == compare_payload(hostile())
    assert "<img" not in page


def test_a_method_of_the_comparison_is_a_highlight() -> None:
    result = make_comparison()
    assert result["shapley"].verdict == TRUST
    assert [one.method for one in result.results] == list(result)
