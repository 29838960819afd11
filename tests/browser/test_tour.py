"""The tour as a person meets it: opened, run, used by mouse and by keyboard, read back in Python."""

from __future__ import annotations

import time

from tests.browser.lab import Lab

HIGHLIGHT = "[data-iw=highlight][data-state=live]"


def index_of(lab: Lab, identifier: str) -> int:
    """Where the cell with this id stands."""
    find = "id => jupyterapp.shell.currentWidget.content.model.sharedModel.cells.findIndex(c => c.id === id)"
    found: int = lab.page.evaluate(find, identifier)
    assert found >= 0, f"the tour has no cell {identifier!r}"
    return found


def run(lab: Lab, identifier: str) -> str:
    """Run one cell, wait, and give what it printed."""
    number = index_of(lab, identifier)
    lab.page.evaluate(
        """async index => {
          const notebook = jupyterapp.shell.currentWidget.content;
          notebook.deselectAll();
          notebook.activeCellIndex = index;
          await jupyterapp.commands.execute('notebook:run-cell');
        }""",
        number,
    )
    lab.wait_idle()
    return lab.output(number).inner_text()


def says(lab: Lab, identifier: str, text: str) -> bool:
    """Whether the cell prints `text`, run anew until it does: a click reaches the kernel a moment after the mouse."""
    return any(text in run(lab, identifier) for _ in range(20))


def test_the_tour_by_mouse_and_by_keyboard(lab: Lab) -> None:
    began = time.perf_counter()
    lab.open("00_tour.ipynb")
    lab.run_all(240)
    first = lab.output(index_of(lab, "attribute")).locator(HIGHLIGHT)
    first.wait_for()
    print(f"\nopened, run whole and drawn after {time.perf_counter() - began:.1f} s")
    assert "·Canberra" in first.locator("[data-iw=title]").inner_text()
    assert "do not trust" in first.locator("[data-iw=verdict]").inner_text()

    card = lab.output(index_of(lab, "widget")).locator(HIGHLIGHT)
    card.wait_for()
    card.locator("[data-iw=token]", has_text="Australia").click()
    assert says(lab, "selection", "' Australia'")

    card = lab.output(index_of(lab, "widget")).locator(HIGHLIGHT)
    card.locator("[data-iw=candidate]", has_text="Perth").first.click()
    card.locator("[data-iw=title]", has_text="·Perth").wait_for()
    assert says(lab, "selection", "question:  Perth against  Sydney")

    card = lab.output(index_of(lab, "widget")).locator(HIGHLIGHT)
    card.locator("[data-iw=token][tabindex='0']").focus()
    lab.page.keyboard.press("Home")
    lab.page.keyboard.press("Enter")
    card.locator("[data-iw=token][data-index='0'][aria-selected=true]").wait_for()
    assert says(lab, "selection", "'The'")
    assert lab.errors == []
    assert lab.foreign_requests() == []
