"""Drives JupyterLab as a person would, through its commands, and waits on conditions only.

`lab.requests` lists every address that the page asked for, `lab.errors` what went wrong on it.  The current notebook is
the one that was opened last; cells count from 0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page

from tests.browser.server import LabServer

LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}
PANEL = "window.jupyterapp.shell.currentWidget"
LAST_KERNEL = "window.__lastKernel"

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

IDLE = f"""() => {{
  const kernel = {PANEL}?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
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
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

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
        content["metadata"]["came_by_mail"] = content["metadata"].get("came_by_mail", 0) + 1
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
        if self.has_kernel():
            self.wait_idle()

    def close(self) -> None:
        """Close the current notebook; its kernel goes on."""
        self.page.evaluate(f"() => {{ const panel = {PANEL}; panel.context.model.dirty = false; panel.dispose(); }}")

    def reload(self, path: str) -> None:
        """Reload the page, as a person presses the browser's button, and wait for `path` to be open again."""
        self.page.goto(f"{self.server.url}/lab/tree/{quote(path)}")
        self._restored()
        self.open(path)

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell and wait until the kernel is idle; `timeout` in seconds."""
        self.page.set_default_timeout(timeout * 1000)
        self.execute("notebook:run-all-cells")
        self.wait_idle(timeout)
        self.page.set_default_timeout(30_000)

    def wait_idle(self, timeout: float = 60) -> None:
        self.page.wait_for_function(IDLE, timeout=timeout * 1000)

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

    # Its kernel

    def has_kernel(self) -> bool:
        return bool(self.page.evaluate(f"() => !!{PANEL}.sessionContext.session?.kernel"))

    def restart_kernel(self) -> None:
        self.page.evaluate(f"async () => {{ await {PANEL}.sessionContext.restartKernel(); }}")
        self.wait_idle()

    def shut_down_kernel(self) -> None:
        """As "Shut Down Kernel" in the menu, without its question."""
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
    for file in sorted(source.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in file.parts:
            name = file.relative_to(source)
            (server.root / name).parent.mkdir(parents=True, exist_ok=True)
            (server.root / name).write_bytes(file.read_bytes())
            copied.append(name.as_posix())
    return copied
