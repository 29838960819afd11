"""The course's notebooks: clean in git, run offline from any folder and twice, and their prose is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TOUR = NOTEBOOKS / "00_tour.ipynb"

pytestmark = pytest.mark.notebooks


def cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook: Any, identifier: str) -> str:
    """What a cell wrote, and the text of its value."""
    cell = next(cell for cell in notebook.cells if cell.id == identifier)
    return "".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "") for output in cell.outputs
    )


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tour, run twice in one kernel, from another folder, without a network."""
    notebook = nbformat.read(TOUR, 4)
    once = list(notebook.cells)
    first_time = [nbformat.from_dict({**cell, "id": f"{cell.id}-first"}) for cell in once]
    notebook.cells = [*first_time, *once]
    folder = tmp_path_factory.mktemp("elsewhere")
    patch = pytest.MonkeyPatch()
    for name in ("HF_HUB_OFFLINE", "PIP_NO_INDEX"):
        patch.setenv(name, "1")
    try:
        client = NotebookClient(notebook, timeout=280, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute()
    finally:
        patch.undo()
    assert list(folder.iterdir()) == [], "the tour leaves files beside it"
    return notebook


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.rglob("*.ipynb")), ids=lambda path: path.name)
def test_clean_in_git(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert not any(cell.outputs or cell.execution_count for cell in cells(notebook))
    identifiers = [cell.id for cell in notebook.cells]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", identifier) for identifier in identifiers), "ids are names, not chance"


def test_no_cell_warns(executed: Any) -> None:
    for cell in cells(executed):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.get("text")


def test_the_cities_are_nearly_level_and_the_wrong_one_leads(executed: Any) -> None:
    (first, p), (second, q) = re.findall(r"' (\w+)', ([\d.]+)", printed(executed, "ask"))[:2]
    assert (first, second) == ("Sydney", "Canberra")
    assert 0 < float(p) - float(q) < 0.05


def test_the_highlight_says_do_not_trust_and_both_numbers_differ(executed: Any) -> None:
    assert "do not trust" in printed(executed, "attribute")
    numbers = dict(re.findall(r"(sum|due|completeness_error) +(-?[\d.]+)", printed(executed, "completeness")))
    assert abs(float(numbers["sum"]) - float(numbers["due"])) > 1
    assert float(numbers["completeness_error"]) > 0.2


def test_the_two_columns_do_not_agree(executed: Any) -> None:
    rows = re.findall(r"gradients +([+-][\d.]+) +removed +([+-][\d.]+)", printed(executed, "remove"))
    assert len(rows) == 5
    scores, drops = zip(*[(float(score), float(drop)) for score, drop in rows], strict=True)
    order = [sorted(range(5), key=values.__getitem__) for values in (scores, drops)]
    assert order[0] != order[1]
    assert max(abs(score - drop) for score, drop in zip(scores, drops, strict=True)) > 5


def test_switching_attention_off_changes_the_answer_and_comes_back(executed: Any) -> None:
    without, back = printed(executed, "intervene").strip().splitlines()
    assert without.split("[")[1] != back.split("[")[1]
    found = re.search(r"' Sydney', ([\d.]+)", back)
    asked = re.search(r"' Sydney', ([\d.]+)", printed(executed, "ask"))
    assert found is not None
    assert asked is not None
    assert found[1] == asked[1]


def test_the_claim_of_the_first_cell(executed: Any) -> None:
    claim = executed.cells[0].source
    assert "SmolLM2-135M-Instruct" in claim
    assert "SmolLM2-135M-Instruct" in printed(executed, "load")
