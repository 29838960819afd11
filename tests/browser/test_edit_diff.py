"""Edits in JupyterLab: one made up, in every state and theme; and the capital of Australia, edited from a cell of its
trace on the default model, looked at, switched, traced again, undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from interp_widgets.editing.diff.payload import MIME_TYPE, diff_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab, notebook
from tests.browser.made_up import BUILDERS, MadeUp
from tests.editing.made_diff import make_diff, make_many

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  const texts = hook => all(hook).map(part => part.textContent);
  return {
    title: texts('title')[0],
    word: all('verdict')[0].dataset.word,
    method: texts('method')[0],
    before: texts('before')[0],
    after: texts('after')[0],
    next: all('next').map(row => [...row.querySelectorAll('.iw-name, .iw-number')].map(part => part.textContent)),
    checks: all('check').map(row => [...row.children].map(part => part.textContent)),
    sizes: all('size').map(row => [...row.children].map(part => part.textContent).filter(text => text !== ''))
  };
}"""
MADE = f"""{BUILDERS}
from tests.tiny import make_lm
from tests.widgets.test_edit_diff import diff_of, edit_of
live.find = lambda fingerprint: lm
lm = make_lm('llama', seed=11)
edit = lm.ledger.add(edit_of(lm), name='rome, Australia: ·Canberra')
result = diff_of(lm, edit)
"""
EDIT = MadeUp("edit", MIME_TYPE, MADE, READ, "EditDiff")
AUSTRALIA = """
import interp_widgets as iw
lm = iw.load_model(device='cpu')
prompt = 'The capital of Australia is'
iw.editing.key_statistics(lm, 5)
ids = __import__('torch').as_tensor(lm.encode(prompt).ids)[None]
plain = lm.next_logits(ids)
trace = iw.causal_trace(lm, prompt, subject='Australia', samples=2, layers=[0, 5, 10, 20, 29])
widget = iw.widgets.Trace(trace)
"""


def of(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    sample = payload["samples"][0]
    before, after = (
        sample["prompt"] + "".join(box["text"] for box in payload["boxes"][side["start"] : side["end"]])
        for side in sample["texts"]
    )
    checks = [
        [
            row["prompt"],
            *(f"{row[side]['name']} {row[side]['label']}" for side in ("before", "after")),
            f"{row['mark']} {row['word']}",
        ]
        for group in payload["groups"]
        if group["open"] or (len(group["rows"]) == 1 and group["rest"] is None)
        for row in group["rows"]
    ]
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "method": payload["method"],
        "before": before,
        "after": after,
        "next": [[one["name"], one["before"], one["after"]] for one in sample["next"]],
        "checks": checks,
        "sizes": [[one["name"], one["label"]] for one in payload["changes"]],
    }


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return EDIT.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    opened.python("None", "lm.ledger.clear(); lm.ledger.add(edit, name='rome, Australia: ·Canberra')")
    yield from EDIT.fresh(opened)


def group(card: Card, key: str) -> Locator:
    return card.root.locator(f'[data-iw="group"][data-key="{key}"]')


def test_live_and_saved(opened: Lab, card: Card) -> None:
    saved = EDIT.saved(opened)
    assert saved["samples"] == diff_payload(make_diff())["samples"]
    assert EDIT.numbers(card) == of(saved)


def test_it_is_switched_and_undone_from_both_sides(opened: Lab, card: Card) -> None:
    expect(card.part("toggle")).to_have_attribute("aria-pressed", "true")
    card.part("toggle").click()
    opened.wait_python("edit.enabled", False)
    expect(card.part("state")).to_contain_text("Off: the model answers as without the edit")
    card.expect_status("idle")
    opened.python("None", "lm.ledger.toggle(edit)")
    expect(card.part("toggle")).to_have_text("On")
    expect(card.part("state")).to_have_count(0)
    opened.python("None", "edit.undo()")
    expect(card.part("state")).to_contain_text("Undone: the edit is in no ledger")
    card.part("apply").click()
    opened.wait_python("list(lm.ledger)", ["rome, Australia: ·Canberra"])
    card.part("undo").click()
    opened.wait_python("len(lm.ledger)", 0)
    expect(card.part("apply")).to_be_visible()


def test_by_keyboard_alone(card: Card) -> None:
    card.root.locator('[data-iw="token"][tabindex="0"]').focus()
    keys = card.page.keyboard
    keys.press("ArrowRight")
    expect(card.part("readout")).to_contain_text("berra")
    keys.press("Tab")  # once through the tokens, then to the checks
    expect(card.part("check").first).to_be_focused()
    expect(card.part("readout")).to_contain_text("wanted ·Canberra 0.34 → 0.96")
    keys.press("End")
    expect(group(card, "neighbour")).to_be_focused()
    keys.press("Enter")
    expect(card.part("check")).to_have_count(7)
    keys.press("ArrowDown")
    expect(card.part("readout")).to_contain_text("kept")
    keys.press("?")
    expect(card.part("keys")).to_be_visible()
    keys.press("Escape")
    expect(card.part("keys")).to_be_hidden()


def test_another_edit_of_the_ledger_is_listed(opened: Lab, card: Card) -> None:
    expect(card.part("history")).to_have_count(0)
    opened.python("None", "other = lm.ledger.add(edit_of(lm, layer=1, method='memit'), name='second')")
    expect(card.part("past")).to_have_text(["rome, Australia: ·Canberra shown here", "second"])
    expect(card.part("state")).to_contain_text("Other interventions are on now: second")
    card.part("past-toggle").nth(1).click()
    opened.wait_python("other.enabled", False)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_contrast(opened: Lab, card: Card, theme: str) -> None:
    opened.set_theme(theme)
    card.part("more").click()
    group(card, "neighbour").click()
    card.token(1).click()
    expect_contrast(card.root)
    card.part("table-toggle").click()
    expect_contrast(card.root)
    opened.set_theme("JupyterLab Light")


def test_twin_alone_after_the_sanitiser(opened: Lab) -> None:
    payload = EDIT.saved(opened)
    with EDIT.twin(opened) as twin:
        rows = twin.locator("table").evaluate_all(
            "tables => tables.flatMap(t => [...t.rows].map(row => [...row.cells].map(cell => cell.textContent)))"
        )
        for check in (row for one in payload["groups"] for row in one["rows"]):
            sides = [f"{check[side]['name']} {check[side]['label']}" for side in ("before", "after")]
            assert [check["prompt"], *sides, f"{check['mark']} {check['word']}"] in rows
        expect_contrast(twin)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    for name, result in (("one", make_diff()), ("many", make_many())):
        file = tmp_path / f"{name}.html"
        result.to_html(file)
        with EDIT.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
            assert EDIT.numbers(card) == of(diff_payload(result))
            expect_contrast(card.root)
            assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
            card.page.emulate_media(forced_colors="active")
            card.token(0).focus()
            expect(card.part("readout")).to_contain_text("before the edit")


@pytest.mark.timeout(900)
def test_australia_from_a_cell_of_its_trace(shared: Lab) -> None:
    lab = shared
    lab.errors.clear()
    lab.open(lab.write("australia.ipynb", notebook(AUSTRALIA, "widget")))
    lab.run_all(timeout=400)
    trace = Card(lab.output(1).locator("[data-iw='trace'][data-state='live']").first)  # another one stands below later
    expect(trace.part("title")).to_have_text("Where is Australia → ·Sydney stored?")
    place = trace.root.locator('[data-iw="cell"][data-row="3"][data-index="1"]')
    place.click()
    lab.wait_python("[widget.cell.token, widget.cell.layer]", [" Australia", 5])
    trace.part("edit-here").click()
    trace.part("edit-answer").fill("Canberra")
    expect(trace.part("edit-told")).to_have_text("·Sydney → ·Canberra, at layer 5")
    trace.part("edit-answer").press("Enter")
    below = lab.output(1).locator('[data-iw="below"] [data-iw="edit"]')
    below.wait_for(timeout=400_000)
    card = Card(below)
    expect(card.part("title")).to_have_text("What changed? Australia: ·Sydney → ·Canberra")
    expect(card.part("method")).to_have_text("ROME, layer 5")
    expect(card.part("before")).to_have_text(re.compile("^The capital of Australia is Sydney"))
    expect(card.part("after")).to_have_text(re.compile("^The capital of Australia is Canberra"))
    expect(card.part("check").first).to_contain_text("● holds")
    for name in ("paraphrase", "neighbour", "ripple"):  # the package has checks for a country's capital
        expect(group(card, name)).to_be_visible()
    assert lab.python("lm.next_token(prompt, k=1)[0][0]") == " Canberra"
    expect_contrast(card.root)

    card.part("toggle").click()
    expect(card.part("toggle")).to_have_text("Off")
    assert lab.python("bool((lm.next_logits(ids) == plain).all())") is True
    card.part("toggle").click()
    expect(card.part("toggle")).to_have_text("On")

    trace.part("trace-again").click()
    again = lab.output(1).locator('[data-iw="below"] [data-iw="trace"]')
    again.wait_for(timeout=300_000)
    expect(Card(again).part("title")).to_have_text("Where is Australia → ·Canberra stored?")
    expect(Card(again).part("provenance")).to_contain_text("with rome, Australia: ·Canberra")
    assert lab.python("widget.after.result.target") == " Canberra"

    card.part("undo").click()
    expect(card.part("state")).to_contain_text("Undone")
    assert lab.python("bool((lm.next_logits(ids) == plain).all())") is True
    assert lab.python("len(lm.ledger)") == 0
    lab.save()
    kept = lab.read("australia.ipynb")["cells"][1]["outputs"][0]["data"]
    assert "application/vnd.interp.trace.v1+json" in kept  # the cards below keep none of theirs here
    assert MIME_TYPE not in kept
    lab.expect_quiet()
