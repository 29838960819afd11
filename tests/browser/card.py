"""A highlight on the page: finds its parts by their `data-iw` marks, and reads what it shows as plain values.

`numbers` of a card, `twin_numbers` of its script-free twin and `expected` of Python's payload have one shape, so that
"the same numbers" is one comparison:

    {title, word, sentence, tokens: [[name, label]], candidates: [[name, label, role]], provenance}
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

Numbers = dict[str, Any]

READ = """card => {
  const all = hook => [...card.querySelectorAll(`[data-iw="${hook}"]`)];
  return {
    title: all('title')[0].textContent,
    word: all('verdict')[0].dataset.word,
    sentence: card.querySelector('.iw-sentence').firstChild.textContent,
    tokens: all('token').map(token => token.getAttribute('aria-label')),
    running: all('token').map(token => token.textContent).join(''),
    candidates: all('candidate').map(row => [
      row.querySelector('.iw-name').textContent,
      row.querySelector('.iw-number').textContent,
      row.dataset.role ?? ''
    ]),
    provenance: all('provenance')[0].textContent
  };
}"""

READ_TWIN = """twin => {
  const rows = table => [...table.querySelectorAll('tr')].map(row => [...row.querySelectorAll('td')])
    .filter(cells => cells.length > 0).map(cells => cells.map(cell => cell.textContent));
  const [scores, candidates] = [...twin.querySelectorAll('table')].map(rows);
  const parts = [...twin.children];
  const told = parts[1];
  const word = told.querySelector('b').textContent;
  return {
    title: parts[0].textContent,
    word: word.slice(2),
    sentence: told.textContent.slice(word.length + 1),
    tokens: scores.map(([name, label]) => [name, label]),
    running: [...twin.querySelectorAll('div[dir="auto"] > span')].map(token => token.textContent).join(''),
    candidates,
    provenance: parts.at(-1).textContent
  };
}"""


def expected(payload: dict[str, Any]) -> Numbers:
    """What a payload has to look like wherever it is drawn."""
    return {
        "title": "".join(part["text"] for part in payload["title"]),
        "word": payload["verdict"]["word"],
        "sentence": payload["verdict"]["sentence"],
        "tokens": [[box["name"], box["label"]] for box in payload["boxes"]],
        "running": "".join(box["text"] for box in payload["boxes"]),
        "candidates": [[item["name"], item["label"], item["role"] or ""] for item in payload["candidates"]],
        "provenance": " · ".join(payload["provenance"]),
    }


def twin_numbers(twin: Locator) -> Numbers:
    """What the script-free twin shows; `twin` is its outermost element."""
    numbers: Numbers = twin.evaluate(READ_TWIN)
    return numbers


class Card:
    """One drawn highlight."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.page = root.page

    def part(self, hook: str) -> Locator:
        """All elements with a mark."""
        return self.root.locator(f'[data-iw="{hook}"]')

    def token(self, index: int) -> Locator:
        return self.root.locator(f'[data-iw="token"][data-index="{index}"]')

    def candidate(self, name: str) -> Locator:
        """The row of a next token, by its name ("·Sydney")."""
        return self.part("candidate").filter(has=self.page.locator(".iw-name").get_by_text(name, exact=True))

    def foil(self, name: str) -> Locator:
        """The offer beside a candidate to compare with it."""
        row = self.root.locator(".iw-candidate").filter(has=self.page.locator(".iw-name").get_by_text(name, exact=True))
        return row.locator('[data-iw="foil"]')

    @property
    def title(self) -> str:
        return self.part("title").text_content() or ""

    def numbers(self, unit: str = "log-odds") -> Numbers:
        """What it shows; a token's value is said in its accessible name, "·Australia +1.22 log-odds"."""
        numbers: Numbers = self.root.evaluate(READ)
        assert all(name.endswith(f" {unit}") for name in numbers["tokens"]), numbers["tokens"]
        numbers["tokens"] = [name.removesuffix(f" {unit}").rsplit(" ", 1) for name in numbers["tokens"]]
        return numbers

    def expect_title(self, title: str, seconds: float = 60) -> None:
        expect(self.part("title")).to_have_text(title, timeout=seconds * 1000)

    def expect_status(self, state: str, seconds: float = 60) -> None:
        """idle, running, error or cancelled."""
        expect(self.root).to_have_attribute("data-status", state, timeout=seconds * 1000)

    def open_settings(self) -> Locator:
        """The panel behind "⋯", opened."""
        if self.part("more").get_attribute("aria-expanded") == "false":
            self.part("more").click()
        return self.part("settings")
