"""Prompts that look like markup, run backwards, or are no whole characters: drawn as text, wherever they are drawn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.card import Card, expected, twin_numbers
from tests.browser.lab import Lab, notebook
from tests.browser.questions import LOAD, SHOW

PATH = "hostile.ipynb"
PROMPTS = {
    "markup": (
        "</script></style></textarea></noscript><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
        '"\'><svg onload="window.ran = 3"></svg><a href="javascript:window.ran = 4">x</a> &lt;b&gt; {{x}} ${y} \\n is'
    ),
    "direction": (
        "They said \u202eevil\u202c and \u2067שלום עולם\u2069, then مرحبا بالعالم\u200f: 5\u200b-\ufeff4 \u2066x is"
    ),
    "characters": "A 👩‍👩‍👧 and 🇦🇺\n\n\tnew\r\nline \u00a0\x07\x1b[31m e\u0301 ﷽ is",
}
# As token ids: the first bytes of a character without the rest, between two words.
LONE_BYTES = "[*lm.encode('The sign').ids, *lm.encode('👩').ids[:2], *lm.encode(' means').ids]"

ASK = "result = iw.attribute(lm, {prompt}, method='integrated_gradients', steps=2)"
# Elements that our view may make; whatever else stands in a card came from a text.
OURS = {
    *("SECTION", "HEADER", "FOOTER", "FIELDSET", "DIV", "SPAN", "BDI", "P", "B", "I", "PRE", "CODE", "KBD", "WBR"),
    *("BUTTON", "SELECT", "OPTION", "INPUT", "DETAILS", "SUMMARY", "DL", "DT", "DD"),
    *("TABLE", "CAPTION", "THEAD", "TBODY", "TR", "TH", "TD"),
}


@pytest.fixture(scope="module")
def opened(shared: Lab) -> Lab:
    cells = [LOAD]
    for prompt in (*map(repr, PROMPTS.values()), LONE_BYTES):
        cells.append(f"{ASK.format(prompt=prompt)}\n{SHOW}")
    shared.write(PATH, notebook(*cells))
    shared.open(PATH)
    shared.run_all()
    shared.save()
    return shared


@pytest.fixture(params=[*PROMPTS, "bytes"])
def index(request: pytest.FixtureRequest) -> int:
    """The cell that holds the prompt."""
    return 1 + [*PROMPTS, "bytes"].index(request.param)


@pytest.fixture(autouse=True)
def _nothing_ran(shared: Lab) -> Iterator[None]:
    yield
    assert shared.page.evaluate("() => window.ran") is None
    shared.expect_quiet()


def expect_only_text(root: Locator) -> None:
    tags = set(root.evaluate("root => [root, ...root.querySelectorAll('*')].map(element => element.tagName)"))
    assert tags <= OURS, tags - OURS
    handlers = root.evaluate(
        "root => [root, ...root.querySelectorAll('*')].flatMap(element => element.getAttributeNames())"
        ".filter(name => name.startsWith('on') || name === 'href' || name === 'src')"
    )
    assert handlers == []


def payload_of(lab: Lab, index: int) -> dict[str, Any]:
    data: dict[str, Any] = lab.read(PATH)["cells"][index]["outputs"][0]["data"]
    payload: dict[str, Any] = data["application/vnd.interp.highlight.v1+json"]
    return payload


def test_in_the_notebook(opened: Lab, index: int) -> None:
    payload = payload_of(opened, index)
    card = opened.card(index)
    unit = payload["scale"]["unit"]
    card.part("why-toggle").click()
    card.open_settings()
    expect_only_text(card.root)
    drawn = card.part("token").evaluate_all("all => all.map(token => token.textContent)")
    assert drawn == [box["text"] for box in payload["boxes"]]
    names = card.part("token").evaluate_all("all => all.map(token => token.getAttribute('aria-label'))")
    assert names == [f"{box['name']} {box['label']} {unit}" for box in payload["boxes"]]
    shown = card.part("candidate").locator(".iw-name").all_text_contents()
    assert shown == [candidate["name"] for candidate in payload["candidates"]]
    card.part("table-toggle").click()
    expect_only_text(card.root)
    expect(card.part("row")).to_have_count(len(payload["boxes"]))
    card.part("table-toggle").click()


def test_nothing_invisible_turns_the_text_around(opened: Lab) -> None:
    payload = payload_of(opened, 2)
    drawn = "".join(box["text"] for box in payload["boxes"])
    for control in "\u202e\u202c\u2067\u2069\u200f\u2066\u200b\ufeff":
        assert control not in drawn
        assert f"⟨U+{ord(control):04X}⟩" in drawn
    assert "שלום" in drawn


def test_shared_characters_are_one_box(opened: Lab) -> None:
    payload = payload_of(opened, 3)
    emoji = [box for box in payload["boxes"] if len(box["tokens"]) > 1]
    assert emoji
    card = opened.card(3)
    position = payload["boxes"].index(emoji[0])
    card.token(position).hover()
    expect(card.part("readout")).to_contain_text(f"{len(emoji[0]['parts'])} tokens")
    for part in emoji[0]["parts"]:
        expect(card.part("readout")).to_contain_text(part["label"])


def test_every_token_is_in_one_box(opened: Lab, index: int) -> None:
    payload = payload_of(opened, index)
    tokens = [token for box in payload["boxes"] for token in box["tokens"]]
    assert tokens == list(range(len(tokens)))


def test_a_click_on_a_strange_token(opened: Lab, index: int) -> None:
    """Selection and question work as for any other prompt."""
    card = opened.card(index)
    last = payload_of(opened, index)["boxes"][-1]
    card.part("token").last.click()
    expect(card.part("readout")).to_contain_text(last["name"])
    other = card.root.locator("button[data-iw='candidate']:not([data-role])").first
    name = other.locator(".iw-name").text_content() or ""
    other.click()
    expect(card.part("title")).to_contain_text(name)
    card.expect_status("idle")
    assert card.part("error").count() == 0


def test_untrusted(opened: Lab, index: int) -> None:
    """The saved picture, and its twin after the sanitiser."""
    content = opened.read(PATH)
    twins = json.loads(json.dumps(content))
    for cell in twins["cells"][1:]:
        cell["outputs"][0]["data"] = {"text/html": cell["outputs"][0]["data"]["text/html"]}
    opened.write("hostile-mail.ipynb", content)
    opened.untrust("hostile-mail.ipynb")
    opened.open("hostile-mail.ipynb")
    card = opened.card(index, "static")
    expect_only_text(card.root)
    payload = payload_of(opened, index)
    assert card.numbers(payload["scale"]["unit"])["running"] == expected(payload)["running"]
    opened.close()
    opened.write("hostile-twin.ipynb", twins)
    opened.open("hostile-twin.ipynb")
    twin = opened.output(index).locator(".jp-RenderedHTMLCommon > div")
    twin.locator("table").first.wait_for(state="attached")  # many rows start folded
    expect_only_text(twin)
    numbers = twin_numbers(twin)
    assert numbers["tokens"] == [[_with_parts(box), box["label"]] for box in payload["boxes"]]
    opened.close()
    opened.open(PATH)


def _with_parts(box: dict[str, Any]) -> str:
    parts = ", ".join(f"{part['name']} {part['label']}" for part in box["parts"])
    return f"{box['name']} ({parts})" if parts else str(box["name"])


def test_pages(opened: Lab, chromium: Browser, tmp_path: Path) -> None:
    """`to_html()` of each prompt, and nbconvert's page of them all."""
    page = chromium.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for index, prompt in enumerate((*map(repr, PROMPTS.values()), LONE_BYTES), 1):
        file = tmp_path / f"{index}.html"
        opened.python(f"result.to_html({str(file)!r})[:0]", ASK.format(prompt=prompt))
        page.goto(file.as_uri())
        card = Card(page.locator("[data-iw='highlight']"))
        expect_only_text(card.root)
        payload = payload_of(opened, index)
        drawn = card.part("token").evaluate_all("all => all.map(token => token.textContent)")
        assert drawn == [box["text"] for box in payload["boxes"]]
        assert page.evaluate("() => window.ran") is None
        assert page.locator("main > *").count() == 2, "the data, and the view"
    (tmp_path / "all.ipynb").write_text(json.dumps(opened.read(PATH)), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--HTMLExporter.require_js_url=",
         "--HTMLExporter.mathjax_url=", "all.ipynb"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    page.goto((tmp_path / "all.html").as_uri())
    for twin in page.locator(".jp-RenderedHTMLCommon > div").filter(has=page.locator("table")).all():
        expect_only_text(twin)
    assert page.evaluate("() => window.ran") is None
    page.wait_for_load_state("networkidle")
    assert all(url.startswith(("file:", "data:")) for url in requests), requests
    page.close()
