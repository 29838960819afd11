"""Every notebook of the course: clean in git, and it runs offline, from any folder, twice, without a warning."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks.executing import NOTEBOOKS, execute, printed, streams

pytestmark = pytest.mark.notebooks
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_some() -> None:
    assert NOTEBOOKS


@every
def test_clean(path: Path) -> None:
    """No outputs, no counts, nothing of the machine that wrote it, and ids that stay when it is saved again."""
    notebook = json.loads(path.read_text("utf-8"))
    nbformat.validate(notebook)
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == [], cell["id"]
        assert cell.get("execution_count") is None, cell["id"]
        assert cell["metadata"] == {}, cell["id"]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}, "a version would change with each machine"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(identifier.replace("-", "").isalpha() and identifier.islower() for identifier in ids), (
        "ids are words: a tool that makes its own would make new ones each time"
    )


@every
def test_written_as_the_tools_write_it(path: Path) -> None:
    """One space of indentation and a newline at the end, so that saving it in JupyterLab changes nothing."""
    text = path.read_text("utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


@every
def test_runs_twice_from_another_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one kernel, from top to bottom, twice; what it prints is the same, and nothing goes to stderr."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    first, second = execute(path, tmp_path, times=2)
    for notebook in (first, second):
        assert streams(notebook, "stderr") == ""
        assert not [cell for cell in notebook["cells"] if _errors(cell)]
    assert printed(first) == printed(second)
    assert list(tmp_path.iterdir()) == [], "it leaves nothing in the folder where it runs"


def _errors(cell: dict[str, Any]) -> list[Any]:
    return [output for output in cell.get("outputs", []) if output["output_type"] == "error"]


def test_the_kernel_is_this_environments(tmp_path: Path) -> None:
    """So that what was tested is what is installed."""
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import sys\nprint(sys.executable)")])
    file = tmp_path / "which.ipynb"
    nbformat.write(source, file)
    (done,) = execute(file, tmp_path, times=1)
    assert os.path.realpath(streams(done, "stdout").strip()) == os.path.realpath(sys.executable)
