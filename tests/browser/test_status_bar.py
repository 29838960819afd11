"""The status bar: model, device and what acts on it, of the notebook in front, whatever becomes of its kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import PANEL, Lab, notebook
from tests.browser.questions import LOAD

CELLS = notebook(
    LOAD,
    "change = lm.ledger.add(iw.Ablation(layer=17, site='attn_out'), name='no attention 17')",
    "lm.ledger.toggle('no attention 17', False)",
    "lm.ledger.clear()",
)


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    shared.write("status.ipynb", CELLS)
    shared.open("status.ipynb")
    return shared


@pytest.fixture(autouse=True)
def _quiet(shared: Lab) -> Iterator[None]:
    yield
    shared.expect_quiet()


def item(lab: Lab) -> Locator:
    return lab.page.locator("[data-iw='status']")


def expect_says(lab: Lab, words: str) -> None:
    expect(item(lab)).to_have_text(words)
    expect(item(lab)).to_be_visible()


def test_it_follows_the_ledger(opened: Lab) -> None:
    expect(item(opened)).to_be_hidden()
    opened.run_cell(0)
    name = opened.python("lm.name")
    assert name == "SmolLM2-135M-Instruct"
    expect_says(opened, f"{name} · cpu · none active")
    opened.run_cell(1)
    expect_says(opened, f"{name} · cpu · 1 active")
    expect(opened.page.get_by_role("button", name=f"Language models: {name} · cpu · 1 active")).to_be_visible()
    opened.run_cell(2)
    expect_says(opened, f"{name} · cpu · none active")
    opened.python("None", "with lm.using(iw.Ablation(layer=3, site='mlp_out')):\n    inside = len(lm.ledger)")
    expect_says(opened, f"{name} · cpu · none active")
    opened.python("None", "lm.ledger.toggle('no attention 17', True)")
    expect_says(opened, f"{name} · cpu · 1 active")


def test_a_click_lists_them(opened: Lab) -> None:
    opened.python("None", "lm.ledger.toggle('no attention 17', False)")
    opened.python("None", "lm.ledger.add(iw.Ablation(layer=2, site='mlp_out'), name='<b>second</b>')")
    expect_says(opened, "SmolLM2-135M-Instruct · cpu · 1 active")
    item(opened).click()
    popup = opened.page.get_by_role("dialog", name="Models and interventions")
    expect(popup).to_contain_text("SmolLM2-135M-Instruct")
    expect(popup).to_contain_text("cpu · float32")
    rows = popup.locator("[data-iw='intervention']")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("no attention 17")
    expect(rows.nth(0)).to_have_attribute("data-enabled", "false")
    expect(rows.nth(1)).to_contain_text("<b>second</b>")
    expect(rows.nth(1)).to_have_attribute("data-enabled", "true")
    assert popup.locator("b").count() == 0
    expect(popup).to_be_focused()
    opened.page.keyboard.press("Escape")
    expect(popup).to_have_count(0)
    expect(item(opened)).to_be_focused()
    opened.page.keyboard.press("Enter")
    expect(popup).to_be_focused()
    opened.page.keyboard.press("Escape")
    expect(popup).to_have_count(0)


def test_the_command_lists_them_too(opened: Lab) -> None:
    opened.execute("interp:show-models")
    expect(opened.page.get_by_role("dialog", name="Models and interventions")).to_be_visible()
    opened.page.keyboard.press("Escape")
    opened.execute("interp:toggle-status")
    expect(item(opened)).to_be_hidden()
    opened.execute("interp:toggle-status")
    expect(item(opened)).to_be_visible()


def test_page_reload(opened: Lab) -> None:
    opened.save()
    opened.reload("status.ipynb")
    expect_says(opened, "SmolLM2-135M-Instruct · cpu · 1 active")
    opened.run_cell(3)
    expect_says(opened, "SmolLM2-135M-Instruct · cpu · none active")


def test_the_model_is_let_go(opened: Lab) -> None:
    opened.python("None", "del lm, change; import gc; gc.collect()")
    expect(item(opened)).to_be_hidden()


def test_restart_and_shutdown(opened: Lab) -> None:
    opened.run_cell(0)
    expect_says(opened, "SmolLM2-135M-Instruct · cpu · none active")
    opened.restart_kernel()
    expect(item(opened)).to_be_hidden()
    opened.run_cell(0)
    expect_says(opened, "SmolLM2-135M-Instruct · cpu · none active")
    opened.shut_down_kernel()
    expect(item(opened)).to_be_hidden()
    assert opened.page.evaluate(f"() => {PANEL}.context.path") == "status.ipynb"


def test_two_notebooks(lab: Lab) -> None:
    """Each notebook has its kernel; the bar shows that of the one in front."""

    def to_front(path: str) -> None:
        lab.page.get_by_role("tab", name=path).click()

    lab.write("one.ipynb", CELLS)
    lab.open("one.ipynb")
    lab.run_cell(0)
    lab.run_cell(1)
    expect_says(lab, "SmolLM2-135M-Instruct · cpu · 1 active")
    lab.write("two.ipynb", CELLS)
    lab.open("two.ipynb")
    expect(item(lab)).to_be_hidden()
    lab.run_cell(0)
    expect_says(lab, "SmolLM2-135M-Instruct · cpu · none active")
    to_front("one.ipynb")
    expect_says(lab, "SmolLM2-135M-Instruct · cpu · 1 active")
    to_front("two.ipynb")
    expect_says(lab, "SmolLM2-135M-Instruct · cpu · none active")
    lab.expect_quiet()
