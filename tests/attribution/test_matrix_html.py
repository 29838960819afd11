"""The other forms of a matrix: script-free twin, text, plot, page, and what a notebook keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.attribution.matrix import MatrixResult
from interp_widgets.attribution.matrix_html import matrix_html, strongest
from interp_widgets.attribution.matrix_payload import MIME_TYPE, matrix_payload
from interp_widgets.results.base import Result
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.attribution.test_matrix_payload import emoji
from tests.builders import DO_NOT_TRUST, make_matrix


def hostile() -> MatrixResult:
    return make_matrix(
        prompt_pieces=["<script>alert(1)</script>", " </style>", "\u202e", "שלום"],
        generated=["\n", "\u2028", "<!--", "&amp;"], verdict=DO_NOT_TRUST,
    )  # fmt: skip


MAKERS = [make_matrix, hostile, emoji, lambda: make_matrix(rows=1)]


@pytest.mark.parametrize("make", MAKERS)
def test_its_numbers_are_those_of_the_payload(make: Callable[[], MatrixResult]) -> None:
    payload = matrix_payload(make())
    page = Page(matrix_html(payload))
    for cells, row in zip(page.rows[1:], payload["rows"], strict=True):
        assert cells[0] == payload["boxes"][row["box"]]["name"]
        assert cells[1:3] == [row["label"], row["entropy"]]
        assert cells[3] == f"{row['runner']['name']} {row['runner']['label']}"
        assert cells[4] == " ".join(f"{payload['boxes'][i]['name']} {row['labels'][i]}" for i in strongest(row))
    for text in (payload["verdict"]["sentence"], payload["amount"], " · ".join(payload["provenance"])):
        assert text in page.text
    cut = payload["prompt"]
    for boxes in (payload["boxes"][:cut], payload["boxes"][cut:]):
        assert "".join(box["text"] for box in boxes) in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_it(make: Callable[[], MatrixResult]) -> None:
    page = Page(matrix_html(matrix_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


def test_a_picture_that_waits_has_every_form() -> None:
    page = Page(matrix_html(matrix_payload(None)))
    assert "nothing explained yet" in page.text


def test_the_strongest_sources() -> None:
    assert strongest({"scores": [0.0, -2.0, 1.0, 2.0]}, 3) == [1, 3, 2]


def test_text_has_the_verdict_first_and_a_line_for_each_token() -> None:
    lines = str(make_matrix()).splitlines()
    assert lines[0].startswith("● trust")
    assert "·Canberra" in lines[3]
    assert "0.90  The +0.96, ·Australia −0.88" in lines[3]


def test_plot_is_a_heat_map() -> None:
    figure = make_matrix().plot()
    axes = figure.axes[0]
    assert axes.get_yticklabels()[0].get_text() == "·Canberra 0.90"
    assert [text.get_text() for text in axes.texts][:2] == ["+0.96", "+0.52"]
    assert "trust" in axes.get_title(loc="left")
    wide = make_matrix(prompt_pieces=[f" w{i}" for i in range(40)]).plot()
    assert not list(wide.axes[0].texts)
    assert {patch.get_hatch() for patch in wide.axes[0].patches} == {"////"}
    assert make_matrix(rows=0).plot().axes


def test_saved_and_read_again(tmp_path: Path) -> None:
    result = make_matrix(rows=2)
    loaded = Result.load(result.save(tmp_path / "matrix"))
    assert isinstance(loaded, MatrixResult)
    assert matrix_payload(loaded) == matrix_payload(result)
    assert np.isnan(loaded.scores[0, -1])


def test_without_a_kernel_there_is_no_widget() -> None:
    bundle = make_matrix()._repr_mimebundle_()
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    assert bundle[MIME_TYPE] == matrix_payload(make_matrix())


def test_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("interp_widgets.results.static.static_text", lambda name: f'"{name}</script>"')
    page = hostile().to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page
    data = re.search(r'data-interp="matrix">(.*?)</script>', page)
    assert data is not None
    assert json.loads(data[1]) == matrix_payload(hostile())
