"""The forms of an erasure result: payload, script-free twin, text, page, file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.erasure.payload import concept_words, erasure_payload, percent
from interp_widgets.erasure.result import ErasureResult
from interp_widgets.erasure.twin import damage, erasure_html, rounds, taken, text_of
from interp_widgets.results.base import Result
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.erasure.made_result import make_bare, make_erasure, make_hostile

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"
MAKERS = [make_erasure, make_bare, make_hostile]


def test_the_fixture_of_the_view_is_current() -> None:
    assert json.loads((FIXTURES / "erasure.json").read_text("utf-8")) == erasure_payload(make_erasure())
    assert json.loads((FIXTURES / "erasure-bare.json").read_text("utf-8")) == erasure_payload(make_bare())


@pytest.mark.parametrize("make", MAKERS)
def test_the_twin_has_the_numbers_of_the_payload(make: Callable[[], ErasureResult]) -> None:
    payload = erasure_payload(make())
    page = Page(erasure_html(payload))
    rows = [row for row in page.rows if row]
    for place in payload["places"]:
        for bar in place["bars"]:
            assert [place["name"], bar["probe"], bar["stage"], bar["label"], bar["interval"], ""] in rows
    for table in (taken(payload), rounds(payload), damage(payload)):
        assert all(row in rows for row in table[1])
    for text in (payload["method"], payload["verdict"]["sentence"], payload["apart"]):
        assert text in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_it(make: Callable[[], ErasureResult]) -> None:
    page = Page(erasure_html(erasure_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


@pytest.mark.parametrize("make", MAKERS)
def test_text_plot_and_file(make: Callable[[], ErasureResult], tmp_path: Path) -> None:
    result = make()
    text = text_of(erasure_payload(result))
    assert text.splitlines()[0].endswith(result.verdict.sentence)
    assert str(result) == text
    result.plot().canvas.draw()
    again = Result.load(result.save(tmp_path / "erasure.safetensors"))
    assert isinstance(again, ErasureResult)
    assert erasure_payload(again) == erasure_payload(result)


def test_points_and_stages_are_those_of_the_result() -> None:
    result = make_erasure()
    payload = erasure_payload(result)
    assert len(payload["boxes"]) == len(result.tokens) == len(result.points)
    for i, box in enumerate(payload["boxes"]):
        np.testing.assert_allclose([box["before"], box["after"]], result.points[i], rtol=1e-3)
        assert box["tokens"] == [i]
        assert payload["classes"][box["class"]] == result.classes[result.point_class[i]]
    first = payload["places"][0]["bars"]
    assert [(bar["probe"], bar["stage"]) for bar in first] == [
        ("linear probe", "before"), ("linear probe", "after"), ("linear probe", "random"),
        ("MLP probe", "before"), ("MLP probe", "after"), ("control task", "before"), ("control task", "after"),
    ]  # fmt: skip
    assert first[1]["value"] == result.of("linear")[0, 0]
    assert first[-1]["low"] is None
    assert payload["rounds"]["single"]["rank"] == result.ranks[result.point_place]
    assert payload["start"] == result.point_place


def test_what_was_not_measured_is_left_out() -> None:
    payload = erasure_payload(make_bare())
    assert payload["damage"] == []
    assert payload["rounds"]["single"] is None  # INLP beside itself
    assert {bar["probe"] for bar in payload["places"][0]["bars"]} == {"linear probe"}
    assert payload["boxes"][4]["name"] == "state 4"
    assert payload["code"] == "iw.erasure.probe(states, labels, method='inlp', concept='concept')"
    assert erasure_payload(make_erasure(rounds=np.zeros((0, 2))))["rounds"] is None
    assert "rounds of" not in text_of(erasure_payload(make_erasure(rounds=np.zeros((0, 2)))))
    lost = erasure_payload(make_erasure(perplexity=np.asarray([35.4, np.inf, np.nan])))
    assert lost["damage"][0]["labels"] == ["35.4", "", ""]


def test_words_of_small_things() -> None:
    assert concept_words("grammatical_gender") == "grammatical gender"
    assert concept_words("concept") == concept_words(" ") == "the concept"
    assert [percent(x) for x in (0.5, 1.0, float("nan"))] == ["50.0 %", "100.0 %", ""]


def test_the_code_makes_the_same_again() -> None:
    assert erasure_payload(make_erasure())["code"].splitlines() == [
        "fit, train, test = iw.erasure.labelled_set('grammatical_gender').split()",
        "x = iw.erase(lm, fit, layer=[8, 12, 16], method='leace')",
        "iw.erasure.evaluate(lm, x, train, test, inlp=4)",
    ]
    other = make_erasure(concept="mine", places=("layer 3 mlp_out",), rounds=np.zeros((0, 2)))
    assert erasure_payload(other)["code"].splitlines()[1:] == [
        "x = iw.erase(lm, fit, layer=3, site='mlp_out', method='leace')",
        "iw.erasure.evaluate(lm, x, train, test)",
    ]


def test_the_page_holds_data_and_view(tmp_path: Path) -> None:
    page = make_hostile().to_html(tmp_path / "erasure.html")
    assert (tmp_path / "erasure.html").read_text("utf-8") == page
    assert "<script>alert(1)" not in page
    assert 'data-interp="erasure"' in page
