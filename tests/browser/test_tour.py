"""The tour as a person goes through it: opened, run, used by mouse, and used again by the keyboard alone."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.lab import PANEL, Lab
from tests.browser.questions import AGAINST_SYDNEY, WHY_SYDNEY

PATH = "00_tour.ipynb"


def cell_index(lab: Lab, cell_id: str) -> int:
    index: int = lab.page.evaluate(
        f"id => {PANEL}.content.widgets.findIndex(cell => cell.model.sharedModel.getId() === id)", cell_id
    )
    assert index >= 0, cell_id
    return index


@pytest.mark.timeout(900)
def test_tour(lab: Lab) -> None:
    began = time.perf_counter()
    lab.open(PATH)
    opened = time.perf_counter()
    lab.page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    first = lab.card(cell_index(lab, "attribute"))
    seen = time.perf_counter()
    print(f"\ntour: open after {opened - began:.1f} s, first highlight after {seen - began:.1f} s")
    assert first.title == AGAINST_SYDNEY
    last = lab.cell(cell_index(lab, "save")).locator(".jp-InputPrompt")
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=400_000)
    lab.wait_idle()
    assert lab.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0

    # By mouse: two tokens, another answer; the cell after it says so.
    place = cell_index(lab, "widget")
    card = lab.card(place)
    card.token(3).click()
    card.token(4).click(modifiers=["Shift"])
    card.candidate("·Sydney").click()
    card.expect_title(WHY_SYDNEY)
    card.expect_status("idle")
    lab.wait_python("widget.selection", [3, 4])
    lab.run_cell(cell_index(lab, "selection"))
    said = lab.output(cell_index(lab, "selection"))
    expect(said).to_contain_text("selected: [' Australia', ' is']")
    expect(said).to_contain_text("question:  Sydney against  Canberra")

    # By keyboard alone: from the token that has the focus through the lists, back to Canberra, one token.
    card = lab.card(place)
    card.token(0).focus()
    keys = lab.page.keyboard
    keys.press("Escape")
    lab.wait_python("widget.selection", [])
    card.token(0).focus()
    keys.press("ArrowRight")
    keys.press("Enter")
    lab.wait_python("widget.selection", [1])
    keys.press("Tab")
    names = [name for name, _, _ in card.numbers()["candidates"]]
    keys.press("Home")
    for _ in range(names.index("·Canberra")):
        keys.press("ArrowDown")
    expect(card.candidate("·Canberra")).to_be_focused()
    keys.press("Enter")
    card.expect_title(AGAINST_SYDNEY)
    card.expect_status("idle")
    lab.run_cell(cell_index(lab, "selection"))
    expect(said).to_contain_text("selected: [' capital']")
    expect(said).to_contain_text("question:  Canberra against  Sydney")
    lab.expect_quiet()
