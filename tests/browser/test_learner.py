"""Lab 01 as a learner works through it: blank, each exercise wrong once and then right, and where that leaves them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from interp_widgets.course.checking import find
from interp_widgets.course.exercise import Exercise
from tests.browser.contrast import expect_contrast
from tests.browser.lab import PANEL, Lab, notebook
from tests.course.wrong_lab01 import RIGHT, WRONG

PATH = "01_integrated_gradients.ipynb"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
QUESTIONS = {f"lab01-q{i}": f"q-{word}" for i, word in enumerate(WORDS, 1)}
TYPED = ("lab01-q3", "lab01-q6")  # by the keyboard, as a person does; the others are put into the cell
SOURCE = f"([i, text]) => {PANEL}.content.widgets[i].model.sharedModel.setSource(text)"


class Learner:
    """Somebody at the notebook."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ids: list[str] = lab.page.evaluate(
            f"() => {PANEL}.content.widgets.map(cell => cell.model.sharedModel.getId())"
        )

    def place(self, cell_id: str) -> int:
        return self.ids.index(cell_id)

    def run(self, cell_id: str) -> None:
        self.lab.run_cell(self.place(cell_id))
        self.lab.wait_idle(120)

    def answer(self, question: str, source: str) -> None:
        place = self.place(f"{QUESTIONS[question]}-answer")
        if question in TYPED:
            editor = self.lab.cell(place).locator(".cm-content")
            editor.click()
            keys = self.lab.page.keyboard
            keys.press("Control+a")
            keys.press("Delete")
            for line in source.strip().splitlines():
                keys.press("Home")  # JupyterLab indents the new line by itself; a learner's own spaces are typed here
                keys.press("Shift+End")
                keys.insert_text(line)
                keys.press("Enter")
        else:
            self.lab.page.evaluate(SOURCE, [place, source.strip()])
        self.run(f"{QUESTIONS[question]}-answer")
        self.run(f"{QUESTIONS[question]}-check")


@pytest.fixture(scope="module")
def learner(shared: Lab) -> Iterator[Learner]:
    shared.server.progress.unlink(missing_ok=True)
    shared.open(PATH)
    learner = Learner(shared)
    learner.run("load")
    yield learner
    shared.server.progress.unlink(missing_ok=True)


def test_a_blank_answer_says_so_and_is_no_attempt(learner: Learner) -> None:
    learner.run("q-one-answer")
    learner.run("q-one-check")
    said = learner.lab.output(learner.place("q-one-check"))
    expect(said).to_have_text(
        re.compile(r"^\s*NotImplementedError: lab01-q1, 'The gradient at one input', is not written yet\s*$")
    )
    assert not learner.lab.server.progress.exists()


def test_the_highlight_is_drawn(learner: Learner) -> None:
    learner.run("widget")
    card = learner.lab.card(learner.place("widget"))
    card.expect_title("What pulls towards ·Canberra, away from ·Sydney?")
    expect(card.token(4)).to_be_visible()


def test_hints_fold_out(learner: Learner) -> None:
    cell = learner.lab.cell(learner.place("q-one"))
    hint = cell.locator("details", has_text="Hint 1")
    inside = hint.locator("code", has_text="x[None]")
    expect(inside).not_to_be_visible()
    hint.locator("summary").click()
    expect(inside).to_be_visible()
    expect(cell.locator("blockquote")).to_contain_text("about 8 minutes · 2 points")
    expect(cell.locator("details", has_text="What is checked")).to_contain_text("a steep place")


IN_SIGHT = """heading => {
  const found = [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) h3')]
    .find(element => element.textContent.startsWith(heading));
  const top = found?.getBoundingClientRect().top ?? -1;
  return top > 0 && top < window.innerHeight;
}"""


def test_the_way_to_what_is_next(learner: Learner) -> None:
    """From any notebook: the link opens the lab at its exercise."""
    lab = learner.lab
    lab.page.evaluate(f"async () => {{ await {PANEL}.content.scrollToItem(0, 'start'); }}")
    lab.write("where.ipynb", notebook("import interp_widgets as iw\niw.course.labs()"))
    lab.open("where.ipynb")
    lab.run_cell(0)
    lab.output(0).locator("a", has_text="lab01-q1, The gradient at one input").click()
    lab.page.wait_for_function(f"path => {PANEL}?.context?.path === path", arg=PATH)
    lab.page.wait_for_function(IN_SIGHT, arg="Exercise 1: the gradient at one input")
    lab.open(PATH)


@pytest.mark.parametrize("question", QUESTIONS)
def test_wrong_once_then_right(learner: Learner, question: str) -> None:
    exercise = find(question)
    assert isinstance(exercise, Exercise)
    wrong = next(one for one in WRONG if one.exercise == question)
    learner.answer(question, wrong.source)
    said = learner.lab.output(learner.place(f"{QUESTIONS[question]}-check"))
    hint = exercise.mistake(wrong.mistake).hint.replace("`", "")
    expect(said.locator(".jp-RenderedHTML")).to_contain_text(f"Hint. {hint}")
    expect(said.locator(".jp-RenderedHTML")).to_contain_text(
        re.compile(rf"✗ {question}: \d of {exercise.points:g} point")
    )
    error = said.locator("[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type$='error']")
    expect(error).to_have_text(re.compile(rf"^CheckFailed: {question}: .*; see above\s*$"))

    learner.answer(question, RIGHT[question])
    full = f"{exercise.points:g} of {exercise.points:g} point"
    expect(said.locator(".jp-RenderedHTML")).to_contain_text(f"✓ {question}: {full}")
    expect(said.locator(".jp-RenderedHTML")).to_contain_text("recorded on this machine")
    expect(said).not_to_contain_text("CheckFailed")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_reports_can_be_read_in_both_themes(learner: Learner, theme: str) -> None:
    lab = learner.lab
    learner.answer("lab01-q2", next(one for one in WRONG if one.exercise == "lab01-q2").source)
    lab.set_theme(theme)
    try:
        for cell in ("q-two-check", "q-five-check"):
            expect_contrast(lab.output(learner.place(cell)).locator(".jp-RenderedHTML > div"))
    finally:
        lab.set_theme("JupyterLab Light")
    learner.answer("lab01-q2", RIGHT["lab01-q2"])


def test_the_overview_leads_on_and_survives_a_restart(learner: Learner) -> None:
    lab = learner.lab
    learner.run("stand")
    said = lab.output(learner.place("stand"))
    expect(said).to_contain_text("30 of 30 points")
    expect(said).to_contain_text("Next: lab02-q1")
    expect_contrast(said.locator(".jp-RenderedHTML > div"))
    lab.restart_kernel()
    lab.run_cell(learner.place("load"))
    lab.wait_idle(120)
    learner.run("stand")
    expect(said).to_contain_text("30 of 30 points")

    # The link to the other lab opens it beside this one, in JupyterLab itself.
    pages = len(lab.page.context.pages)
    said.locator("a", has_text="lab00 A tour").click()
    lab.page.wait_for_function(f"() => {PANEL}?.context?.path === '00_tour.ipynb'")
    assert len(lab.page.context.pages) == pages
    lab.expect_quiet()
