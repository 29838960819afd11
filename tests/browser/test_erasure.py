"""Erasures in JupyterLab, made up by hand: live, saved, by keyboard, in both themes, as twin and as page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from interp_widgets.erasure.payload import MIME_TYPE, erasure_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import BUILDERS, MadeUp
from tests.erasure.made_result import make_bare, make_erasure

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  const texts = hook => all(hook).map(part => part.textContent);
  return {
    title: texts('title')[0],
    word: all('verdict')[0].dataset.word,
    points: all('point').length,
    bars: all('bar').map(row => [row.dataset.stage, row.querySelector('.iw-number').textContent]),
    rounds: all('round').length
  };
}"""
MADE = f"""{BUILDERS}
from tests.tiny import make_lm
from tests.widgets.test_erasure import eraser_of, result_of
live.find = lambda fingerprint: lm
lm = make_lm('llama', seed=12)
x = lm.ledger.add(eraser_of(lm), name='gender')
result = result_of(lm, x)
"""
ERASURE = MadeUp("erasure", MIME_TYPE, MADE, READ)


def of(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    place, rounds = payload["places"][payload["start"]], payload["rounds"]
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "points": 2 * len(payload["boxes"]),
        "bars": [[bar["stage"], bar["label"]] for bar in place["bars"]],
        "rounds": len(rounds["steps"]) + (rounds["single"] is not None),
    }


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return ERASURE.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    opened.python("None", "lm.ledger.clear(); lm.ledger.add(x, name='gender')")
    yield from ERASURE.fresh(opened)


def test_live_and_saved(opened: Lab, card: Card) -> None:
    saved = ERASURE.saved(opened)
    assert saved["boxes"] == erasure_payload(make_erasure())["boxes"]
    assert ERASURE.numbers(card) == of(saved)


def test_it_is_switched_from_both_sides(opened: Lab, card: Card) -> None:
    expect(card.part("toggle")).to_have_attribute("aria-pressed", "true")
    card.part("toggle").click()
    opened.wait_python("x.enabled", False)
    expect(card.part("state")).to_contain_text("Off: the model works as without the eraser")
    opened.python("None", "lm.ledger.toggle(x)")
    expect(card.part("toggle")).to_have_text("On")
    opened.python("None", "x.undo()")
    card.part("apply").click()
    opened.wait_python("len(lm.ledger)", 1)


def test_by_keyboard_alone(opened: Lab, card: Card) -> None:
    card.root.locator('[data-iw="before"] [tabindex="0"]').focus()
    keys = card.page.keyboard
    keys.press("ArrowRight")
    expect(card.part("readout")).to_contain_text("on the concept’s own axis")
    expect(card.root.locator('[data-iw="after"] .iw-lit')).to_have_count(1)
    keys.press("Enter")
    opened.wait_python("len(widget.selection)", 1)
    keys.press("Tab")  # the points after
    keys.press("Tab")  # the places
    expect(card.root.locator('[data-iw="place"][data-index="2"]')).to_be_focused()
    keys.press("Home")
    keys.press("Enter")
    expect(card.part("probes")).to_contain_text("layer 8 resid_post")
    keys.press("Tab")
    expect(card.part("readout")).to_contain_text("95 % interval")
    keys.press("?")
    expect(card.part("keys")).to_be_visible()
    keys.press("Escape")
    expect(card.part("keys")).to_be_hidden()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    expect_contrast(card.root)
    card.part("table-toggle").click()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


def test_twin_alone_after_the_sanitiser(opened: Lab) -> None:
    payload = ERASURE.saved(opened)
    with ERASURE.twin(opened) as twin:
        rows = twin.locator("table").evaluate_all(
            "tables => tables.flatMap(t => [...t.rows].map(row => [...row.cells].map(cell => cell.textContent)))"
        )
        for place in payload["places"]:
            for bar in place["bars"]:
                assert [place["name"], bar["probe"], bar["stage"], bar["label"], bar["interval"], ""] in rows
        expect_contrast(twin)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    for name, result in (("one", make_erasure()), ("bare", make_bare())):
        file = tmp_path / f"{name}.html"
        result.to_html(file)
        with ERASURE.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
            assert ERASURE.numbers(card) == of(erasure_payload(result))
            expect_contrast(card.root)
            assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
            card.page.emulate_media(forced_colors="active")
            card.part("point").first.focus()
            expect(card.part("readout")).to_contain_text("on the concept’s own axis")
