"""Trace and patching in JupyterLab: their numbers in every state, the chosen cell from both sides, a tab that is asked
for, keyboard, themes, widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from interp_widgets.locate.patch_payload import MIME_TYPE as PATCH_TYPE
from interp_widgets.locate.patch_payload import patch_payload
from interp_widgets.locate.trace_payload import MIME_TYPE as TRACE_TYPE
from interp_widgets.locate.trace_payload import trace_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import BUILDERS, MadeUp
from tests.locate.made import make_patch, make_trace

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  return {
    title: all('title')[0].textContent,
    word: all('verdict')[0].dataset.word,
    tabs: all('tab').map(tab => tab.dataset.key),
    heads: all('row-head').map(head => head.querySelector('.iw-name').textContent),
    cells: all('heat-row').map(row => [...row.querySelectorAll('[data-iw="cell"]')].map(cell => cell.textContent))
  };
}"""

TRACED = f"""{BUILDERS}
from interp_widgets.locate import tracing
from tests.locate.made import make_trace

def causal_trace(lm, prompt, *, kind, progress, cancel, **rest):
    progress(3, 36, 'causal trace')
    while not go_on.is_set():
        if cancel.wait(0.01):
            raise Cancelled('by the flag')
    return make_trace(kinds=(kind,), restored=make_trace().restored[1:])

tracing.causal_trace = causal_trace
result = make_trace(kinds=('hidden',), restored=make_trace().restored[:1])
"""
PATCHED = f"{BUILDERS}\nfrom tests.locate.made import make_patch\nresult = make_patch()\n"

TRACE = MadeUp("trace", TRACE_TYPE, TRACED, READ)
PATCH = MadeUp("patch", PATCH_TYPE, PATCHED, READ)
FIRST = make_trace(kinds=("hidden",), restored=make_trace().restored[:1])
MISSING = ["mlp", "attn", "hidden_mlp_severed", "hidden_attn_severed"]


def expected(payload: dict[str, Any], cells: list[list[str]], tabs: list[str]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "tabs": tabs,
        "heads": [row["name"] for row in payload["rows"]],
        "cells": cells,
    }


def of_trace(live: bool = True) -> Numbers:
    payload = trace_payload(FIRST)
    return expected(payload, payload["sheets"][0]["labels"], ["hidden", *(MISSING if live else [])])


def cell(card: Card, row: int, column: int) -> Locator:
    return card.root.locator(f'[data-iw="cell"][data-row="{row}"][data-index="{column}"]')


def tab(card: Card, key: str) -> Locator:
    return card.root.locator(f'[data-iw="tab"][data-key="{key}"]')


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return TRACE.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    opened.python("None", "go_on.clear()")
    yield from TRACE.fresh(opened)


def test_live_and_saved(opened: Lab, card: Card) -> None:
    assert TRACE.numbers(card) == of_trace()
    assert TRACE.saved(opened) == trace_payload(FIRST)


def test_a_cell_is_read_walked_to_and_chosen_and_python_has_it(opened: Lab, card: Card) -> None:
    cell(card, 2, 1).hover()
    expect(card.part("readout")).to_contain_text("iffellayer 1:0.02 → 0.43of 0.70")
    cell(card, 5, 5).focus()
    for key in ("ArrowUp", "Home", "ArrowRight", "Enter"):
        card.page.keyboard.press(key)
    expect(cell(card, 4, 1)).to_be_focused()
    opened.wait_python("widget.cell and [widget.cell.kind, widget.cell.position, widget.cell.layer]", ["hidden", 4, 1])
    expect(card.part("run")).to_have_count(3)
    opened.python("None", "widget.cell = ('hidden', 2, 0)")
    expect(cell(card, 2, 0)).to_have_attribute("aria-selected", "true")
    expect(card.part("run").nth(2)).to_contain_text("restored: iffel, layer 0·Paris0.50")
    card.page.keyboard.press("Escape")
    opened.wait_python("widget.cell", None)
    card.page.keyboard.press("Tab")
    expect(card.part("table-toggle")).to_be_focused()


def test_a_tab_that_is_asked_for(opened: Lab, card: Card) -> None:
    tab(card, "mlp").click()
    expect(card.part("progress-text")).to_contain_text("causal trace, 3 of 36")
    card.part("cancel").click()
    card.expect_status("cancelled")
    assert TRACE.numbers(card) == of_trace()
    opened.python("None", "go_on.set()")
    tab(card, "mlp").click()
    expect(tab(card, "mlp")).to_have_attribute("aria-selected", "true")
    assert opened.python("list(widget.result.kinds)") == ["hidden", "mlp"]
    whole = trace_payload(make_trace())
    assert TRACE.numbers(card)["cells"] == whole["sheets"][1]["labels"]
    opened.save()
    kept = TRACE.saved(opened)
    assert kept["sheets"] == whole["sheets"]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    cell(card, 2, 0).click()
    expect_contrast(card.root)
    card.part("table-toggle").click()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


def test_patching(opened: Lab) -> None:
    lab = PATCH.open(opened)
    card = lab.card(1, view="patch")
    payload = patch_payload(make_patch())
    tabs = ["resid_post", "mlp_out", "resid_pre", "attn_out", "exact", "first"]
    assert PATCH.numbers(card) == expected(payload, payload["sheets"][0]["exact"]["labels"], tabs)
    assert PATCH.saved(lab) == payload
    tab(card, "first").click()
    assert PATCH.numbers(card)["cells"] == payload["sheets"][0]["first"]["labels"]
    tab(card, "mlp_out").click()
    cell(card, 2, 3).click()
    expect(card.part("readout")).to_contain_text("osseum← ·Towerlayer 3:")
    lab.wait_python("widget.cell and [widget.cell.site, widget.cell.row, widget.cell.layer]", ["mlp_out", 2, 3])
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.set_theme(theme)
        expect_contrast(card.root)
    lab.expect_quiet()


@pytest.mark.parametrize("made", [TRACE, PATCH], ids=["trace", "patch"])
def test_twin_alone_after_the_sanitiser(opened: Lab, made: MadeUp) -> None:
    payload = trace_payload(FIRST) if made is TRACE else patch_payload(make_patch())
    sheet = payload["sheets"][0]
    with made.twin(opened) as twin:
        rows = twin.locator("table").first.evaluate(
            "table => [...table.rows].slice(1).map(row => [...row.cells].slice(1).map(cell => cell.textContent))"
        )
        labels = (sheet if made is TRACE else sheet["exact"])["labels"]
        assert rows == [[label or "–" for label in line] for line in labels]
        expect_contrast(twin)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    for made, result in ((TRACE, FIRST), (PATCH, make_patch())):
        file = tmp_path / f"{made.view}.html"
        result.to_html(file)
        with made.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
            if made is TRACE:
                assert TRACE.numbers(card) == of_trace(live=False)
            cell(card, 2, 0).click()
            expect_contrast(card.root)
            assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
            card.page.emulate_media(forced_colors="active")
            cell(card, 2, 1).focus()
            expect(card.part("readout")).to_contain_text("layer 1")


def test_a_large_one_scrolls_inside(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    make_trace(pieces=(*FIRST.tokens, *(f" w{i}" for i in range(60))), n_layers=48, kinds=("hidden",)).to_html(file)
    with TRACE.page(chromium, file, viewport={"width": 760, "height": 900}) as card:
        box = card.root.locator(".iw-heat-box")
        assert box.evaluate("box => box.scrollHeight > box.clientHeight && box.clientHeight <= 340")
        cell(card, 65, 47).focus()
        card.page.keyboard.press("Home")
        expect(cell(card, 65, 0)).to_be_in_viewport()
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 760")
