"""The steering console in JupyterLab, with the default model: sliders, texts that stream, grid, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from interp_widgets.steering.console_payload import MIME_TYPE, console_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab, notebook
from tests.browser.made_up import MadeUp
from tests.browser.test_states import WIDGET_VIEW
from tests.steering.made_console import make_steering

PROMPT = "I went to the new restaurant and"
MODEL = f"""
import interp_widgets as iw
from interp_widgets.steering.vector import Bounds
lm = iw.load_model(device='cpu')
pairs = iw.steering.pair_set('sentiment').fitting
few = iw.ContrastPairs(pairs.positive[:8], pairs.negative[:8], name='sentiment', poles=pairs.poles)
v = iw.control_vector(lm, few, layers=[8, 12, 16]).with_best_layer(12)
v = v.with_bounds(Bounds((12,), -0.1, 0.1, 1.25, ((-0.4, 6.0), (-0.1, 1.1), (0.0, 1.0), (0.1, 1.2), (0.4, 8.0))))
rest = iw.ContrastPairs(pairs.positive[8:12], pairs.negative[8:12], name='other')
other = iw.control_vector(lm, rest, layers=[8, 12])
PROMPT = {PROMPT!r}
"""
SHOW = """
widget = iw.widgets.SteeringConsole(lm, [v, other], prompt=PROMPT, max_new_tokens=6)
widget
"""
READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  const text = (hook, root = card) => [...root.querySelectorAll(`[data-iw="${hook}"]`)].map(part => part.textContent);
  return {
    title: text('title')[0],
    word: all('verdict')[0]?.dataset.word,
    prompt: all('prompt')[0].value ?? all('prompt')[0].textContent,
    strengths: text('strength'),
    bounds: text('bounds'),
    plain: text('plain-text')[0],
    steered: text('steered-text')[0],
    scores: all('token').map(token => token.dataset.score),
    gauges: all('gauge-bar').map(row => [...row.querySelectorAll('.iw-dim, .iw-number')].map(part => part.textContent)),
    changes: text('change'),
    cells: all('grid-row').map(row =>
      [...row.querySelectorAll('[data-iw="cell"] .iw-cell-number')].map(cell => cell.textContent))
  };
}"""
VIEW = MadeUp("steering", MIME_TYPE, "", READ)
# When the page first shows a new steered text after a slider moved, in milliseconds from the move.
FIRST = """card => {
  const slider = card.querySelector('[data-iw="slider"]');
  const text = card.querySelector('[data-iw="steered-text"]');
  const before = text.textContent;
  window.firstToken = new Promise(resolve => {
    slider.addEventListener('input', () => {
      const began = performance.now();
      const seen = new MutationObserver(() => {
        if (text.textContent === before) return;
        seen.disconnect();
        resolve(performance.now() - began);
      });
      seen.observe(text, { childList: true, subtree: true });
    }, { once: true });
  });
}"""


def expected(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    boxes, grid = payload["boxes"], payload["grid"]
    plain, steered = ("".join(box["text"] for box in boxes[one["start"] : one["end"]]) for one in payload["texts"])
    return {
        "title": payload["title"][0]["text"],
        "word": payload["verdict"]["word"],
        "prompt": payload["prompt"]["text"],
        "strengths": [one["label"] for one in payload["vectors"]],
        "bounds": [one["bounds"] for one in payload["vectors"]],
        "plain": plain,
        "steered": steered,
        "scores": [f"{box['scores'][0]:.6g}" for box in boxes],
        "gauges": [[bar["name"], bar["label"]] for gauge in payload["gauges"] for bar in gauge["bars"]],
        "changes": [gauge["change"] for gauge in payload["gauges"]],
        "cells": [] if grid is None else [[cell["label"] for cell in row["cells"]] for row in grid["rows"]],
    }


def numbers(card: Card) -> Numbers:
    found = VIEW.numbers(card)
    return {**found, "scores": [f"{float(score):.6g}" for score in found["scores"]]}


def settled(lab: Lab, card: Card, **asked: Any) -> Numbers:
    """What the card shows when this was asked for and the work is done, which is what the kernel has."""
    for name, value in asked.items():
        part = "widget.settings.strengths['sentiment']" if name == "strength" else f"widget.settings.{name}"
        lab.wait_python(part, value)
    lab.wait_python("widget.wait(0) and widget.status['state']", "idle")
    card.expect_status("idle")
    payload = lab.python("widget.payload")
    expect(card.part("strength").first).to_have_text(payload["vectors"][0]["label"])
    expect(card.part("steered-text")).to_have_text(expected(payload)["steered"])
    shown = numbers(card)
    assert shown == expected(payload)
    return shown


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    shared.write(VIEW.path, notebook(MODEL, SHOW))
    shared.open(VIEW.path)
    shared.run_all()
    settled(shared, shared.card(1, view="steering"))
    return shared


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    opened.errors.clear()
    opened.open(VIEW.path)
    opened.python("None", "widget.write(prompt=PROMPT, strengths={'sentiment': 0, 'other': 0}, past=False)")
    drawn = opened.card(1, view="steering")
    settled(opened, drawn)
    yield drawn
    opened.expect_quiet()


def test_a_slider_steers(opened: Lab, card: Card, record_property: Callable[[str, object], None]) -> None:
    before = numbers(card)
    assert before["plain"] == before["steered"] != ""
    slider = card.part("slider").first
    slider.focus()
    card.root.evaluate(FIRST)
    card.page.keyboard.press("End")
    first = card.page.evaluate("async () => await window.firstToken")
    record_property("slider_to_first_token_ms", round(first))
    print(f"slider to first steered token: {first:.0f} ms")
    after = settled(opened, card, strength=0.1)
    assert after["strengths"][0] == "+0.100"
    assert after["plain"] == before["plain"] != after["steered"]
    assert card.root.locator(".iw-new").count() > 0
    assert opened.python("widget.result.steered.text") == opened.python(
        "text", "with lm.steered(v, layers=[12], strength=0.1): text = lm.generate(PROMPT, max_new_tokens=6)"
    )
    box = slider.bounding_box()
    assert box is not None
    card.page.mouse.click(box["x"] + 4, box["y"] + box["height"] / 2)
    assert settled(opened, card, strength=-0.1)["strengths"][0] == "−0.100"
    card.page.keyboard.press("0")
    assert settled(opened, card, strength=0)["steered"] == before["steered"]


def test_past_the_bounds_takes_an_act_and_says_the_damage(opened: Lab, card: Card) -> None:
    slider = card.part("slider").first
    assert slider.get_attribute("max") == "0.1"
    card.part("past").focus()
    card.page.keyboard.press("Space")
    expect(card.part("past")).to_have_attribute("aria-checked", "true")
    expect(slider).to_have_attribute("max", "0.4")
    slider.focus()
    card.page.keyboard.press("End")
    expect(card.part("damage")).to_contain_text("sentiment at +0.40 made neutral text 8.00 times as perplexing")
    after = settled(opened, card, strength=0.4)
    assert (after["word"], after["strengths"][0]) == ("do not trust", "+0.400")
    card.part("past").click()
    assert settled(opened, card, past=False, strength=0.1)["strengths"][0] == "+0.100"


def test_texts_stream_and_cancel_keeps_the_last(opened: Lab, card: Card) -> None:
    before = numbers(card)
    opened.python("None", "widget.write(max_new_tokens=200, strengths={'sentiment': 0.05})")
    card.expect_status("running")
    expect(card.part("steered-text")).not_to_have_text(before["steered"])
    expect(card.part("cancel")).to_be_visible()
    card.part("slider").first.focus()
    card.page.keyboard.press("Escape")
    card.expect_status("cancelled")
    assert numbers(card) == before
    assert opened.python("widget.settings.max_new_tokens") == 6


def test_tokens_and_settings_by_keyboard(opened: Lab, card: Card) -> None:
    opened.python("None", "widget.write(strengths={'sentiment': 0.1})")
    settled(opened, card)
    card.token(0).focus()
    card.page.keyboard.press("End")
    payload = opened.python("widget.payload")
    last = payload["boxes"][-1]
    expect(card.part("readout")).to_contain_text(f"{last['name']}sentiment{last['labels'][0]}other{last['labels'][1]}")
    card.page.keyboard.press("Enter")
    opened.wait_python("widget.selection", last["tokens"])
    card.part("colour").select_option("1")
    assert numbers(card)["scores"] == [f"{box['scores'][1]:.6g}" for box in payload["boxes"]]
    card.part("colour").select_option("0")
    card.page.keyboard.press("?")
    card.part("more").click()
    card.part("length").fill("4")
    card.part("length").press("Enter")
    settled(opened, card, max_new_tokens=4)
    assert opened.python("len(widget.result.plain.tokens)") == 4
    card.part("prompt").fill("My day was")
    card.part("prompt").press("Enter")
    settled(opened, card, prompt="My day was")
    card.part("length").fill("6")
    card.part("length").press("Enter")
    settled(opened, card, max_new_tokens=6)
    card.part("more").click()
    card.part("prompt").fill("")
    card.part("prompt").press("Enter")
    expect(card.part("error")).to_contain_text("The prompt is empty.")
    card.part("dismiss").click()


def test_grid_theme_save_and_no_kernel(opened: Lab, card: Card) -> None:
    opened.python("None", "widget.fill_grid(layers=[8, 16], strengths=[-0.1, 0.1])")
    whole = settled(opened, card)
    assert [len(row) for row in whole["cells"]] == [3, 3]
    cells = card.part("cell")
    cells.nth(1).focus()
    card.page.keyboard.press("ArrowRight")
    card.page.keyboard.press("ArrowDown")
    grid = opened.python("widget.payload['grid']")
    expect(card.part("cell-text")).to_contain_text("layer 16, strength +0.100")
    expect(card.part("cell-text")).to_contain_text(grid["rows"][1]["cells"][2]["texts"][0].strip())
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        opened.set_theme(theme)
        assert len(expect_contrast(card.root)["marks"]) > 10
    opened.save()
    data = opened.read(VIEW.path)["cells"][1]["outputs"][0]["data"]
    assert set(data) == {MIME_TYPE, WIDGET_VIEW, "text/html", "text/plain"}
    opened.shut_down_kernel()
    still = opened.card(1, "static", "steering")
    assert numbers(still) == whole
    opened.reload(VIEW.path)
    opened.run_all()
    settled(opened, opened.card(1, view="steering"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    file = tmp_path / "steering.html"
    make_steering().to_html(file)
    with VIEW.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
        assert numbers(card) == expected(console_payload(make_steering()))
        expect_contrast(card.root)
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
        card.part("table-toggle").click()
        expect_contrast(card.root)
