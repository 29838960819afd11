"""The neuron card in JupyterLab, with a tiny model: neurons of a layer, a text of one's own, what is kept, pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from interp_widgets.locate.neuron_payload import MIME_TYPE, neuron_payload
from tests.browser.card import Card, Numbers
from tests.browser.contrast import expect_contrast
from tests.browser.lab import Lab
from tests.browser.made_up import ROOT, MadeUp
from tests.locate.made_neurons import make_neurons

CELL = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import interp_widgets as iw
from tests.tiny import CORPUS, make_lm
lm = make_lm()
result = iw.max_activating(lm, [*CORPUS, 'It is 👋 warm', 'not'], layer=1, k=4)
"""
READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  return {
    title: all('title')[0].textContent,
    finding: all('finding')[0].textContent,
    ranks: all('entry').map(entry => entry.dataset.rank),
    peaks: all('peak').map(peak => peak.textContent),
    words: all('token').map(token => token.textContent),
    scores: all('token').map(token => Number(token.dataset.score)),
    counts: all('bar').map(bar => Number(bar.dataset.count)),
    figures: all('figures').map(figures => [...figures.querySelectorAll('b')].map(figure => figure.textContent))
  };
}"""
VIEW = MadeUp("neuron", MIME_TYPE, CELL, READ)


def expected(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn: a text of one's own stands first."""
    entries = sorted(payload["boxes"], key=lambda entry: entry["rank"] != "yours")
    return {
        "title": payload["title"][0]["text"],
        "finding": payload["finding"],
        "ranks": [entry["rank"] for entry in entries],
        "peaks": [entry["peak"]["label"] for entry in entries],
        "words": [word["text"] for entry in entries for word in entry["words"]],
        "scores": [word["score"] for entry in entries for word in entry["words"]],
        "counts": [bar["count"] for bar in payload["histogram"]["bars"]],
        "figures": [[figure["label"] for figure in payload["figures"]]],
    }


def settled(lab: Lab, card: Card, neuron: int) -> dict[str, Any]:
    """The kernel's picture, once it is of this neuron and the card shows it."""
    lab.wait_python("[widget.result.neuron, widget.wait(0) and widget.status['state']]", [neuron, "idle"])
    payload: dict[str, Any] = lab.python("widget.payload")
    card.expect_title(payload["title"][0]["text"])
    card.expect_status("idle")
    expect(card.part("entry")).to_have_count(len(payload["boxes"]))
    assert VIEW.numbers(card) == expected(payload)
    return payload


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    return VIEW.open(shared)


@pytest.fixture
def card(opened: Lab) -> Iterator[Card]:
    yield from VIEW.fresh(opened)


def test_any_neuron_and_a_text_of_ones_own(opened: Lab, card: Card) -> None:
    first = settled(opened, card, 0)
    assert not first["whole"]
    card.part("neuron-number").fill("7")
    card.part("neuron-number").press("Enter")
    second = settled(opened, card, 7)
    assert second["whole"]
    card.part("own-text").fill("The city of Paris")
    card.part("own-text").press("Enter")
    expect(card.part("entry")).to_have_count(5)
    third = settled(opened, card, 7)
    assert third["boxes"][-1]["rank"] == "yours"
    assert opened.python("list(widget.result.tried)") == ["The city of Paris"]
    card.part("own-text").fill("not " * 3000)
    card.part("own-text").press("Enter")
    expect(card.part("error")).to_contain_text("The prompt is too long for this model.")
    card.part("dismiss").click()


def test_keys_readout_and_selection(opened: Lab, card: Card) -> None:
    card.part("neuron-number").fill("3")
    card.part("neuron-number").press("Enter")
    payload = settled(opened, card, 3)
    entry = payload["boxes"][0]
    card.token(0).focus()
    card.page.keyboard.press("p")
    card.page.keyboard.press("n")
    card.page.keyboard.press("p")
    expect(card.part("readout")).to_contain_text(
        f"{entry['where']}, peak {entry['peak']['name']} {entry['peak']['label']}"
    )
    card.page.keyboard.press("Enter")
    opened.wait_python("widget.selection", [0])
    bar = payload["histogram"]["bars"][0]
    card.part("bar").first.focus()
    expect(card.part("readout")).to_contain_text(f"with an activation of {bar['name']}")
    card.page.keyboard.press("End")
    expect(card.part("readout")).to_contain_text(payload["histogram"]["bars"][-1]["name"])
    card.part("table-toggle").click()
    expect(card.part("table-texts").locator("tbody tr")).to_have_count(4)
    card.part("table-toggle").click()


def test_themes_and_what_the_notebook_keeps(opened: Lab, card: Card) -> None:
    card.part("neuron-number").fill("5")
    card.part("neuron-number").press("Enter")
    payload = settled(opened, card, 5)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        opened.set_theme(theme)
        expect_contrast(card.root)
    opened.save()
    assert VIEW.saved(opened) == payload
    opened.shut_down_kernel()
    still = opened.card(1, "static", "neuron")
    assert VIEW.numbers(still) == expected(payload)
    still.part("neuron-number").fill("2")
    still.part("neuron-number").press("Enter")
    still.expect_title("What makes neuron 2 of layer 1 fire?")
    labels = [brief[0] for brief in payload["layer"]["neurons"][2]]
    assert still.part("peak").all_text_contents() == labels
    opened.reload(VIEW.path)
    opened.run_all()
    settled(opened, opened.card(1, view="neuron"), 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_from_a_disk_at_any_width(chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    file = tmp_path / "neuron.html"
    make_neurons(sign="negative").to_html(file)
    with VIEW.page(chromium, file, color_scheme=scheme, viewport={"width": 360, "height": 700}) as card:
        assert VIEW.numbers(card) == expected(neuron_payload(make_neurons(sign="negative")))
        expect_contrast(card.root)
        assert card.page.evaluate("() => document.documentElement.scrollWidth <= 360")
        card.part("table-toggle").click()
        expect_contrast(card.root)
