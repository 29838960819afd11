"""The comparison in JupyterLab: its numbers in every state, keyboard, mouse, requests, Cancel, themes and widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from interp_widgets.attribution.compare_payload import MIME_TYPE, compare_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import COMPARE, MadeUp
from tests.builders import make_comparison

TITLE = "Why ·Canberra rather than ·Sydney?"

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  return {
    title: all('title')[0].textContent,
    sentence: all('sentence')[0].textContent,
    methods: all('method-row').map(row => [
      row.querySelector('.iw-method-name').textContent, row.dataset.word, row.querySelector('.iw-cost').textContent
    ]),
    tokens: all('method-row').map(row =>
      [...row.querySelectorAll('.iw-token')].map(token => token.getAttribute('aria-label'))),
    differ: all('differ').map(row => row.textContent),
    agreement: all('correlation').map(cell => cell.textContent),
    provenance: all('provenance')[0].textContent
  };
}"""

VIEW = MadeUp("compare", MIME_TYPE, COMPARE, READ)
numbers = VIEW.numbers


def expected(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "sentence": payload["sentence"],
        "methods": [[m["label"], m["verdict"]["word"], m["cost"]] for m in payload["methods"]],
        "tokens": [
            [
                f"{box['name']} {label} {method['scale']['unit']}, rank {rank}"
                for box, label, rank in zip(payload["boxes"], method["labels"], method["ranks"], strict=True)
            ]
            for method in payload["methods"]
        ],
        "differ": [f"{token['name']}{token['sentence']}" for token in payload["differ"]],
        "agreement": [cell["label"] for row in payload["agreement"] for cell in row],
        "provenance": " · ".join(payload["provenance"]),
    }


WHOLE = expected(compare_payload(make_comparison()))


def token(card: Card, row: int, index: int) -> Locator:
    return card.root.locator(f'[data-iw="token"][data-row="{row}"][data-index="{index}"]')


def focused(card: Card) -> list[str]:
    found: list[str] = card.root.evaluate(
        "card => { const { iw, row, index } = document.activeElement.dataset; return [iw, row, index ?? '']; }"
    )
    return found


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return VIEW.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    yield from VIEW.fresh(opened)


def test_live_and_saved(opened: Lab, card: Card) -> None:
    assert numbers(card) == WHOLE
    assert VIEW.saved(opened) == compare_payload(make_comparison())


def test_keyboard(card: Card) -> None:
    card.part("more").focus()
    card.page.keyboard.press("Tab")
    assert focused(card) == ["token", "0", "0"]
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"):
        card.page.keyboard.press(key)
    assert focused(card) == ["token", "2", "2"]
    assert card.root.locator(".iw-lit").evaluate_all("lit => lit.map(token => token.dataset.row)") == ["0", "1", "2"]
    expect(card.part("readout")).to_contain_text("+3.00 log-odds, rank 1")
    expect(card.part("readout")).to_contain_text("−0.08 log-odds, rank 4")
    card.page.keyboard.press("Enter")
    expect(token(card, 0, 2)).to_have_attribute("aria-selected", "true")
    card.page.keyboard.press("Home")
    card.page.keyboard.press("ArrowLeft")
    assert focused(card)[0] == "method-head"
    expect(card.part("readout")).to_contain_text("scores sum to +21.0")
    card.page.keyboard.press("?")
    expect(card.part("keys")).to_be_visible()
    card.page.keyboard.press("Escape")
    expect(card.part("keys")).to_be_hidden()
    card.page.keyboard.press("Tab")
    assert focused(card)[0] == "differ"
    card.page.keyboard.press("Shift+Tab")
    assert focused(card)[0] == "method-head"


def test_selection_is_python_s_too(opened: Lab, card: Card) -> None:
    token(card, 1, 3).click()
    opened.wait_python("widget.selection", [3])
    opened.python("None", "widget.selection = [1]")
    expect(token(card, 2, 1)).to_have_attribute("aria-selected", "true")
    expect(token(card, 0, 3)).to_have_attribute("aria-selected", "false")


def test_hover_lights_the_same_token_in_all_rows(card: Card) -> None:
    token(card, 0, 4).hover()
    expect(card.root.locator(".iw-lit")).to_have_count(3)
    expect(card.part("readout")).to_contain_text("−1.00 log-odds, rank 5")
    card.part("title").hover()
    expect(card.root.locator(".iw-lit")).to_have_count(0)


def test_other_methods_and_another_target(opened: Lab, card: Card) -> None:
    card.open_settings()
    card.root.locator('[data-iw="method"][data-name="integrated_gradients"]').uncheck()
    card.part("compare-these").click()
    expect(card.part("method-row")).to_have_count(2)
    expect(card.part("sentence")).to_have_text("Rank correlation is 0.90 between leave-one-out and Shapley values")
    card.candidate("·the").click()
    opened.wait_python("asked[-1]", [["leave_one_out", "shapley"], 260, 11809])
    card.expect_status("idle")
    assert opened.python("list(widget.result.methods)") == ["leave_one_out", "shapley"]


def test_cancel_and_the_last_result_stays(opened: Lab, card: Card) -> None:
    opened.python("None", "hold = True")
    card.candidate("·Perth").click()
    expect(card.part("progress-text")).to_contain_text("Shapley values, 1 of 3")
    card.part("cancel").click()
    card.expect_status("cancelled")
    opened.python("None", "hold = False")
    assert numbers(card)["tokens"] == WHOLE["tokens"]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    card.open_settings()
    card.part("keys-toggle").click()
    token(card, 1, 3).focus()
    measured = expect_contrast(card.root)
    assert len(measured["marks"]) >= 15
    card.part("table-toggle").click()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


def test_restarted_and_reloaded(opened: Lab, card: Card) -> None:
    opened.save()
    opened.restart_kernel()
    saved = opened.card(1, "static", "compare")
    assert numbers(saved) == WHOLE
    assert saved.root.locator("select, input").count() == 0
    opened.reload(VIEW.path)
    assert numbers(opened.card(1, "static", "compare")) == WHOLE
    opened.run_all()
    opened.card(1, view="compare")


def test_twin_alone_after_the_sanitiser(opened: Lab) -> None:
    with VIEW.twin(opened) as twin:
        rows = (
            twin.locator("table")
            .first.locator("tr")
            .evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
        )
        payload = compare_payload(make_comparison())
        assert rows[1:] == [
            [box["name"], *(f"{m['labels'][i]} (rank {m['ranks'][i]})" for m in payload["methods"])]
            for i, box in enumerate(payload["boxes"])
        ]
        expect_contrast(twin)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    file = tmp_path / "compare.html"
    make_comparison().to_html(file)
    with VIEW.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
        assert numbers(card) == WHOLE
        expect_contrast(card.root)
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
        card.page.set_viewport_size({"width": 1280, "height": 900})
        assert card.root.evaluate("card => card.getBoundingClientRect().width") <= 720
        card.page.emulate_media(forced_colors="active")
        token(card, 0, 3).focus()
        assert card.root.locator(".iw-lit").count() == 3


def test_a_long_prompt_scrolls_as_one(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "long.html"
    make_comparison(pieces=[f" word{i}" for i in range(300)]).to_html(file)
    with VIEW.page(chromium, file, viewport={"width": 760, "height": 900}) as card:
        expect(card.part("total")).to_have_text("300 tokens, scroll to see all")
        expect(card.part("total")).to_be_visible()
        heights = card.part("tokens").evaluate_all("rows => rows.map(row => row.clientHeight)")
        assert max(heights) <= 320
        token(card, 0, 0).focus()
        card.page.keyboard.press("End")
        expect(token(card, 0, 299)).to_be_in_viewport()
        card.page.wait_for_function(
            "() => { const tops = [...document.querySelectorAll('[data-iw=\"tokens\"]')].map(row => row.scrollTop);"
            " return tops[0] > 0 && tops.every(top => top === tops[0]); }"
        )
