"""Heads in JupyterLab, with a tiny model: a head chosen on both sides, its pattern on demand, the other stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from interp_widgets.locate.heads_payload import MIME_TYPE, heads_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import ROOT, MadeUp
from tests.locate.made_heads import make_heads

# Only one pattern travels, so that others are asked for.
CELL = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import interp_widgets as iw
from interp_widgets.locate import heads_payload
from tests.tiny import make_lm
heads_payload.MOST = 1
lm = make_lm()
result = iw.heads(lm, 'The capital of Australia is', target=7)
"""
READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  const lines = hook => [...new Set(all(hook).map(cell => cell.dataset.row))].map(
    row => all(hook).filter(cell => cell.dataset.row === row).map(cell => cell.textContent));
  return {
    title: all('title')[0].textContent,
    word: all('verdict')[0].dataset.word,
    losses: lines('cell'),
    weights: lines('weight')
  };
}"""
VIEW = MadeUp("heads", MIME_TYPE, CELL, READ)


def expected(payload: dict[str, Any], pattern: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn, with this pattern."""
    keys = len(pattern["keys"])
    hundredths = [[(one + 5) // 10 for one in line] for line in pattern["lines"]]
    return {
        "title": f"What does head {pattern['head']} of layer {pattern['layer']} look at, and does it matter?",
        "word": payload["verdict"]["word"],
        "losses": payload["labels"],
        "weights": [
            [f"{one // 100}.{one % 100:02d}" for one in line] + [""] * (keys - len(line)) for line in hundredths
        ],
    }


def cell(card: Card, row: int, column: int) -> Locator:
    return card.root.locator(f'[data-iw="cell"][data-row="{row}"][data-index="{column}"]')


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return VIEW.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    yield from VIEW.fresh(opened)


def test_a_head_is_chosen_and_its_pattern_comes(opened: Lab, card: Card) -> None:
    payload: dict[str, Any] = opened.python("widget.payload")
    assert len(payload["patterns"]) == 1
    assert VIEW.numbers(card) == expected(payload, payload["patterns"][0])
    assert VIEW.saved(opened) == payload
    head, layer = payload["start"]
    row, column = (head + 1) % 4, (layer + 1) % 3
    cell(card, row, column).click()
    opened.wait_python("[widget.pattern.get('layer'), widget.pattern.get('head')]", [column, row])
    assert opened.python("[widget.cell.layer, widget.cell.head]") == [column, row]
    expect(card.part("weight")).not_to_have_count(0)
    pattern: dict[str, Any] = opened.python("widget.pattern")
    assert VIEW.numbers(card) == expected(payload, pattern)
    opened.python("None", f"widget.cell = ('', {head}, {layer})")
    expect(cell(card, head, layer)).to_have_attribute("aria-selected", "true")
    cell(card, head, layer).focus()
    card.page.keyboard.press("Escape")
    opened.wait_python("widget.cell", None)
    card.page.keyboard.press("Tab")
    expect(card.root.locator('[data-iw="weight"][tabindex="0"]')).to_be_focused()
    expect(card.part("look")).to_contain_text("attends")


def test_the_other_stand_in_and_themes(opened: Lab, card: Card) -> None:
    card.part("ablation").select_option("mean")
    opened.wait_python("[widget.result.ablation, widget.status['state']]", ["mean", "idle"])
    payload: dict[str, Any] = opened.python("widget.payload")
    card.expect_status("idle")
    expect(card.part("legend")).to_contain_text("its mean over the prompt")
    assert VIEW.numbers(card) == expected(payload, payload["patterns"][0])
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        opened.set_theme(theme)
        expect_contrast(card.root)
    opened.save()
    assert VIEW.saved(opened) == payload


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    result, file = make_heads(), tmp_path / "heads.html"
    payload = heads_payload(result)
    result.to_html(file)
    with VIEW.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
        assert VIEW.numbers(card) == expected(payload, payload["patterns"][0])
        expect_contrast(card.root)
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
        card.part("table-toggle").click()
        expect(card.part("table")).to_have_count(2)
        expect_contrast(card.root)


def test_a_long_prompt_scrolls_inside(chromium: Browser, tmp_path: Path) -> None:
    pieces = tuple(f" word{i}" for i in range(90))
    file = tmp_path / "long.html"
    make_heads(pieces=pieces, patterns=np.tile(np.eye(90, dtype=np.float32), (3, 2, 1, 1))).to_html(file)
    with VIEW.page(chromium, file, viewport={"width": 760, "height": 900}) as card:
        expect(card.part("rest")).to_contain_text("the last 40 are drawn")
        assert card.part("weight").count() == 1600
        card.root.locator('[data-iw="weight"][tabindex="0"]').focus()
        card.page.keyboard.press("End")
        expect(card.part("look")).to_contain_text("word89")
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 760")
