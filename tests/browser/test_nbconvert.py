"""The README's nbconvert commands give pages that ask nobody, also where the notebook holds widgets."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.lab import notebook

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^jupyter (nbconvert .*) notebook\.ipynb$", README, re.MULTILINE)


def test_the_readme_has_them() -> None:
    assert len(COMMANDS) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_makes_no_request(chromium: Browser, tmp_path: Path, command: str) -> None:
    content = notebook(
        "import ipywidgets\nipywidgets.IntSlider()", "from IPython.display import HTML\nHTML('<p>drawn</p>')"
    )
    content["cells"][1]["outputs"] = [
        {"output_type": "display_data", "data": {"text/html": "<p>drawn</p>"}, "metadata": {}},
    ]
    (tmp_path / "notebook.ipynb").write_text(json.dumps(content))
    subprocess.run(
        [sys.executable, "-m", *shlex.split(command), "notebook.ipynb"], cwd=tmp_path, capture_output=True, check=True
    )
    page = chromium.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto((tmp_path / "notebook.html").as_uri())
    page.get_by_text("drawn", exact=True).wait_for()
    page.wait_for_load_state("networkidle")
    assert requests == [(tmp_path / "notebook.html").as_uri()]
    page.close()
