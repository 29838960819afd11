"""The live highlight by mouse: every choice reaches Python, and what Python does reaches the picture."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.card import Card
from tests.browser.lab import Lab
from tests.browser.questions import AGAINST_SYDNEY, WHY_SYDNEY, canberra

PATH = "mouse.ipynb"
OBSERVE = """
seen = []
widget.observe(lambda change: seen.append([change['name'], change['new']]), 'selection')
widget.observe(lambda change: seen.append([change['name'], change['new'].target]), 'result')
"""


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    shared.write(PATH, canberra())
    shared.open(PATH)
    shared.run_all()
    shared.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return shared


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    """A fresh widget of the same result; an observer in Python keeps a list of what changed."""
    opened.run_cell(1)
    card = opened.card(1)
    opened.python("None", OBSERVE)
    yield card
    opened.expect_quiet()


def asked(lab: Lab) -> Any:
    """What the result in the kernel answers."""
    lab.python("widget.wait(60)")
    return lab.python("[widget.result.target, widget.result.foil]")


def test_a_candidate_is_explained_by_a_click(opened: Lab, card: Card) -> None:
    card.candidate("·Sydney").click()
    card.expect_title(WHY_SYDNEY)
    card.expect_status("idle")
    assert asked(opened) == [" Sydney", " Canberra"]
    expect(card.candidate("·Sydney")).to_have_attribute("data-role", "target")
    expect(card.candidate("·Canberra")).to_have_attribute("data-role", "foil")
    assert opened.python("seen") == [["result", " Sydney"]]
    # The question was turned round, so every score has.
    assert opened.python("abs(widget.result.scores + result.scores).max()") < 1e-6


def test_another_candidate(opened: Lab, card: Card) -> None:
    other = opened.python(
        "next(c.text for c in result.candidates if c.text not in (result.target, result.foil) and c.text[0] == ' ')"
    )
    card.candidate("·" + other[1:]).click()
    expect(card.part("title")).to_contain_text("·" + other[1:])
    card.expect_status("idle")
    assert asked(opened) == [other, " Sydney"]


def test_foil(opened: Lab, card: Card) -> None:
    card.candidate("·Sydney").hover()
    card.foil("·Sydney").click()
    expect(card.part("title")).to_have_text("What pulls towards ·Canberra?")
    card.expect_status("idle")
    assert asked(opened) == [" Canberra", None]
    card.candidate("·Sydney").hover()
    card.foil("·Sydney").click()
    card.expect_title(AGAINST_SYDNEY)
    assert asked(opened) == [" Canberra", " Sydney"]
    card.open_settings()
    card.part("foil-select").select_option(label="none")
    expect(card.part("title")).to_have_text("What pulls towards ·Canberra?")
    assert asked(opened) == [" Canberra", None]


def test_settings(opened: Lab, card: Card) -> None:
    def expect_settings(*values: object) -> None:
        opened.wait_python("[widget.result.settings[n] for n in ('baseline', 'steps', 'quadrature')]", list(values))
        card.expect_status("idle")

    card.open_settings()
    expect_settings("zero", 50, "gauss-legendre")
    card.part("baseline").select_option("mean")
    card.expect_status("idle")
    expect_settings("mean", 50, "gauss-legendre")
    expect(card.part("settings")).to_be_visible()
    card.part("steps").fill("8")
    card.part("steps").press("Enter")
    expect(card.part("steps")).to_have_value("8")
    expect_settings("mean", 8, "gauss-legendre")
    card.part("quadrature").select_option("midpoint")
    expect_settings("mean", 8, "midpoint")
    card.part("baseline").select_option(label="a text of your own …")
    expect(card.part("baseline-text")).to_be_focused()
    card.part("baseline-text").fill("The capital of France is")
    card.part("baseline-text").press("Enter")
    expect(card.part("baseline-text")).to_have_value("The capital of France is")
    expect_settings("text:The capital of France is", 8, "midpoint")
    card.expect_status("idle")
    expect(card.part("baseline-text")).to_have_value("The capital of France is")
    assert card.part("error").count() == 0


def test_methods_are_those_of_the_registry(opened: Lab, card: Card) -> None:
    offered = card.part("method").locator("option").evaluate_all("all => all.map(option => option.value)")
    assert offered == opened.python("[method['name'] for method in iw.attribution_methods()]")
    expect(card.part("method")).to_have_value(opened.python("widget.result.method"))


def test_tokens_are_selected(opened: Lab, card: Card) -> None:
    def selected(*tokens: int) -> None:
        for index in range(5):
            expect(card.token(index)).to_have_attribute("aria-selected", str(index in tokens).lower())
        expect_selection(opened, list(tokens))

    card.token(1).click()
    selected(1)
    card.token(3).click(modifiers=["Shift"])
    selected(1, 2, 3)
    card.token(2).click(modifiers=["Control"])
    selected(1, 3)
    card.token(4).click()
    selected(4)
    assert opened.python("[new for name, new in seen if name == 'selection'][-1]") == [4]
    opened.python("None", "widget.selection = [0, 2]")
    expect(card.token(0)).to_have_attribute("aria-selected", "true")
    selected(0, 2)
    card.token(4).blur()
    card.part("title").hover()
    expect(card.part("readout")).to_contain_text("2 selected")


def expect_selection(lab: Lab, tokens: list[int]) -> None:
    """The kernel hears of a selection a moment after the page shows it."""
    lab.wait_python("widget.selection", tokens)


def test_python_sets_the_result(opened: Lab, card: Card) -> None:
    opened.python("None", "widget.result = iw.attribute(lm, 'The capital of Australia is', ' Sydney', ' Canberra')")
    card.expect_title(WHY_SYDNEY)
    opened.python("None", "widget.explain(target=' Canberra')")
    card.expect_title(AGAINST_SYDNEY)


def test_readout_on_hover(card: Card) -> None:
    numbers = card.numbers()
    for index, (name, label) in enumerate(numbers["tokens"]):
        card.token(index).hover()
        expect(card.part("readout")).to_contain_text(name)
        expect(card.part("readout")).to_contain_text(label)
    card.part("title").hover()
    expect(card.part("readout")).to_contain_text("the strongest")


def test_a_target_without_its_space(opened: Lab, card: Card) -> None:
    before = card.numbers()
    card.open_settings()
    card.part("target").fill("Canberra")
    card.part("target").press("Enter")
    card.expect_status("error")
    error = card.part("error")
    expect(error.locator(".iw-error-title")).to_have_text("“Canberra” cannot follow this prompt as written.")
    assert card.numbers() == before, "the last picture stays"
    # The traceback folds out, and copies.
    expect(card.part("traceback")).to_be_hidden()
    card.part("traceback-toggle").click()
    expect(card.part("traceback")).to_contain_text("TargetError")
    card.part("traceback-copy").click()
    expect(card.part("traceback-copy")).to_have_text("Copied")
    copied = opened.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == card.part("traceback").text_content()
    assert "interp_widgets" in copied
    # The link does what it says.
    expect(card.part("fix")).to_have_text("Use ·Canberra")
    card.part("fix").click()
    card.expect_status("idle")
    assert card.part("error").count() == 0
    assert asked(opened) == [" Canberra", " Sydney"]


def test_copy_as_python(opened: Lab, card: Card) -> None:
    card.open_settings()
    card.part("steps").fill("12")
    card.part("steps").press("Enter")
    opened.wait_python("widget.result.settings['steps']", 12)
    passes = opened.python("widget.result.forward_passes")
    assert passes >= 14, "the question, the baseline and 12 points, beside the tests"
    expect(card.part("provenance")).to_contain_text(f"{passes} forward passes")
    card.part("copy").click()
    expect(card.part("copy")).to_have_text("Copied")
    code = opened.page.evaluate("() => navigator.clipboard.readText()")
    assert code == opened.python("dict(widget.payload)['code']")
    assert "steps=12" in code
    again = opened.python("again.scores.tolist()", f"again = {code}")
    assert again == pytest.approx(opened.python("widget.result.scores.tolist()"), abs=1e-5)


def saved(card: Card, what: str, folder: Path) -> Path:
    """Choose an entry of the Save menu, and keep the file that comes."""
    card.part("save").click()
    with card.page.expect_download() as download:
        card.part(what).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def test_save_csv(opened: Lab, card: Card, tmp_path: Path) -> None:
    file = saved(card, "save-csv", tmp_path)
    assert file.name == "highlight-Canberra.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    boxes = opened.python("dict(widget.payload)['boxes']")
    assert [row["name"] for row in rows] == [box["name"] for box in boxes]
    scores = opened.python("result.scores.tolist()")
    assert [float(row["score"]) for row in rows] == pytest.approx(scores, rel=1e-5)
    assert {row["unit"] for row in rows} == {"log-odds"}


def test_save_svg(card: Card, tmp_path: Path) -> None:
    file = saved(card, "save-svg", tmp_path)
    assert file.name == "highlight-Canberra.svg"
    root = ElementTree.fromstring(file.read_text("utf-8"))
    said = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    numbers = card.numbers()
    assert said == [f"{name} {label}" for name, label in numbers["tokens"]]
    whole = re.sub(r"\s+", " ", " ".join(root.itertext()))
    assert numbers["title"] in whole
    assert numbers["provenance"] in whole


def test_save_png(opened: Lab, card: Card, tmp_path: Path) -> None:
    import matplotlib.image

    file = saved(card, "save-png", tmp_path)
    assert file.name == "highlight-Canberra.png"
    pixels = matplotlib.image.imread(file)
    height, width, _ = pixels.shape
    assert width == 1440
    assert height > 300
    assert len(np.unique((pixels[::4, ::4, :3] * 255).astype(int).reshape(-1, 3), axis=0)) > 10, "it is not blank"


def test_table(card: Card) -> None:
    numbers = card.numbers()
    card.part("table-toggle").click()
    cells = card.part("row").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    assert cells == [[str(i), name, label] for i, (name, label) in enumerate(numbers["tokens"])]
    assert card.part("tokens").count() == 0
    card.part("table-toggle").click()
    assert card.numbers() == numbers


def test_strongest_leads_to_the_text(opened: Lab, card: Card) -> None:
    first = card.part("strong").first
    index = int(first.get_attribute("data-index") or -1)
    first.click()
    expect(card.token(index)).to_be_focused()
    expect_selection(opened, [index])


def test_two_views_of_one_widget(opened: Lab, card: Card) -> None:
    """A new output view of the same cell shares the model: selection and picture go together."""
    opened.python("None", "widget.selection = [2]")
    opened.page.evaluate(
        "async () => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;"
        " await window.jupyterapp.commands.execute('notebook:create-output-view'); }"
    )
    views = opened.page.locator("[data-iw='highlight'][data-state='live']")
    expect(views).to_have_count(2)
    second = Card(opened.page.locator(".jp-LinkedOutputView [data-iw='highlight'][data-state='live']"))
    expect(second.token(2)).to_have_attribute("aria-selected", "true")
    second.token(0).click()
    expect(card.token(0)).to_have_attribute("aria-selected", "true")
    opened.page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
    expect(views).to_have_count(1)
    opened.open(PATH)
    expect_selection(opened, [0])
