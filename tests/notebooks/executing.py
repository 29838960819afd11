"""Runs notebooks without a browser, and reads what they printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))  # not what nbgrader keeps in folders below: source/, submitted/, ...
Notebook = dict[str, Any]


def execute(paths: Sequence[Path], folder: Path, go_on: bool = False) -> list[Notebook]:
    """Notebooks with their outputs, each run from top to bottom, one after the other in one kernel of `folder`.

    go_on: an error of a cell is kept as its output, and the cells after it run too.
    """
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    client = NotebookClient(
        notebooks[0],
        timeout=240,
        resources={"metadata": {"path": str(folder)}},
        kernel_name="python3",
        allow_errors=go_on,
        skip_cells_with_tag="",  # grading skips what only shows things; here everything runs
    )
    with client.setup_kernel():
        for notebook in notebooks:
            client.nb = notebook
            for index, cell in enumerate(notebook["cells"]):
                client.execute_cell(cell, index)
    return [dict(notebook) for notebook in notebooks]


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
