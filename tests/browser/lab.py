"""Drives JupyterLab as a person would, through its commands, and waits on conditions only.

`lab.requests` lists every address that the page asked for, `lab.errors` what went wrong on it.  The current notebook is
the one that was opened last; cells count from 0.
"""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from playwright.sync_api import ConsoleMessage, Locator, Page

from tests.browser.card import Card
from tests.browser.server import LabServer

LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}
# What JupyterLab itself says when a notebook is closed, or its kernel ended, before all its questions were answered.
HOSTS_OWN = ("Could not restore the debugger state",)
PANEL = "window.jupyterapp.shell.currentWidget"

# Resolves when the notebook at `path` is open, its file read and its kernel (if it has one) connected.
OPEN = """async (path) => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  await panel.context.ready;
  await panel.revealed;
  app.shell.activateById(panel.id);
  await panel.sessionContext.ready;
}"""

# Whether a notebook is in front and has the focus, by which JupyterLab knows the current one; asks for it if not.
IN_FRONT = f"""path => {{
  const panel = {PANEL};
  if (panel?.context?.path === path && panel.node.contains(document.activeElement)) return true;
  const other = [...window.jupyterapp.shell.widgets('main')].find(widget => widget.context?.path === path);
  window.jupyterapp.shell.activateById(other.id);
  return false;
}}"""

IDLE = f"""() => {{
  const kernel = {PANEL}?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}}"""

# Whether the kernel has answered every request for a subshell: JupyterLab throws where it goes before that.
SUBSHELLS = f"""() => {{
  const asked = {PANEL}.sessionContext.session?.kernel?._futures ?? new Map();
  return ![...asked.values()].some(future => future.msg.header.msg_type === 'create_subshell_request');
}}"""

# The value of a Python expression in the notebook's kernel, after some statements; leaves no trace in the notebook.
PYTHON = f"""async ([statements, expression]) => {{
  const kernel = {PANEL}.sessionContext.session.kernel;
  const reply = await kernel.requestExecute({{
    code: statements, silent: true, store_history: false, stop_on_error: false,
    user_expressions: {{ value: expression }}
  }}).done;
  if (reply.content.status !== 'ok') {{
    return {{ error: (reply.content.traceback ?? [reply.content.status]).join('\\n') }};
  }}
  const value = reply.content.user_expressions.value;
  return value.status === 'ok' ? {{ text: value.data['text/plain'] }} : {{ error: value.traceback.join('\\n') }};
}}"""

RUN_CELL = f"""async index => {{
  const notebook = {PANEL}.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  await window.jupyterapp.commands.execute('notebook:run-cell');
}}"""

TRUSTED = f"""() => Array.from({PANEL}.content.model.cells).filter(c => c.type === 'code').every(c => c.trusted)"""


def notebook(*cells: str) -> dict[str, Any]:
    """A notebook of code cells for the kernel of this environment, clean of outputs."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [
            {
                "id": f"cell-{index}",
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for index, source in enumerate(cells)
        ],
    }


class Lab:
    """One page of JupyterLab."""

    def __init__(self, page: Page, server: LabServer) -> None:
        self.page = page
        self.server = server
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.context.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        page.on("dialog", lambda dialog: dialog.accept())

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(HOSTS_OWN):
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def expect_quiet(self) -> None:
        """Nothing was asked of another machine, and nothing went wrong on the page."""
        assert self.foreign_requests() == [], self.foreign_requests()
        assert self.errors == [], "\n".join(self.errors)

    def foreign_requests(self) -> list[str]:
        """What was asked of another machine."""
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme not in {"data", "blob", "about"} and urlsplit(url).hostname not in LOOPBACK
        ]

    # Files

    def write(self, path: str, content: dict[str, Any]) -> str:
        """Put a notebook where the server finds it; returns `path`."""
        file = self.server.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), "utf-8")
        return path

    def read(self, path: str) -> dict[str, Any]:
        """A notebook as it lies on the disk."""
        content: dict[str, Any] = json.loads((self.server.root / path).read_text("utf-8"))
        return content

    def untrust(self, path: str) -> None:
        """Make a file that nobody here has signed of it, as one that came by mail.  To be called while it is closed."""
        content = self.read(path)
        content["metadata"]["came_by_mail"] = uuid4().hex  # no two are alike, so none was ever signed here
        self.write(path, content)

    # The application

    def start(self) -> None:
        """Open JupyterLab with an empty workspace."""
        self.page.goto(f"{self.server.url}/lab?reset&token={self.server.token}")
        self._restored()

    def _restored(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp?.shell !== undefined")
        self.page.evaluate("async () => { await window.jupyterapp.restored; }")
        self._splash_gone()

    def _splash_gone(self) -> None:
        """JupyterLab shows its splash at start and while it changes the theme; two at once make it throw."""
        self.page.wait_for_function("() => document.getElementById('jupyterlab-splash') === null")

    def execute(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        """Run one of JupyterLab's commands and wait until it is done."""
        self.page.evaluate(
            "async ([command, args]) => { await window.jupyterapp.commands.execute(command, args); }",
            [command, arguments or {}],
        )

    def set_theme(self, name: str) -> None:
        """`JupyterLab Light` or `JupyterLab Dark`; the server keeps it for the pages that follow."""
        if self.page.evaluate("() => document.body.dataset.jpThemeName") == name:
            return
        self.execute("apputils:change-theme", {"theme": name})
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self._splash_gone()

    # A notebook

    def open(self, path: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.evaluate(OPEN, path)
        self.page.wait_for_function(IN_FRONT, arg=path, polling=250)
        if self.has_kernel():
            self.wait_idle()

    def close(self) -> None:
        """Close the current notebook; its kernel goes on."""
        self.page.wait_for_function(SUBSHELLS)
        self.page.evaluate(f"() => {{ const panel = {PANEL}; panel.context.model.dirty = false; panel.dispose(); }}")

    def reload(self, path: str) -> None:
        """Load the page again and wait for `path` to be open again.

        The address names no notebook: JupyterLab opens one that is named there at a time of its own, also over
        another that has been opened since, and also again after it was closed.
        """
        self.page.goto(f"{self.server.url}/lab")
        self._restored()
        self.open(path)

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell and wait until the kernel is idle; `timeout` in seconds."""
        self.page.set_default_timeout(timeout * 1000)
        self.execute("notebook:run-all-cells")
        self.wait_idle(timeout)
        self.page.set_default_timeout(90_000)

    def wait_idle(self, timeout: float = 60) -> None:
        self.page.wait_for_function(IDLE, timeout=timeout * 1000)

    def is_running(self, index: int) -> bool:
        """Whether a cell runs, by its "[*]": the kernel's status says "idle" after each answer to a click, too."""
        return "*" in (self.cell(index).locator(".jp-InputPrompt").text_content() or "")

    def save(self) -> None:
        self.execute("docmanager:save")
        self.page.wait_for_function(f"() => !{PANEL}.context.model.dirty")

    def cell(self, index: int) -> Locator:
        """A code or text cell, scrolled into view: JupyterLab draws no others."""
        self.page.evaluate(f"async index => {{ await {PANEL}.content.scrollToItem(index, 'auto'); }}", index)
        return self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index='{index}']")

    def output(self, index: int) -> Locator:
        """All that a code cell shows."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def run_cell(self, index: int) -> None:
        """Run one cell, and wait until it has run."""
        self.page.evaluate(RUN_CELL, index)

    def start_cell(self, index: int) -> None:
        """Run one cell, and go on as soon as the kernel is at it."""
        self.page.evaluate(f"index => {{ void ({RUN_CELL})(index); }}", index)
        self.page.wait_for_function(f"() => {PANEL}.sessionContext.session.kernel.status === 'busy'")

    def card(self, index: int, state: str = "live", view: str = "highlight") -> Card:
        """The picture in the output of a code cell, once it is there as the live widget (or as "static")."""
        root = self.output(index).locator(f"[data-iw='{view}'][data-state='{state}']")
        root.wait_for()
        return Card(root)

    # Its kernel

    def python(self, expression: str, statements: str = "") -> Any:
        """A value from the kernel (anything that JSON holds), after some statements; no cell is run."""
        answer = self.page.evaluate(PYTHON, [statements, f"__import__('json').dumps({expression})"])
        assert "error" not in answer, answer["error"]
        return json.loads(ast.literal_eval(answer["text"]))

    def wait_python(self, expression: str, value: Any, seconds: float = 30) -> None:
        """Wait until a Python expression has a value: the page hears of things, and tells them, a moment later."""
        deadline = time.monotonic() + seconds
        while (now := self.python(expression)) != value:
            assert time.monotonic() < deadline, f"{expression} is {now!r}, not {value!r}, after {seconds} s"

    def interrupt_kernel(self) -> None:
        """Kernel > Interrupt Kernel."""
        self.execute("notebook:interrupt-kernel")

    def has_kernel(self) -> bool:
        return bool(self.page.evaluate(f"() => !!{PANEL}.sessionContext.session?.kernel"))

    def restart_kernel(self) -> None:
        self.page.evaluate(f"async () => {{ await {PANEL}.sessionContext.restartKernel(); }}")
        self.wait_idle()

    def shut_down_kernel(self) -> None:
        """As "Shut Down Kernel" in the menu, without its question."""
        self.page.wait_for_function(SUBSHELLS)
        self.page.evaluate(f"async () => {{ await {PANEL}.sessionContext.shutdown(); }}")
        self.page.wait_for_function(f"() => !{PANEL}.sessionContext.session?.kernel")

    # Its trust

    def is_trusted(self) -> bool:
        return bool(self.page.evaluate(TRUSTED))

    def trust(self) -> None:
        """Trust the current notebook, and say yes to the question."""
        self.page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:trust'); }")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function(TRUSTED)


def copy_notebooks(source: Path, server: LabServer) -> list[str]:
    """Copy the course's notebooks into the server's folder, so that no test writes into the repository."""
    copied = []
    for file in sorted(source.glob("*.ipynb")):  # not the teacher's copies in the folders below
        (server.root / file.name).write_bytes(file.read_bytes())
        copied.append(file.name)
    return copied
