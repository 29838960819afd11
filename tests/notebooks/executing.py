"""Runs notebooks without a browser, and reads what they printed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))  # not what nbgrader keeps in folders below: source/, submitted/, ...
Notebook = dict[str, Any]


def execute(path: Path, folder: Path, times: int = 1, go_on: bool = False) -> list[Notebook]:
    """The notebook with its outputs, after each of some runs of all cells in one kernel that works in `folder`.

    go_on: an error of a cell is kept as its output, and the cells after it run too.
    """
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook,
        timeout=240,
        resources=where,
        kernel_name="python3",
        allow_errors=go_on,
        skip_cells_with_tag="",  # grading skips what only shows things; here everything runs
    )
    done = []
    with client.setup_kernel():
        for _ in range(times):
            for index, cell in enumerate(notebook["cells"]):
                client.execute_cell(cell, index)
            done.append(copy.deepcopy(dict(notebook)))
    return done


def streams(notebook: Notebook, name: str) -> str:
    """Everything that went to "stdout" or "stderr"."""
    return "".join(
        output["text"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream" and output["name"] == name
    )


def output(notebook: Notebook, cell_id: str) -> str:
    """The text of one cell: what it printed, and the plain form of what it showed."""
    cell = next(cell for cell in notebook["cells"] if cell["id"] == cell_id)
    return "".join(
        item["text"] if item["output_type"] == "stream" else item["data"].get("text/plain", "")
        for item in cell["outputs"]
    )


def printed(notebook: Notebook) -> dict[str, str]:
    """stdout by cell."""
    return {
        cell["id"]: "".join(item["text"] for item in cell["outputs"] if item["output_type"] == "stream")
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    }
