"""Views of results made by hand, with a model and a `compare` that answer at once or wait to be cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator

from tests.browser.card import Card, Numbers
from tests.browser.lab import Lab, notebook
from tests.browser.test_states import WIDGET_VIEW, follow

ROOT = Path(__file__).parents[2]

# The kernel's folder is the server's; what the tests build with is imported from the repository.
BUILDERS = f"""
import sys, threading
sys.path.insert(0, {str(ROOT)!r})
import interp_widgets as iw
from interp_widgets.errors import Cancelled
from interp_widgets.models import live
from tests.builders import make_comparison, make_matrix
from tests.widgets.fakes import FakeModel
lm = FakeModel()
live.find = lambda fingerprint: lm
go_on = threading.Event()
"""
COMPARE = f"""{BUILDERS}
from types import ModuleType
hold, asked = False, []

def compare(lm, prompt, *, progress, cancel, methods, **rest):
    asked.append([methods, rest['target'], rest['foil']])
    progress(1, 3, 'Shapley values')
    while hold and not go_on.is_set():
        if cancel.wait(0.01):
            raise Cancelled('by the flag')
    whole = make_comparison()
    rows = [whole.methods.index(method) for method in methods if method in whole.methods]
    return make_comparison(
        entries=tuple(whole.entries[i] for i in rows), scores=whole.scores[rows],
        agreement=whole.agreement[rows][:, rows],
    )

module = ModuleType('interp_widgets.attribution.compare')
module.compare = compare
sys.modules[module.__name__] = module
result = make_comparison()
"""

MATRIX = f"""{BUILDERS}
step = threading.Semaphore(0)

def work(cancel, progress, partial):
    for rows in range(1, 5):
        while not step.acquire(timeout=0.01):
            if cancel.is_set():
                raise Cancelled('by the flag')
        progress(rows, 5, 'explaining tokens')
        partial(make_matrix(rows=rows))
    while not step.acquire(timeout=0.01):
        if cancel.is_set():
            raise Cancelled('by the flag')
    return make_matrix()

result = make_matrix()
"""


@dataclass(frozen=True)
class MadeUp:
    """A kind of view in a notebook of its own: cell 0 makes `result`, cell 1 shows `widget`.

    `read` is JavaScript that turns a card into the plain values which tests compare; `widget` names the class where it
    is not the view's own name.
    """

    view: str
    mime: str
    cell: str
    read: str
    widget: str = ""

    @property
    def path(self) -> str:
        return f"{self.view}.ipynb"

    def numbers(self, card: Card) -> Numbers:
        read: Numbers = card.root.evaluate(self.read)
        return read

    def open(self, lab: Lab) -> Lab:
        """Open its notebook, run it and save it."""
        made = f"iw.widgets.{self.widget or self.view.title()}(result)"
        lab.write(self.path, notebook(self.cell, f"widget = {made}\nwidget"))
        lab.open(self.path)
        lab.run_all()
        lab.card(1, view=self.view)
        lab.save()
        return lab

    def fresh(self, lab: Lab) -> Iterator[Card]:
        """A card of a new widget; in the end nothing must have gone wrong."""
        lab.errors.clear()
        lab.open(self.path)
        lab.run_cell(1)
        yield lab.card(1, view=self.view)
        lab.expect_quiet()

    def saved(self, lab: Lab) -> dict[str, Any]:
        """The payload in the notebook's file, without the id of its widget."""
        data = lab.read(self.path)["cells"][1]["outputs"][0]["data"]
        assert set(data) == {self.mime, WIDGET_VIEW, "text/html", "text/plain"}
        payload: dict[str, Any] = data[self.mime]
        payload.pop("model_id")
        return payload

    @contextmanager
    def twin(self, lab: Lab) -> Iterator[Locator]:
        """What a JupyterLab without our extension shows of an untrusted notebook."""
        content = lab.read(self.path)
        for output in content["cells"][1]["outputs"]:
            output["data"].pop(self.mime)
            output["data"].pop(WIDGET_VIEW)
        lab.open(lab.write(f"{self.view}-twin.ipynb", content))
        twin = lab.output(1).locator(".jp-RenderedHTMLCommon > div").first
        twin.locator("table").first.wait_for()
        yield twin
        lab.close()

    @contextmanager
    def page(self, chromium: Browser, file: Path, **settings: Any) -> Iterator[Card]:
        """A page from a disk; it must ask nobody, and nothing must go wrong on it."""
        page = chromium.new_page(**settings)
        errors, requests = follow(page)
        page.goto(file.as_uri())
        yield Card(page.locator(f"[data-iw='{self.view}']"))
        assert errors == []
        assert [url for url in requests if not url.startswith("data:")] == [page.url]
        page.close()
