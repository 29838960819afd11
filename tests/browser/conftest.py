"""Fixtures that open a real JupyterLab in a real Chromium.

`lab` is a page of a test's own, `shared` one for all tests of a file; `server` lasts for the session.

Without a Chromium these tests are skipped, unless `INTERP_REQUIRE_BROWSER=1` (set by `.ci/run`): then they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.lab import Lab, copy_notebooks
from tests.browser.server import LabServer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Quiet: without these Chromium calls home at every start.  No sandbox: it needs rights that a container's root lacks.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
]


expect.set_options(timeout=30_000)  # its own 5 s are short on a machine with other work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked as a browser test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str:
    """The path of a Chromium; without one the test is skipped or, where a browser is required, fails."""
    asked = os.environ.get("INTERP_CHROMIUM")
    for name in (asked,) if asked else NAMES:
        if found := shutil.which(name):
            return found
    reason = f"no Chromium on the PATH ({', '.join((asked,) if asked else NAMES)})"
    if os.environ.get("INTERP_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason}, and INTERP_REQUIRE_BROWSER=1 asks for one")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, without profile."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab from this environment, serving copies of the course's notebooks from a folder of its own."""
    find_chromium()  # before half a minute is spent
    running = LabServer(tmp_path_factory.mktemp("lab"))
    try:
        copy_notebooks(Path(__file__).parents[2] / "notebooks", running)
        running.wait()
        yield running
    finally:
        running.stop()


@contextmanager
def opened(chromium: Browser, server: LabServer) -> Iterator[Lab]:
    """A fresh page with an empty JupyterLab, light theme; kernels that it leaves are ended."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(90_000)
    drawn = Lab(context.new_page(), server)
    try:
        drawn.start()
        drawn.set_theme("JupyterLab Light")
        yield drawn
    finally:
        context.close()
        server.shut_down_kernels()


@pytest.fixture
def lab(chromium: Browser, server: LabServer) -> Iterator[Lab]:
    """A page of its own for a test."""
    with opened(chromium, server) as drawn:
        yield drawn


@pytest.fixture(scope="module")
def shared(chromium: Browser, server: LabServer) -> Iterator[Lab]:
    """One page, and the kernels behind it, for all tests of a file: loading a model takes seconds."""
    with opened(chromium, server) as drawn:
        yield drawn
