"""One highlight in all the states in which a person may meet it: the same numbers each time, and no request.

Live, reloaded, restarted, shut down, untrusted, as script-free twin, exported by nbconvert, as a page of its own, in
the light and the dark theme.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.card import Card, Numbers, expected, twin_numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.questions import AGAINST_SYDNEY, PAYLOAD, WHY_SYDNEY, canberra

PATH = "states.ipynb"
MIME_TYPE = "application/vnd.interp.highlight.v1+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^jupyter (nbconvert .*) notebook\.ipynb$", README, re.MULTILINE)

# Notes whenever the widget manager's own words for a lost model come into sight, also for a moment.
WATCH = """() => {
  const bad = /model not found|Error displaying widget|Loading widget/i;
  window.__flashes = [];
  const look = node => {
    const element = node instanceof HTMLElement ? node : node.parentElement;
    const found = bad.exec(element?.innerText ?? '');  // what is hidden has no inner text
    if (found && element.checkVisibility()) window.__flashes.push(found[0]);
  };
  new MutationObserver(changes => changes.forEach(change => {
    change.addedNodes.forEach(look);
    if (change.type === 'characterData') look(change.target);
  })).observe(document.querySelector('.jp-NotebookPanel'), { childList: true, subtree: true, characterData: true });
}"""

# The data that the second cell's output holds, as the notebook would save it.
SHOWN = f"""() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.outputs.get(0).data['{MIME_TYPE}']"""


class Drawn(NamedTuple):
    payload: dict[str, Any]  # as Python computed it
    saved: dict[str, Any]  # the notebook's file
    page: str  # result.to_html()

    @property
    def numbers(self) -> Numbers:
        return expected(self.payload)

    @property
    def bundle(self) -> dict[str, Any]:
        """The output's MIME bundle."""
        data: dict[str, Any] = self.saved["cells"][1]["outputs"][0]["data"]
        return data


@pytest.fixture(scope="module")
def drawn(shared: Lab) -> Drawn:
    """The highlight, made once; the notebook is saved, open, and its kernel lives."""
    shared.write(PATH, canberra())
    shared.open(PATH)
    shared.run_all()
    shared.card(1)
    shared.save()
    return Drawn(shared.python(PAYLOAD), shared.read(PATH), shared.python("result.to_html()"))


@pytest.fixture
def live(shared: Lab, drawn: Drawn) -> Card:
    """The live card; if a test before has ended the kernel, the cells are run again."""
    shared.open(PATH)
    if not shared.has_kernel() or not shared.python("'widget' in globals()"):
        if not shared.has_kernel():
            shared.restart_kernel()
        shared.run_all()
    return shared.card(1)


@pytest.fixture(autouse=True)
def _quiet(shared: Lab) -> Any:
    """Each test leaves a page that asked nobody and on which nothing went wrong."""
    shared.errors.clear()
    yield
    shared.expect_quiet()


def without_cost(numbers: Numbers) -> Numbers:
    """All but the provenance, whose seconds differ when a question is asked again."""
    return {name: value for name, value in numbers.items() if name != "provenance"}


def expect_usable(card: Card) -> None:
    """A click on a candidate is answered; the question is turned back after it."""
    assert card.part("method").is_enabled()
    card.candidate("·Sydney").click()
    card.expect_title(WHY_SYDNEY)
    card.expect_status("idle")
    card.candidate("·Canberra").click()
    card.expect_title(AGAINST_SYDNEY)
    card.expect_status("idle")


def expect_static(card: Card, numbers: Numbers) -> None:
    """The saved picture: same numbers, nothing to ask."""
    assert card.numbers() == numbers
    assert card.root.locator("select, input").count() == 0
    assert card.part("foil").count() == 0
    assert card.part("cancel").is_hidden()


def expect_no_complaint(page: Page) -> None:
    assert page.get_by_text(re.compile("model not found|Error displaying widget", re.IGNORECASE)).count() == 0


def test_live(shared: Lab, drawn: Drawn, live: Card) -> None:
    assert shared.output(1).locator("[data-iw='highlight']").count() == 1
    assert live.numbers() == drawn.numbers
    assert drawn.payload["verdict"]["word"] == "do not trust"
    assert live.title == AGAINST_SYDNEY
    expect_usable(live)


def test_what_is_saved(drawn: Drawn) -> None:
    payload = drawn.bundle[MIME_TYPE]
    assert payload.pop("model_id") == drawn.bundle[WIDGET_VIEW]["model_id"]
    assert payload == drawn.payload
    assert set(drawn.bundle) == {MIME_TYPE, WIDGET_VIEW, "text/html", "text/plain"}
    assert "widgets" not in drawn.saved["metadata"], "nothing relies on saved widget state"


def test_reloaded_with_a_live_kernel(shared: Lab, drawn: Drawn, live: Card) -> None:
    shared.python("None", "widget.result = result")
    live.expect_title(AGAINST_SYDNEY)
    shared.reload(PATH)
    card = shared.card(1)
    assert card.numbers() == drawn.numbers
    expect_usable(card)
    expect_no_complaint(shared.page)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(shared: Lab, drawn: Drawn, live: Card, theme: str) -> None:
    shared.python("None", "widget.result = result")
    live.expect_title(AGAINST_SYDNEY)
    shared.set_theme(theme)
    card = shared.card(1)
    assert without_cost(card.numbers()) == without_cost(drawn.numbers)
    card.open_settings()
    card.part("why-toggle").click()
    card.part("keys-toggle").click()
    measured = expect_contrast(card.root)
    assert len(measured["marks"]) > len(drawn.payload["boxes"])
    card.part("table-toggle").click()
    expect_contrast(card.root)
    card.part("table-toggle").click()
    card.part("keys-toggle").click()
    card.part("why-toggle").click()
    card.part("more").click()


def test_the_themes_differ(shared: Lab, live: Card) -> None:
    colours = {}
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        shared.set_theme(theme)
        colours[theme] = live.root.evaluate(
            "card => ['color', 'backgroundColor', 'borderColor'].map(name => getComputedStyle(card)[name])"
        )
    shared.set_theme("JupyterLab Light")
    assert all(light != dark for light, dark in zip(*colours.values(), strict=True)), colours


def test_restarted_while_open(shared: Lab, drawn: Drawn, live: Card) -> None:
    shared.page.evaluate(WATCH)
    shared.restart_kernel()
    expect_static(shared.card(1, "static"), drawn.numbers)
    assert shared.output(1).locator("[data-iw='highlight']").count() == 1
    shared.run_all()
    card = shared.card(1)
    assert without_cost(card.numbers()) == without_cost(drawn.numbers)
    expect_usable(card)
    expect_no_complaint(shared.page)
    assert shared.page.evaluate("() => window.__flashes") == []


def test_shut_down_and_reloaded(shared: Lab, drawn: Drawn, live: Card) -> None:
    shared.shut_down_kernel()
    card = shared.card(1, "static")
    expect_static(card, expected(shared.page.evaluate(SHOWN)))
    assert without_cost(card.numbers()) == without_cost(drawn.numbers)
    shared.reload(PATH)
    expect_static(shared.card(1, "static"), drawn.numbers)
    expect_no_complaint(shared.page)
    shared.close()


def test_untrusted(shared: Lab, drawn: Drawn) -> None:
    shared.write("mail.ipynb", drawn.saved)
    shared.untrust("mail.ipynb")
    shared.open("mail.ipynb")
    assert not shared.is_trusted()
    expect_static(shared.card(1, "static"), drawn.numbers)
    expect_no_complaint(shared.page)
    shared.close()


def twin_of(shared: Lab, path: str) -> Locator:
    shared.open(path)
    output = shared.output(1).locator(".jp-RenderedHTMLCommon")
    output.locator("table").first.wait_for()
    assert shared.output(1).locator("[data-iw]").count() == 0
    return output.locator("> div").first


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_twin_alone_after_the_sanitiser(shared: Lab, drawn: Drawn, theme: str) -> None:
    """As a JupyterLab without our extension shows an untrusted notebook."""
    path = f"twin-{theme[-4:].strip().lower()}.ipynb"
    content = json.loads(json.dumps(drawn.saved))
    for cell in content["cells"]:
        for output in cell["outputs"]:
            output["data"].pop(MIME_TYPE)
            output["data"].pop(WIDGET_VIEW)
    shared.write(path, content)
    shared.set_theme(theme)
    twin = twin_of(shared, path)
    assert not shared.is_trusted()
    assert twin_numbers(twin) == drawn.numbers
    expect_contrast(twin)
    # The bars have kept their lengths: those of the largest score are the longest.
    widths = twin.locator("td > div").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    sizes = [abs(box["score"]) for box in drawn.payload["boxes"] if box["score"]]
    assert widths.index(max(widths)) == sizes.index(max(sizes))
    shared.close()
    shared.set_theme("JupyterLab Light")


def test_readme_has_the_commands() -> None:
    assert len(COMMANDS) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_nbconvert(chromium: Browser, drawn: Drawn, tmp_path: Path, command: str) -> None:
    (tmp_path / "notebook.ipynb").write_text(json.dumps(drawn.saved), "utf-8")
    subprocess.run(
        [sys.executable, "-m", *shlex.split(command), "notebook.ipynb"], cwd=tmp_path, capture_output=True, check=True
    )
    page = chromium.new_page()
    errors, requests = follow(page)
    page.goto((tmp_path / "notebook.html").as_uri())
    twin = page.locator(".jp-RenderedHTMLCommon > div").filter(has=page.locator("table")).last
    numbers = twin_numbers(twin)
    if "--execute" in command:
        assert without_cost(numbers) == without_cost(drawn.numbers)
    else:
        assert numbers == drawn.numbers
    page.wait_for_load_state("networkidle")
    assert requests == [page.url]
    assert errors == []
    page.close()


def follow(page: Page) -> tuple[list[str], list[str]]:
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    return errors, requests


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_from_a_disk(chromium: Browser, drawn: Drawn, tmp_path: Path, scheme: Any) -> None:
    file = tmp_path / "canberra.html"
    file.write_text(drawn.page, "utf-8")
    page = chromium.new_page(color_scheme=scheme)
    errors, requests = follow(page)
    page.goto(file.as_uri())
    card = Card(page.locator("[data-iw='highlight']"))
    expect_static(card, drawn.numbers)
    expect_contrast(card.root)
    card.token(3).click()
    expect(card.part("readout")).to_contain_text(drawn.payload["boxes"][3]["label"])
    card.part("table-toggle").click()
    cells = card.part("row").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    assert [[name, label] for _, name, label in cells] == drawn.numbers["tokens"]
    page.wait_for_load_state("networkidle")
    assert [url for url in requests if not url.startswith("data:")] == [page.url]
    assert errors == []
    page.close()
