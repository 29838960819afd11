"""The lens as data, script-free twin, text, plot and page: the same numbers in each; and the word on it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.locate import lens_payload as module
from interp_widgets.locate.lens_html import lens_html
from interp_widgets.locate.lens_payload import LEAST, MIME_TYPE, drawn, lens_payload
from interp_widgets.locate.lens_result import LensResult
from interp_widgets.locate.lens_verdict import HeldOut, held_out_of, judge
from interp_widgets.results.base import Result
from interp_widgets.results.numbers import plain, probability
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.locate.made_lens import HELD_OUT, make_lens

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def hostile() -> LensResult:
    words = {1: "<script>alert(1)</script>", 2: "\u202e", 3: "</style>", 4: "\n", 5: "&amp;", 6: "\u2028"}
    return make_lens(pieces=["<b>", "\u202e", "שלום", "\n", "<!--"], words=words, followed=("\u202e", "</style>"))


MAKERS: list[Callable[[], LensResult]] = [
    make_lens,
    hostile,
    lambda: make_lens(read=2),
    lambda: make_lens(lens="calibrated"),
    lambda: make_lens(site="mlp_out", held_out=None),
]


def test_cells_are_those_of_the_result() -> None:
    result = make_lens()
    payload = lens_payload(result)
    names = {i: word.replace(" ", "·").replace("\n", "⏎") for i, word in result.words.items()}
    for place in range(5):
        for layer in range(4):
            cell = payload["rows"][layer]["cells"][place]
            assert [payload["words"][i] for i in cell["ids"]] == [names[int(i)] for i in result.top_ids[place, layer]]
            assert cell["labels"] == [probability(float(p)) for p in result.top_probability[place, layer]]
            assert cell["entropy"] == plain(float(result.entropy[place, layer]))
            assert cell["divergence"] == plain(float(result.divergence[place, layer]))
            assert cell["ranks"] == result.rank[place, layer].tolist()
    assert [payload["words"][i] for i in payload["followed"]] == ["·Sydney", "·Canberra"]
    assert json.dumps(payload)


def test_trails_follow_the_followed_tokens_and_those_that_lead() -> None:
    result = make_lens()
    payload = lens_payload(result)
    trails = payload["trails"][-1]
    assert [payload["words"][trail["id"]] for trail in trails] == ["·Sydney", "·Canberra", "·the", "⏎"]
    for trail, column in ((trails[1], result.log_probability[-1, :, 1]), (trails[3], None)):
        if column is None:
            column = result.leader_log_probability[-1, :, result.leader_ids[-1].tolist().index(4)]
        expected = ["" if np.exp(x) < LEAST else probability(float(np.exp(x))) for x in column]
        assert trail["labels"] == expected
    assert lens_payload(make_lens(read=2))["trails"][0][0]["labels"][:2] == [None, None]


def test_a_run_keeps_its_rows_and_the_places_of_its_words() -> None:
    memo: dict[object, object] = {}
    first = lens_payload(make_lens(read=1), memo)
    words = list(first["words"])
    second = lens_payload(make_lens(read=2), memo)
    assert second["words"][: len(words)] == words
    assert second["rows"][3] is first["rows"][3]
    assert first["rows"][0]["cells"] == [None] * 5
    assert second["amount"] == "4 layers, 5 positions; 2 layers read so far"


def test_a_picture_that_waits_has_every_part() -> None:
    assert lens_payload(None).keys() == lens_payload(make_lens()).keys()
    assert "nothing is read yet" in lens_payload(None)["amount"]
    assert Page(lens_html(lens_payload(None))).text


def test_of_a_long_prompt_the_last_positions_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 12)
    payload = lens_payload(make_lens())
    assert drawn(make_lens()) == [2, 3, 4]
    assert [box["name"] for box in payload["boxes"]] == ["·of", "·Australia", "·is"]
    assert [box["tokens"] for box in payload["boxes"]] == [[2], [3], [4]]
    assert payload["rest"] == "The last 3 of 5 positions are drawn; `result.to_frame()` holds all."
    assert payload["rows"][0]["cells"][0] == lens_payload(make_lens())["rows"][0]["cells"][0]


@pytest.mark.parametrize("make", MAKERS)
def test_the_twin_has_the_numbers_of_the_payload(make: Callable[[], LensResult]) -> None:
    payload = lens_payload(make())
    page = Page(lens_html(payload))
    table = page.rows[1:5]
    for cells, row in zip(table, reversed(payload["rows"]), strict=True):
        expected = [f"{payload['words'][c['ids'][0]]} {c['labels'][0]}" if c else "" for c in row["cells"]]
        assert [str(row["layer"]), *expected] == cells
    last = [row["cells"][-1] for row in reversed(payload["rows"]) if row["cells"][-1] is not None]
    for cells, cell in zip(page.rows[6:], last, strict=True):
        assert cells[1:] == [cell["entropy"], cell["divergence"], *map(str, cell["ranks"])]
    for text in (payload["verdict"]["sentence"], payload["reads"], payload["stories"][-1]):
        assert text in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_the_twin(make: Callable[[], LensResult]) -> None:
    page = Page(lens_html(lens_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


@pytest.mark.parametrize("make", MAKERS)
def test_the_text_has_a_line_for_each_layer(make: Callable[[], LensResult]) -> None:
    payload = lens_payload(make())
    lines = str(make()).splitlines()
    assert lines[0].endswith(payload["verdict"]["sentence"])
    for row in payload["rows"]:
        cell = row["cells"][-1]
        found = [line.split() for line in lines if line.split()[:1] == [str(row["layer"])]]
        if cell is not None:
            numbers = [cell["labels"][0].split()[-1], cell["entropy"], cell["divergence"], *map(str, cell["ranks"])]
            assert found[0][-len(numbers) :] == numbers


def test_plot_saved_and_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = make_lens()
    assert len(result.plot().axes[0].texts) == 20
    again = Result.load(result.save(tmp_path / "lens"))
    assert isinstance(again, LensResult)
    assert lens_payload(again) == lens_payload(result)
    assert (again.held_out, again.verdict) == (result.held_out, result.verdict)
    assert set(result._repr_mimebundle_()) == {MIME_TYPE, "text/html", "text/plain"}
    monkeypatch.setattr("interp_widgets.results.static.static_text", lambda name: f'"{name}</script>"')
    data = re.search(r'data-interp="lens">(.*?)</script>', hostile().to_html(tmp_path / "page.html"))
    assert data is not None
    assert json.loads(data[1]) == lens_payload(hostile())


def test_the_call_that_made_it() -> None:
    assert lens_payload(make_lens())["code"] == (
        "iw.logit_lens(lm, 'The capital of Australia is', tokens=[' Canberra'])"
    )
    other = make_lens(lens="calibrated", followed=(" Sydney",), followed_ids=np.array([2]))
    other = dataclasses.replace(other, rank=other.rank[..., :1], log_probability=other.log_probability[..., :1])
    assert lens_payload(other)["code"] == "iw.logit_lens(lm, 'The capital of Australia is', calibrated=True)"


def test_the_word_follows_from_what_was_measured() -> None:
    plain_lens = judge("resid_post", False, HELD_OUT)
    assert plain_lens.word == "caution"
    assert "768 held-out tokens the plain lens is 1.90 nats" in plain_lens.sentence
    assert "below half of that from layer 2 on, and no better than the guess before layer 2" in plain_lens.sentence
    good = dataclasses.replace(HELD_OUT, divergence=(2.2, 1.9, 0.5, 0.0))
    assert judge("resid_post", True, good).word == "trust"
    assert "at every layer" in judge("resid_post", True, good).sentence
    assert judge("resid_post", True, good, ("edit",)).word == "caution"
    bad = dataclasses.replace(HELD_OUT, divergence=(6.5, 5.1, 4.9, 0.0))
    assert judge("resid_post", False, bad).word == "do not trust"
    for site, measured in (("resid_post", None), ("mlp_out", None)):
        assert judge(site, False, measured).word == "caution"
    assert (HELD_OUT.reads_from(), HELD_OUT.beats_guess_from()) == (2, 2)
    assert held_out_of(None, "plain") is None
    assert HeldOut.from_json(json.loads(json.dumps(dataclasses.asdict(HELD_OUT)))) == HELD_OUT


def test_the_view_is_tested_with_it() -> None:
    """The fixture of the browser side is what Python makes today."""
    held = json.loads((FIXTURES / "lens.json").read_text("utf-8"))
    assert held == lens_payload(make_lens())
