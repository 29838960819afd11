"""The live highlight without a mouse, and as a screen reader meets it; JupyterLab's own keys stay with JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.card import Card
from tests.browser.lab import PANEL, Lab
from tests.browser.questions import AGAINST_SYDNEY, WHY_SYDNEY, canberra

PATH = "keyboard.ipynb"
CELLS = f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.getSource())"
MODE = f"() => {PANEL}.content.mode"

# Notes every text that a polite or assertive region says.
LISTEN = """card => {
  window.__said = [];
  const said = text => { if (text && window.__said.at(-1) !== text) window.__said.push(text); };
  new MutationObserver(changes => changes.forEach(({ target, addedNodes }) => {
    const at = target instanceof Element ? target : target.parentElement;
    const region = at?.closest('[aria-live], [role="status"], [role="alert"]');
    if (region) said(region.textContent);
    addedNodes.forEach(node => {
      if (node instanceof Element && node.matches('[role="alert"]')) said(node.textContent);
    });
  })).observe(card, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    shared.write(PATH, canberra())
    shared.open(PATH)
    shared.run_all()
    return shared


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    opened.run_cell(1)
    yield opened.card(1)
    opened.expect_quiet()


def press(card: Card, *keys: str) -> None:
    for key in keys:
        card.page.keyboard.press(key)


def focused(card: Card) -> str:
    """The mark of what has the focus; "" if that is outside the card."""
    found = card.root.evaluate(
        "card => card.contains(document.activeElement) ? document.activeElement.dataset.iw ?? '?' : ''"
    )
    return str(found)


def test_tab_stops_once_at_each_part(card: Card) -> None:
    """Forwards through the whole card, one stop for each group, and out; and the same way back."""
    card.part("method").focus()
    stops = [focused(card)]
    while stops[-1] and len(stops) < 30:
        press(card, "Tab")
        stops.append(focused(card))
    assert stops[:-1] == [
        *("method", "more", "why-toggle", "token", "candidate", "strong", "table-toggle", "copy", "save", "keys-toggle")
    ]
    press(card, "Shift+Tab")
    back = [focused(card)]
    while back[-1] != "method" and len(back) < 30:
        press(card, "Shift+Tab")
        back.append(focused(card))
    assert back == stops[-2::-1]


def test_arrows_move_over_tokens(card: Card) -> None:
    numbers = card.numbers()
    card.token(0).focus()
    for key, index in [
        *(("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 4), ("ArrowRight", 4), ("Home", 0)),
        ("ArrowLeft", 0),
    ]:
        press(card, key)
        expect(card.token(index)).to_be_focused()
        name, label = numbers["tokens"][index]
        expect(card.part("readout")).to_contain_text(name)
        expect(card.part("readout")).to_contain_text(label)
    assert card.root.locator('[data-iw="token"][tabindex="0"]').count() == 1


def test_focus_is_seen(card: Card) -> None:
    """Two pixels, offset, in the accent colour, on every stop."""
    card.part("method").focus()
    press(card, "Tab")
    while hook := focused(card):
        style = card.page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            " return [s.outlineStyle, s.outlineWidth, s.outlineOffset]; }"
        )
        assert style == ["solid", "2px", "2px"], hook
        press(card, "Tab")


def test_tokens_are_selected(opened: Lab, card: Card) -> None:
    card.token(1).focus()
    press(card, "Enter")
    opened.wait_python("widget.selection", [1])
    press(card, "Shift+ArrowRight", "Shift+ArrowRight")
    opened.wait_python("widget.selection", [1, 2, 3])
    press(card, "Shift+ArrowLeft")
    opened.wait_python("widget.selection", [1, 2])
    press(card, "End", " ")
    opened.wait_python("widget.selection", [1, 2, 4])
    press(card, "Escape")
    opened.wait_python("widget.selection", [])
    expect(card.token(4)).to_be_focused()
    press(card, "Escape")
    assert focused(card) == "", "nothing is left to close: the key leaves the view"


def test_candidates(opened: Lab, card: Card) -> None:
    card.part("candidate").first.focus()
    rows = [name for name, _, _ in card.numbers()["candidates"]]
    at = rows.index("·Sydney")
    press(card, "Home", *["ArrowDown"] * at)
    expect(card.candidate("·Sydney")).to_be_focused()
    press(card, "Enter")
    card.expect_title(WHY_SYDNEY)
    card.expect_status("idle")
    expect(card.candidate("·Sydney")).to_be_focused()
    assert opened.python("widget.result.target") == " Sydney"
    # `f` lets the foil go, and takes it up again; the arrow to the right leads to the offer beside a candidate.
    press(card, "Home", *["ArrowDown"] * rows.index("·Canberra"), "f")
    expect(card.part("title")).to_have_text("Why ·Sydney?")
    card.expect_status("idle")
    expect(card.candidate("·Canberra")).to_be_focused()
    press(card, "ArrowRight")
    expect(card.foil("·Canberra")).to_be_focused()
    press(card, "Enter")
    card.expect_title(WHY_SYDNEY)
    card.expect_status("idle")
    press(card, "End")
    assert focused(card) in {"candidate", "foil"}


def test_settings_panel(opened: Lab, card: Card) -> None:
    card.part("more").focus()
    press(card, "Enter")
    panel = card.part("settings")
    expect(panel).to_be_visible()
    press(card, "Tab")
    assert focused(card) == "target"
    card.part("steps").focus()
    card.part("steps").select_text()
    card.page.keyboard.type("9")
    press(card, "Enter")
    opened.wait_python("widget.result.settings['steps']", 9)
    card.expect_status("idle")
    expect(card.part("steps")).to_have_value("9")
    assert focused(card) == "steps", "the new picture leaves the focus where it was"
    press(card, "Escape")
    expect(panel).to_be_hidden()
    expect(card.part("more")).to_be_focused()


def test_keys_are_listed(card: Card) -> None:
    card.token(0).focus()
    press(card, "?")
    keys = card.part("keys")
    expect(keys).to_be_visible()
    for key in ("Home End", "Enter", "Esc", "?"):
        expect(keys.get_by_text(key, exact=True)).to_be_visible()
    press(card, "Escape")
    expect(keys).to_be_hidden()
    expect(card.token(0)).to_be_focused()


def test_save_menu(card: Card) -> None:
    card.part("save").focus()
    press(card, "Enter")
    expect(card.part("save-png")).to_be_focused()
    press(card, "ArrowDown")
    expect(card.part("save-svg")).to_be_focused()
    press(card, "End")
    expect(card.part("save-csv")).to_be_focused()
    press(card, "Escape")
    expect(card.part("save-csv")).to_be_hidden()
    expect(card.part("save")).to_be_focused()
    press(card, "Enter", "End")
    with card.page.expect_download() as download:
        press(card, "Enter")
    assert download.value.suggested_filename == "highlight-Canberra.csv"


def test_one_letter_shortcuts_of_the_host_stay_away(opened: Lab, card: Card) -> None:
    """In command mode "d", "d" deletes a cell, "a" and "b" add one, "x" cuts, "0", "0" restarts the kernel."""
    cells = opened.page.evaluate(CELLS)
    kernel = opened.python("id(widget)")
    for place in (card.token(2), card.candidate("·Sydney"), card.part("more"), card.part("strong").first):
        place.focus()
        press(card, "a", "b", "x", "c", "v", "m", "d", "d", "0", "0", "Shift+M", "j", "k")
    assert opened.page.evaluate(CELLS) == cells
    assert opened.python("id(widget)") == kernel
    assert opened.page.locator(".jp-Dialog").count() == 0
    assert card.title == AGAINST_SYDNEY


def test_the_host_keeps_its_keys_elsewhere(opened: Lab, card: Card) -> None:
    """After Escape out of the view the notebook can be driven by keys again."""
    cells = opened.page.evaluate(CELLS)
    card.token(0).focus()
    press(card, "Escape")
    assert focused(card) == ""
    opened.page.evaluate(f"() => {{ {PANEL}.content.activate(); {PANEL}.content.mode = 'command'; }}")
    press(card, "b")
    opened.page.wait_for_function(f"n => {PANEL}.content.widgets.length === n", arg=len(cells) + 1)
    press(card, "d", "d")
    opened.page.wait_for_function(f"n => {PANEL}.content.widgets.length === n", arg=len(cells))
    assert opened.page.evaluate(CELLS) == cells


def test_shortcuts_with_ctrl_stay_the_hosts(opened: Lab, card: Card) -> None:
    """Ctrl+S saves the notebook from inside the card; Shift+Enter in a field of ours runs no cell."""
    card.token(0).focus()
    with opened.page.expect_response(
        lambda response: response.request.method == "PUT" and response.url.split("?")[0].endswith(PATH)
    ):
        press(card, "Control+s")
    before = opened.python("id(widget)")
    card.open_settings()
    card.part("target").focus()
    press(card, "Shift+Enter")
    opened.wait_idle()
    assert opened.python("id(widget)") == before


def test_what_is_said(opened: Lab, card: Card) -> None:
    card.root.evaluate(LISTEN)
    numbers = card.numbers()
    card.token(3).focus()
    press(card, "ArrowRight")
    name, label = numbers["tokens"][4]
    opened.page.wait_for_function(
        "words => window.__said.some(said => words.every(word => said.includes(word)))", arg=[name, label]
    )
    card.candidate("·Sydney").focus()
    press(card, "Enter")
    card.expect_title(WHY_SYDNEY)
    card.expect_status("idle")
    sentence = card.numbers()["sentence"]
    opened.page.wait_for_function(
        "words => window.__said.some(said => words.every(word => said.includes(word)))", arg=[WHY_SYDNEY, sentence]
    )
    card.open_settings()
    card.part("target").fill("Canberra")
    press(card, "Enter")
    card.expect_status("error")
    opened.page.wait_for_function("() => window.__said.some(said => said.includes('cannot follow this prompt'))")


def test_accessible_names(card: Card) -> None:
    numbers = card.numbers()
    card.open_settings()
    page, root = card.page, card.root
    expect(page.get_by_role("region", name=AGAINST_SYDNEY)).to_have_count(1)
    expect(root.get_by_role("heading", name=AGAINST_SYDNEY)).to_have_count(1)
    expect(root.get_by_role("listbox", name="Tokens of the prompt with their scores")).to_have_count(1)
    for name, label in numbers["tokens"]:
        expect(root.get_by_role("option", name=f"{name} {label} log-odds", exact=True)).to_have_count(1)
    for name, label, role in numbers["candidates"]:
        said = f"{name}, probability {label}, explained here" if role == "target" else f"Explain {name} instead"
        assert root.get_by_role("button", name=said).count() == 1
    for control in ("Method", "Foil", "Baseline", "Quadrature"):
        expect(root.get_by_role("combobox", name=control, exact=True)).to_have_count(1)
    expect(root.get_by_role("spinbutton", name="Steps")).to_have_count(1)
    expect(root.get_by_role("group", name="Settings")).to_have_count(1)
    expect(root.get_by_role("button", name="More settings")).to_have_attribute("aria-expanded", "true")
    nameless = root.locator("button, select, input").evaluate_all(
        "all => all.filter(e => !(e.getAttribute('aria-label') ?? e.textContent).trim()).map(e => e.outerHTML)"
    )
    assert nameless == []
    # Every reference to another element leads somewhere.
    lost = root.evaluate(
        """card => [...card.querySelectorAll('[aria-controls], [aria-labelledby]'), card].flatMap(element =>
          ['aria-controls', 'aria-labelledby'].map(name => element.getAttribute(name)).filter(Boolean))
          .filter(id => document.getElementById(id) === null)"""
    )
    assert lost == []
