"""The matrix in JupyterLab: it fills while a run is under way; its numbers in every state, keyboard, themes, widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from interp_widgets.attribution.matrix_html import strongest
from interp_widgets.attribution.matrix_payload import MIME_TYPE, matrix_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import MATRIX, MadeUp
from tests.builders import make_matrix

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  return {
    title: all('title')[0].textContent,
    word: all('verdict')[0].dataset.word,
    amount: all('amount')[0].textContent,
    prompt: all('prompt')[0].textContent,
    generated: all('generated')[0].textContent,
    heads: all('row-head').map(head => head.getAttribute('aria-label')),
    cells: all('grid-row').map(row => [...row.querySelectorAll('[data-iw="cell"]')].map(cell => cell.textContent))
  };
}"""

VIEW = MadeUp("matrix", MIME_TYPE, MATRIX, READ)
numbers = VIEW.numbers


def expected(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    boxes, cut = payload["boxes"], payload["prompt"]
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "amount": payload["amount"],
        "prompt": "".join(box["text"] for box in boxes[:cut]),
        "generated": "".join(box["text"] for box in boxes[cut:]),
        "heads": [f"{boxes[row['box']]['name']}, probability {row['label']}" for row in payload["rows"]],
        "cells": [row["labels"] for row in payload["rows"]],
    }


WHOLE = expected(matrix_payload(make_matrix()))


def cell(card: Card, row: int, index: int) -> Locator:
    return card.root.locator(f'[data-iw="cell"][data-row="{row}"][data-index="{index}"]')


def lit(card: Card) -> list[float]:
    scores: list[float] = card.part("token").evaluate_all("tokens => tokens.map(token => Number(token.dataset.score))")
    return scores


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return VIEW.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    yield from VIEW.fresh(opened)


def test_live_and_saved(opened: Lab, card: Card) -> None:
    assert numbers(card) == WHOLE
    assert VIEW.saved(opened) == matrix_payload(make_matrix())


def test_sources_and_what_a_token_feeds(card: Card) -> None:
    payload = matrix_payload(make_matrix())
    card.token(6).hover()
    expect(card.part("readout")).to_contain_text("probability 0.45, entropy 0.80 nats, next best")
    assert lit(card) == [*payload["rows"][1]["scores"], 0, 0, 0, 0]
    card.token(3).hover()
    expect(card.part("readout")).to_contain_text("feeds ·course −3.99")
    assert lit(card) == [0, 0, 0, 0, 0, *(row["scores"][3] for row in payload["rows"])]


def test_keyboard(opened: Lab, card: Card) -> None:
    card.token(5).focus()
    card.page.keyboard.press("End")
    expect(card.token(9)).to_be_focused()
    expect(card.part("readout")).to_contain_text("comes from ·of −5.00")
    card.page.keyboard.press("Enter")
    opened.wait_python("widget.selection", [9])
    card.page.keyboard.press("Home")
    expect(card.part("readout")).to_contain_text("feeds")
    card.page.keyboard.press("ArrowRight")
    card.page.keyboard.press("r")
    expect(card.part("direction")).to_have_attribute("aria-pressed", "true")
    card.page.keyboard.press("r")
    card.page.keyboard.press("Tab")
    expect(card.part("direction")).to_be_focused()
    card.page.keyboard.press("Tab")
    expect(card.part("row-head").first).to_be_focused()
    for key in ("ArrowDown", "End"):
        card.page.keyboard.press(key)
    expect(cell(card, 1, 5)).to_be_focused()
    expect(card.part("readout")).to_have_text(",from·Canberra+1.89log-probability")
    card.page.keyboard.press("ArrowDown")
    expect(cell(card, 2, 5)).to_be_focused()
    card.page.keyboard.press("Tab")
    expect(card.part("table-toggle")).to_be_focused()
    card.page.keyboard.press("?")
    expect(card.part("keys")).to_be_visible()


def test_a_run_fills_it_row_by_row(opened: Lab, card: Card) -> None:
    opened.python("None", "widget.result = make_matrix(rows=0); widget.run(work)")
    card.expect_status("running")
    expect(card.part("row-head")).to_have_count(0)
    for rows in (1, 2, 3, 4):
        opened.python("None", "step.release()")
        expect(card.part("row-head")).to_have_count(rows)
        assert numbers(card) == expected(matrix_payload(make_matrix(rows=rows)))
        if rows == 2:
            cell(card, 1, 5).focus()
    expect(cell(card, 1, 5)).to_be_focused()
    expect(card.part("progress-text")).to_contain_text("explaining tokens, 4 of 5")
    opened.python("None", "step.release()")
    card.expect_status("idle")
    expect(card.part("row-head")).to_have_count(5)
    assert numbers(card) == WHOLE
    expect(cell(card, 1, 5)).to_be_focused()
    assert opened.python("widget.result.complete")


def test_cancel_keeps_what_was_done_and_the_notebook_keeps_it(opened: Lab, card: Card) -> None:
    opened.python("None", "widget.result = make_matrix(rows=0); widget.run(work)")
    for rows in (1, 2):
        opened.python("None", "step.release()")
        expect(card.part("row-head")).to_have_count(rows)
    expect(card.part("cancel")).to_be_visible()
    card.part("cancel").click()
    card.expect_status("cancelled")
    assert opened.python("len(widget.result.positions)") == 2
    expect(card.part("amount")).to_have_text("2 tokens explained; not all of them yet")
    opened.save()
    opened.restart_kernel()
    assert numbers(opened.card(1, "static", "matrix")) == expected(matrix_payload(make_matrix(rows=2)))
    opened.run_all()
    opened.card(1, view="matrix")
    opened.save()


def test_a_page_that_comes_later_has_all_rows(opened: Lab, card: Card) -> None:
    opened.save()
    opened.python("None", "widget.result = make_matrix(rows=0); widget.run(work)")
    for rows in (1, 2, 3):
        opened.python("None", "step.release()")
        expect(card.part("row-head")).to_have_count(rows)
    opened.reload(VIEW.path)
    later = opened.card(1, view="matrix")
    expect(later.part("row-head")).to_have_count(3)
    opened.python("None", "step.release(2)")
    expect(later.part("row-head")).to_have_count(5)
    later.expect_status("idle")
    assert numbers(later) == WHOLE


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    card.token(9).focus()
    measured = expect_contrast(card.root)
    assert len(measured["marks"]) > 40
    card.part("table-toggle").click()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


def test_twin_alone_after_the_sanitiser(opened: Lab) -> None:
    with VIEW.twin(opened) as twin:
        rows = twin.locator("tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
        payload = matrix_payload(make_matrix())
        assert [[row[0], row[1], row[4]] for row in rows[1:]] == [
            [
                payload["boxes"][row["box"]]["name"],
                row["label"],
                " ".join(f"{payload['boxes'][i]['name']} {row['labels'][i]}" for i in strongest(row)),
            ]
            for row in payload["rows"]
        ]
        expect_contrast(twin)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    file = tmp_path / "matrix.html"
    make_matrix().to_html(file)
    with VIEW.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
        assert numbers(card) == WHOLE
        expect_contrast(card.root)
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
        card.page.emulate_media(forced_colors="active")
        cell(card, 4, 7).focus()
        expect(card.part("readout")).to_contain_text("−5.00")


def test_a_large_one_scrolls_and_names_what_it_leaves_out(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    make_matrix(prompt_pieces=[f" word{i}" for i in range(150)], generated=[f" more{i}" for i in range(60)]).to_html(
        file
    )
    with VIEW.page(chromium, file, viewport={"width": 760, "height": 900}) as card:
        expect(card.part("total")).to_have_text("210 tokens, scroll to see all")
        expect(card.part("grid-note")).to_contain_text("strongest of 209 sources have a column")
        assert card.part("cell").count() <= 4000
        for part in (card.part("tokens"), card.root.locator(".iw-grid-box")):
            assert part.evaluate("part => part.clientHeight") <= 320
            assert part.evaluate("part => part.scrollHeight > part.clientHeight")
