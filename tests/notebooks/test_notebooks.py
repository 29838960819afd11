"""Every notebook of the course: clean in git, and it runs offline, from any folder, twice, without a warning.

Of a lab with exercises the teacher's copy runs, and gets full marks; the student's stops at each stub, nowhere else.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from interp_widgets.course.catalogue import LABS
from interp_widgets.course.exercise import Lab
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import NOTEBOOKS, Notebook, execute, printed, streams

pytestmark = pytest.mark.notebooks
WITH_EXERCISES = {lab.notebook: lab for lab in LABS if lab.exercises}
PLAIN = [path for path in NOTEBOOKS if path.stem not in WITH_EXERCISES]
WHOSE = re.compile(r"^.*(?: is not written yet; the package's is used| are yours)\n", re.MULTILINE)
# A probe on the states that an eraser was fitted on tosses a coin: rounding decides, and two functions round apart.
APART = {("lab07", "result-shown")}
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
plain = pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
every_lab = pytest.mark.parametrize("lab", WITH_EXERCISES.values(), ids=lambda lab: lab.id)


@pytest.fixture(autouse=True)
def _offline(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a record of attempts of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("INTERP_WIDGETS_PROGRESS", str(tmp_path_factory.mktemp("record") / "progress.jsonl"))


def test_there_are_some() -> None:
    assert PLAIN
    assert {path.stem for path in NOTEBOOKS} >= set(WITH_EXERCISES)


@every
def test_clean(path: Path) -> None:
    """No outputs, no counts, nothing of the machine that wrote it, and ids that stay when it is saved again."""
    notebook = json.loads(path.read_text("utf-8"))
    nbformat.validate(notebook)
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == [], cell["id"]
        assert cell.get("execution_count") is None, cell["id"]
        assert set(cell["metadata"]) <= {"nbgrader", "tags"}, cell["id"]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}, "a version would change with each machine"
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", identifier) for identifier in ids), (
        "ids are words: a tool that makes its own would make new ones each time"
    )


@every
def test_written_as_the_tools_write_it(path: Path) -> None:
    """One space of indentation and a newline at the end, so that saving it in JupyterLab changes nothing."""
    text = path.read_text("utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


@plain
def test_runs_twice_from_another_folder(path: Path, tmp_path: Path) -> None:
    """In one kernel, from top to bottom, twice; what it prints is the same, and nothing goes to stderr."""
    _alike(*execute([path, path], tmp_path))
    assert list(tmp_path.iterdir()) == [], "it leaves nothing in the folder where it runs"


@pytest.mark.timeout(1500)
@every_lab
def test_a_students_copy_stops_at_each_stub_and_nowhere_else(lab: Lab, runs_of: Runs) -> None:
    done = runs_of(lab).student
    stopped = {cell["id"]: [error["ename"] for error in _errors(cell)] for cell in done["cells"] if _errors(cell)}
    assert stopped == {cell["id"]: ["NotImplementedError"] for cell in _checks(done)}
    assert streams(done, "stderr") == ""


@pytest.mark.timeout(1500)
@every_lab
def test_a_teachers_copy_after_it_gets_full_marks(lab: Lab, runs_of: Runs) -> None:
    done = runs_of(lab).teacher
    assert streams(done, "stderr") == ""
    assert not [cell["id"] for cell in done["cells"] if _errors(cell)]
    marks = {
        cell["metadata"]["nbgrader"]["grade_id"]: float(cell["outputs"][-1]["data"]["text/plain"])
        for cell in _checks(done)
    }
    assert marks == {f"{one.id}-check": one.points for one in lab.exercises if not hasattr(one, "rubric")}


@pytest.mark.timeout(1500)
@every_lab
def test_both_copies_print_the_same(lab: Lab, runs_of: Runs) -> None:
    """But for the lines that say whose functions are used."""
    taken = runs_of(lab)
    student, teacher = ({cell: WHOSE.sub("", text) for cell, text in printed(one).items()} for one in taken)
    assert set(student) == set(teacher)
    assert [cell for cell in student if student[cell] != teacher[cell] and (lab.id, cell) not in APART] == []


def _alike(first: Notebook, second: Notebook) -> None:
    for notebook in (first, second):
        assert streams(notebook, "stderr") == ""
        assert not [cell for cell in notebook["cells"] if _errors(cell)]
    assert printed(first) == printed(second)


def _checks(notebook: Notebook) -> list[dict[str, Any]]:
    return [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("grade")
    ]


def _errors(cell: dict[str, Any]) -> list[Any]:
    return [output for output in cell.get("outputs", []) if output["output_type"] == "error"]


def test_the_kernel_is_this_environments(tmp_path: Path) -> None:
    """So that what was tested is what is installed."""
    source = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import sys\nprint(sys.executable)")])
    file = tmp_path / "which.ipynb"
    nbformat.write(source, file)
    (done,) = execute([file], tmp_path)
    assert os.path.realpath(streams(done, "stdout").strip()) == os.path.realpath(sys.executable)
