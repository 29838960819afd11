"""The console's picture as data, and its other forms: the script-free twin, text, the page, what a notebook keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.errors import NonFiniteError
from interp_widgets.results.differences import differences
from interp_widgets.steering.console import SteeringResult, Written
from interp_widgets.steering.console_html import console_html
from interp_widgets.steering.console_payload import (
    MIME_TYPE,
    code,
    console_payload,
    draft,
    identifiers,
    prompt_of,
    setup,
    with_text,
)
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.steering.made_console import SETTINGS, make_grid, make_steering, make_used, make_written

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def hostile() -> SteeringResult:
    return make_steering(
        plain_pieces=["<script>alert(1)</script>", " </style>", "\u202e", "שלום"],
        steered_pieces=["\n", "\u2028", "<!--", "&amp;"],
        vectors=(make_used("<b>bold</b>", poles=("</td>", '"quoted"'), strength=0.3),),
        provenance={"prompt": "<img src=x>"},
    )


def blank() -> SteeringResult:
    return make_steering(plain_pieces=[], steered_pieces=[], grid=None, complete=False)


MAKERS = [make_steering, hostile, blank, lambda: make_steering(grid=make_grid(1))]


def test_the_fixture_of_the_view_is_current() -> None:
    saved = json.loads((FIXTURES / "steering.json").read_text("utf-8"))
    assert saved == console_payload(make_steering())


@pytest.mark.parametrize("make", MAKERS)
def test_its_numbers_are_those_of_the_payload(make: Callable[[], SteeringResult]) -> None:
    payload = console_payload(make())
    page = Page(console_html(payload))
    cells = [row for row in page.rows if row]
    for one in payload["vectors"]:
        assert [one["name"], one["label"], one["where"], one["bounds"]] in cells
    for gauge in payload["gauges"]:
        for bar in gauge["bars"]:
            assert [gauge["name"], bar["name"], bar["label"], ""] in cells
    tokens = [row for row in cells if row[0] in ("unsteered", "steered")]
    boxes = payload["boxes"]
    for row, box in zip(tokens, boxes, strict=True):
        assert row[1:] == [box["name"], box["probability"], *box["labels"], "differs" if box["differs"] else ""]
    if payload["grid"] is not None:
        for row in payload["grid"]["rows"]:
            labels = [cell["label"] + (" ▲" if cell["worse"] else "") for cell in row["cells"]]
            assert [row["name"], *labels] in cells
    for text in (payload["setup"], payload["prompt"]["text"], " · ".join(payload["provenance"])):
        assert text in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_it(make: Callable[[], SteeringResult]) -> None:
    page = Page(console_html(console_payload(make())))
    assert set(page.tags) <= TAGS | {"b"}
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


def test_boxes_have_a_score_for_each_vector() -> None:
    payload = console_payload(make_steering())
    assert [side["start"] for side in payload["texts"]] == [0, 6]
    assert payload["boxes"][6]["scores"] == [1.1, 0.4]
    assert payload["boxes"][6]["labels"] == ["+1.10", "+0.40"]
    assert [box["differs"] for box in payload["boxes"]] == [
        True,
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        True,
        True,
    ]
    assert payload["vectors"][0]["scale"]["max"] == 1.1
    with pytest.raises(NonFiniteError):
        console_payload(make_steering(plain_scores=np.full((2, 6), np.nan)))


def test_tokens_that_share_a_character_have_their_mean() -> None:
    hand = Written("Hi 👋", ("Hi", " ⟨F0 9F⟩", "⟨91⟩"), (1, 2, 3), ((0, 2), (2, 4), (3, 4)), (0.5,) * 3, (-1.0,) * 3)
    scores = np.array([[0.5, 1.0, 0.0]])
    payload = console_payload(
        make_steering(vectors=(make_used(),), plain=hand, steered=hand, plain_scores=scores, steered_scores=scores)
    )
    box = payload["boxes"][1]
    assert (box["name"], box["scores"], box["probability"]) == ("·👋", [0.5], "0.25")
    assert box["parts"] == ["·⟨F0 9F⟩", "⟨91⟩"]


def test_what_differs() -> None:
    assert differences([1, 2, 3, 4], [1, 9, 3]) == ([False, True, False, True], [False, True, False])
    assert differences([], [1]) == ([], [True])
    one, other = make_written([" a", " b", " c"]), make_written([" a", " b"])
    assert [box["differs"] for box in draft(other, one)["boxes"]] == [False, False]
    changed = Written(other.text, other.tokens, (other.ids[0], 999), other.spans, other.probabilities)
    assert [box["differs"] for box in draft(changed, one)["boxes"]] == [False, True]
    assert draft(changed, one)["boxes"][0]["scores"] == []


def test_prompts_and_settings_in_words() -> None:
    chat = [{"role": "user", "content": "Hi"}]
    assert prompt_of(chat) == {"text": "Hi", "note": "user, in the chat template", "editable": True}
    assert with_text(chat, "Ho") == [{"role": "user", "content": "Ho"}]
    assert prompt_of([1, 2])["editable"] is False
    assert setup(SETTINGS) == "each vector at its own layers · all positions · up to 24 tokens · greedy"
    wild = {**SETTINGS, "layers": [4, 12, 2], "keep_norm": True, "temperature": 0.7, "seed": 3}
    assert setup(wild).startswith("layers 4 to 12, every 2 · all positions · norm kept")
    assert setup(wild).endswith("temperature 0.70, seed 3")


def test_code() -> None:
    assert code(make_steering()) == (
        "# sentiment: the control vector 'sentiment'.\nwith lm.steered(sentiment, layers=[12], strength=0.075):\n"
        "    lm.generate('The party was', max_new_tokens=24)"
    )
    both = make_steering(vectors=(make_used(), make_used("class", strength=-0.05)))
    assert "    v_class.steer(layers=[12], strength=-0.05)," in code(both)
    assert code(make_steering(vectors=(make_used(strength=0.0),))).startswith("lm.generate(")
    assert identifiers(["2 lm", "lm", "é", "a", "A"]) == ["v_2_lm", "v_lm", "vector", "a", "a_5"]


def test_text_has_the_verdict_first() -> None:
    lines = str(make_steering()).splitlines()
    assert lines[0].startswith("● trust: within the bounds")
    assert "  sentiment +0.075 at layer 12" in lines
    assert any("+0.90" in line and line.strip().startswith("layer 4") for line in lines)
    assert "not written" not in str(blank())


def test_without_a_kernel_there_is_no_widget() -> None:
    bundle = make_steering()._repr_mimebundle_()
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    assert bundle[MIME_TYPE] == console_payload(make_steering())


def test_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("interp_widgets.results.static.static_text", lambda name: f'"{name}</script>"')
    page = hostile().to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page
    data = re.search(r'data-interp="steering">(.*?)</script>', page)
    assert data is not None
    assert json.loads(data[1]) == console_payload(hostile())
