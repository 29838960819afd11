"""The logit lens in JupyterLab: its numbers live, saved and on a page; a token followed; a run that fills it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from interp_widgets.locate.lens_payload import MIME_TYPE, lens_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import BUILDERS, MadeUp
from tests.locate.made_lens import make_lens

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  return {
    title: all('title')[0].textContent,
    word: all('verdict')[0].dataset.word,
    amount: all('amount')[0].textContent,
    story: all('story')[0].textContent,
    columns: all('column').map(column => column.textContent),
    cells: all('lens-row').map(row => [...row.querySelectorAll('[data-iw="cell"]')].map(cell => cell.textContent))
  };
}"""

LENS = f"""{BUILDERS}
from tests.locate.made_lens import make_lens
step = threading.Semaphore(0)

def work(cancel, progress, partial):
    for read in range(1, 4):
        while not step.acquire(timeout=0.01):
            if cancel.is_set():
                raise Cancelled('by the flag')
        progress(read, 4, 'reading the layers')
        partial(make_lens(read=read))
    while not step.acquire(timeout=0.01):
        if cancel.is_set():
            raise Cancelled('by the flag')
    return make_lens()

result = make_lens()
"""
VIEW = MadeUp("lens", MIME_TYPE, LENS, READ)
numbers = VIEW.numbers


def expected(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn: late layers above."""
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "amount": payload["amount"],
        "story": f"After {payload['boxes'][-1]['name']}: {payload['stories'][-1]}",
        "columns": [box["name"] for box in payload["boxes"]],
        "cells": [
            [payload["words"][cell["ids"][0]] if cell else "" for cell in row["cells"]]
            for row in reversed(payload["rows"])
        ],
    }


WHOLE = expected(lens_payload(make_lens()))


def cell(card: Card, row: int, index: int) -> Locator:
    return card.root.locator(f'[data-iw="cell"][data-row="{row}"][data-index="{index}"]')


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return VIEW.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    yield from VIEW.fresh(opened)


def test_live_and_saved_and_a_token_followed_by_keys(opened: Lab, card: Card) -> None:
    assert numbers(card) == WHOLE
    assert VIEW.saved(opened) == lens_payload(make_lens())
    cell(card, 3, 4).focus()
    for key in ("ArrowDown", "ArrowDown"):
        card.page.keyboard.press(key)
    expect(cell(card, 1, 4)).to_be_focused()
    expect(card.part("readout")).to_contain_text("after layer 1at·is")
    card.page.keyboard.press("Enter")
    opened.wait_python("widget.selection", [4])
    expect(card.part("trail")).to_have_count(3)
    expect(card.part("trail").last).to_contain_text("·the")
    card.page.keyboard.press("Tab")
    expect(card.part("unfollow")).to_be_focused()


def test_a_run_fills_it_layer_by_layer(opened: Lab, card: Card) -> None:
    opened.python("None", "widget.run(work)")
    card.expect_status("running")
    for read in (1, 2, 3):
        opened.python("None", "step.release()")
        expect(card.part("amount")).to_contain_text(f"{read} layer{'s' if read > 1 else ''} read so far")
        assert numbers(card) == expected(lens_payload(make_lens(read=read)))
    opened.python("None", "step.release()")
    card.expect_status("idle")
    expect(card.part("amount")).to_have_text(WHOLE["amount"])
    assert numbers(card) == WHOLE


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    cell(card, 3, 4).focus()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    file = tmp_path / "lens.html"
    make_lens().to_html(file)
    with VIEW.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
        assert numbers(card) == WHOLE
        expect_contrast(card.root)
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
        cell(card, 2, 3).click()
        expect(card.part("story")).to_contain_text("After ·Australia")


def test_a_long_prompt_scrolls_to_its_end(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "long.html"
    make_lens(pieces=[f" word{i}" for i in range(1_200)]).to_html(file)
    with VIEW.page(chromium, file, viewport={"width": 760, "height": 900}) as card:
        expect(card.part("rest")).to_contain_text("The last 1000 of 1 200 positions are drawn")
        expect(card.part("column").last).to_be_in_viewport()
