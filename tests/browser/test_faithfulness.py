"""The faithfulness card in JupyterLab: cut by mouse and keys, struck, rewritten, asked again, saved, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from interp_widgets.faithfulness.payload import MIME_TYPE, faithfulness_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import BUILDERS, MadeUp
from tests.faithfulness.made_card import make_bare, make_faithfulness, make_hostile

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  const texts = hook => all(hook).map(part => part.textContent);
  return {
    title: texts('title')[0],
    word: all('verdict')[0].dataset.word,
    sentences: all('sentence').map(row => [
      row.querySelector('.iw-words').textContent, row.querySelector('.iw-measure').textContent
    ]),
    answers: all('answer').map(row => [...row.querySelectorAll('.iw-number')].map(part => part.textContent)),
    spots: all('spot').length,
    cues: texts('cue').length,
    provenance: texts('provenance')[0]
  };
}"""
MADE = f"""{BUILDERS}
from interp_widgets.faithfulness import again
from tests.faithfulness.made_card import make_choice, make_faithfulness
asked = []

def answer_after(lm, question, text, *, seed, cancel):
    asked.append(text)
    return (make_choice(0.2, 0.3, 0.5),)

again.answer_after = answer_after
result = make_faithfulness()
"""
FAITHFULNESS = MadeUp("faithfulness", MIME_TYPE, MADE, READ)


def of(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    question = payload["questions"][payload["start"]]
    whole = question["cuts"][-1]
    none = [] if whole["none"] is None else [[whole["none"], whole["none"]]]
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "sentences": [[one["text"], one["label"]] for one in question["sentences"]],
        "answers": [[label, label] for label in whole["labels"]] + none,
        "spots": sum(len(curve["points"]) for curve in payload["curves"]),
        "cues": len(payload["cues"]),
        "provenance": " · ".join(payload["provenance"]),
    }


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return FAITHFULNESS.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    yield from FAITHFULNESS.fresh(opened)


def sentence(card: Card, at: int) -> Any:
    return card.root.locator(f'[data-iw="sentence"][data-index="{at}"]')


def test_live_and_saved(opened: Lab, card: Card) -> None:
    saved = FAITHFULNESS.saved(opened)
    assert saved == faithfulness_payload(make_faithfulness())
    assert FAITHFULNESS.numbers(card) == of(saved)


def test_the_cut_is_dragged(card: Card) -> None:
    card.root.scroll_into_view_if_needed()
    handle, row = card.part("cut"), sentence(card, 2)
    handle.scroll_into_view_if_needed()
    start, end = handle.bounding_box(), row.bounding_box()
    assert start is not None
    assert end is not None
    mouse = card.page.mouse
    mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    mouse.down()
    mouse.move(end["x"] + 100, end["y"] + 2, steps=4)
    mouse.up()
    expect(card.part("cut")).to_have_attribute("aria-valuenow", "2")
    expect(card.part("now")).to_have_text("Answer after 2 of 4 sentences: A 0.80")
    below = sentence(card, 1).bounding_box()
    moved = card.part("cut").bounding_box()
    assert below is not None
    assert moved is not None
    assert moved["y"] >= below["y"] + below["height"] - 1  # it stands between the rows


def test_by_keyboard_alone_to_an_answer_of_the_kernel(opened: Lab, card: Card) -> None:
    sentence(card, 0).focus()
    keys = card.page.keyboard
    keys.press("ArrowDown")
    expect(card.part("readout")).to_contain_text("necessity +0.15")
    keys.press("x")
    expect(card.part("now")).to_have_text("Answer after the whole reasoning, without sentence 2: B 0.70")
    keys.press("Home")
    keys.press("r")
    expect(card.part("words")).to_be_focused()
    card.part("words").fill("A pack holds 3 eggs.")
    keys.press("Enter")
    expect(card.part("now")).to_have_text(
        "Answer after the whole reasoning, without sentence 2, with sentence 1 rewritten: C 0.50"
    )
    opened.wait_python("asked[-1].startswith(' A pack holds 3 eggs. Two are broken')", True)
    opened.wait_python("[widget.question, widget.sentence]", [1, 0])
    expect(card.part("tried")).to_have_count(1)
    keys.press("?")
    expect(card.part("keys")).to_be_visible()
    keys.press("Escape")
    expect(card.part("keys")).to_be_hidden()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    card.part("cut").focus()
    card.page.keyboard.press("ArrowUp")
    sentence(card, 1).click()
    expect_contrast(card.root)
    card.part("table-toggle").click()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


def test_twin_alone_after_the_sanitiser(opened: Lab) -> None:
    payload = FAITHFULNESS.saved(opened)
    with FAITHFULNESS.twin(opened) as twin:
        text = twin.inner_text()
        for one in payload["questions"][payload["start"]]["sentences"]:
            assert one["text"] in text
        expect_contrast(twin)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    for name, result in (("one", make_faithfulness()), ("bare", make_bare()), ("hostile", make_hostile())):
        file = tmp_path / f"{name}.html"
        result.to_html(file)
        with FAITHFULNESS.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
            assert FAITHFULNESS.numbers(card) == of(faithfulness_payload(result))
            expect_contrast(card.root)
            assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
            card.page.emulate_media(forced_colors="active")
            card.part("cut").focus()
            card.page.keyboard.press("ArrowUp")
            expect(card.part("now")).not_to_contain_text("the whole reasoning")
