"""Build the course: each master in notebooks/masters becomes a teacher's copy and a student's copy.

1. A master is read and held against the catalogue (`tools/masters.py`); nothing is written while any master is wrong.
2. The teacher's copy (notebooks/source/lab01/..., not in git) has the solutions, nbgrader's metadata, the line with
   difficulty, minutes and points, the hints, and hidden tests with seeds of their own.
3. nbgrader's own generate_assignment makes the student's copy of it, in a temporary course folder: no gradebook of a
   teacher is touched. The student's copy (notebooks/..., in git) is then put into the one form in which notebooks are
   kept here.

    .venv/bin/python tools/course.py                      # build all
    .venv/bin/python tools/course.py --only 00_tour
    .venv/bin/python tools/course.py --check              # exit code 1 when a student's copy is not current
    .venv/bin/python tools/course.py --seed "our secret"  # hidden tests of your own; nobody can guess them
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

from interp_widgets.course.report import points_text
from interp_widgets.storage import atomic_file
from tools.masters import Case, Cell, CourseError, Lab, Master, Question, checked_name, is_written, problems, read

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SEED = "interp-widgets"  # as public as this file; whoever gives marks that count takes one of their own
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# The checks are loaded anew first, so that a cell that put something in the place of `check` gains nothing.
HIDDEN = """\
### BEGIN HIDDEN TESTS
import sys
for _module in [name for name in sys.modules if f"{{name}}.".startswith("interp_widgets.course.")]:
    del sys.modules[_module]
from interp_widgets.course import check as _check
_check("{exercise}", {name}, seed={seed}).points
### END HIDDEN TESTS"""


def hidden_seed(secret: str, exercise: str) -> int:
    """The seed of an exercise's hidden tests: another one for each exercise, the same in each build."""
    return int.from_bytes(hashlib.sha256(f"{secret}\n{exercise}".encode()).digest()[:4], "big")


def counted(number: float, what: str) -> str:
    return f"{number:g} {what}{'' if number == 1 else 's'}"


def facts(question: Question) -> str:
    """The quoted line below an exercise's heading."""
    dots = "●" * question.difficulty + "○" * (3 - question.difficulty)
    return (
        f"> Difficulty {dots} ({question.difficulty} of 3) · about {counted(question.minutes, 'minute')} · "
        f"{counted(question.points, 'point')}"
    )


def exercise_text(source: str, question: Question) -> str:
    """An exercise as it is read: heading, facts, text, then what is checked and the hints, each folded away."""
    heading, _, rest = source.partition("\n")
    parts = [heading, facts(question)]
    if rest.strip():
        parts.append(rest.strip("\n"))
    cases: Sequence[Case] = getattr(question, "cases", ())  # a question in words has none
    if cases:
        lines = [f"- {case.name} ({points_text(case.points)})" for case in cases]
        if not getattr(question, "partial", True):
            lines.append("\nAll or nothing: a part of them gives no points.")
        parts.append("<details>\n<summary>What is checked</summary>\n\n" + "\n".join(lines) + "\n\n</details>")
    for number, hint in enumerate(question.hints, 1):
        parts.append(f"<details>\n<summary>Hint {number}</summary>\n\n{hint.strip()}\n\n</details>")
    return "\n\n".join(parts)


def teachers_cell(cell: Cell, question: Question | None, secret: str) -> dict[str, Any]:
    source = cell.source
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    if question and cell.role == "exercise":
        source = exercise_text(source, question)
    elif question:
        metadata["nbgrader"] = {
            "grade": cell.role != "answer",
            "grade_id": cell.grade_id,
            "locked": cell.role == "check",
            "schema_version": 3,
            "solution": cell.role != "check",
            "task": False,
        }
        if cell.role != "answer":
            metadata["nbgrader"]["points"] = question.points
        if cell.role == "check":
            seed = hidden_seed(secret, question.id)
            source += "\n" + HIDDEN.format(exercise=question.id, name=checked_name(cell), seed=seed)
    made: dict[str, Any] = {"cell_type": cell.kind, "id": cell.id, "metadata": metadata, "source": source}
    return made | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def teachers_copy(master: Master, lab: Lab | None, secret: str = SEED) -> str:
    questions = {question.id: question for question in lab.exercises} if lab else {}
    return as_kept({"cells": [teachers_cell(cell, questions.get(cell.exercise), secret) for cell in master.cells]})


def as_kept(notebook: dict[str, Any]) -> str:
    """The text of a notebook in the one form that is in git: no outputs, nothing of the machine that wrote it."""
    whole = {"cells": notebook["cells"], "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    node = nbformat.from_dict(whole)
    nbformat.validate(node)
    text: str = nbformat.writes(node)
    return text.rstrip("\n") + "\n"


def students_copy(teachers: str, lab: Lab, settings: Path) -> str:
    """What nbgrader makes of a teacher's copy, in a course folder that is thrown away afterwards."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader(settings.name, path=str(settings.parent)).load_config()
    said = io.StringIO()
    log = logging.getLogger("interp-widgets.course")
    log.handlers, log.propagate = [logging.StreamHandler(said)], False
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        config.CourseDirectory.root = str(Path(folder).resolve())
        config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
        source = Path(folder, "source", lab.id, f"{lab.notebook}.ipynb")
        source.parent.mkdir(parents=True)
        source.write_text(teachers, "utf-8")
        course = CourseDirectory(config=config, log=log)
        course.assignment_id = lab.id
        try:
            with _programs_found():
                GenerateAssignment(coursedir=course, config=config, log=log).start()
            made = nbformat.read(Path(folder, "release", lab.id, source.name), as_version=4)
        except Exception as error:
            raise CourseError(
                f"{lab.notebook}: nbgrader makes no student's copy: {error}\n{said.getvalue()}"
            ) from error
    return as_kept(made)


@contextlib.contextmanager
def _programs_found() -> Iterator[None]:
    """nbgrader calls alembic by its bare name, which is on the PATH only where the environment is activated."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    try:
        yield
    finally:
        os.environ["PATH"] = path


def read_all(folder: Path, labs: Sequence[Lab]) -> list[tuple[Master, Lab | None]]:
    """Every master with its lab. Raises CourseError with all that is wrong in all of them."""
    by_notebook = {lab.notebook: lab for lab in labs}
    wrong, found = [], []
    for path in sorted(folder.glob("*.py")):
        try:
            master = read(path)
        except CourseError as error:
            wrong.append(str(error))
            continue
        lab = by_notebook.pop(master.name, None)
        wrong += problems(master, lab)
        found.append((master, lab if lab and lab.exercises else None))  # without exercises, nbgrader has no part in it
    wrong += [f"{lab.id} is declared, and {folder.name} has no {name}.py" for name, lab in by_notebook.items()]
    wrong += _twice(found)
    if wrong:
        raise CourseError("\n".join(wrong))
    return found


def _twice(found: Sequence[tuple[Master, Lab | None]]) -> list[str]:
    """Ids that two labs use: nbgrader and the record of a learner's progress know an exercise by its id alone."""
    owner: dict[str, str] = {}
    wrong = []
    for master, lab in found:
        for question in lab.exercises if lab else ():
            if owner.setdefault(question.id, master.path.name) != master.path.name:
                wrong.append(f'{master.path.name}, exercise "{question.id}": {owner[question.id]} has this id too')
            if question.points <= 0:
                wrong.append(f'{master.path.name}, exercise "{question.id}" is worth {question.points:g} points')
            if is_written(question) and sum(points for points, _ in getattr(question, "rubric", ())) != question.points:
                wrong.append(f'{master.path.name}, exercise "{question.id}": its rubric does not sum to its points')
    return wrong


def points_of(copy: str) -> float:
    """What a copy is worth by nbgrader's count."""
    cells = nbformat.reads(copy, as_version=4)["cells"]
    return sum(float(cell["metadata"].get("nbgrader", {}).get("points", 0)) for cell in cells)


def build(
    notebooks: Path, labs: Sequence[Lab], *, secret: str = SEED, only: str | None = None, check: bool = False
) -> list[Path]:
    """Build the copies, or with `check` only compare; returns the student's copies that are, or were, not current."""
    masters = read_all(notebooks / "masters", labs)
    if only is not None and only not in [master.name for master, _ in masters]:
        raise CourseError(f"no master named {only}; there are {', '.join(master.name for master, _ in masters)}")
    stale = []
    for master, lab in masters:
        if only not in (None, master.name):
            continue
        teachers = teachers_copy(master, lab, secret)
        copy = students_copy(teachers, lab, notebooks / "nbgrader_config.py") if lab else teachers
        due = sum(question.points for question in lab.exercises) if lab else 0
        if points_of(copy) != due:
            raise CourseError(
                f"{master.path.name}: its copies are worth {points_of(copy):g} points, {due:g} are declared"
            )
        target = notebooks / f"{master.name}.ipynb"
        if not target.is_file() or target.read_text("utf-8") != copy:
            stale.append(target)
            if not check:
                _write(target, copy)
        if lab and not check:
            _write(notebooks / "source" / lab.id / target.name, teachers)
    return stale


def _write(target: Path, text: str) -> None:
    with atomic_file(target) as temporary:
        temporary.write_text(text, "utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the teacher's and the student's copies from the masters.")
    parser.add_argument("--only", metavar="NAME", help="this notebook, as in 01_integrated_gradients")
    parser.add_argument("--check", action="store_true", help="write nothing; name the student's copies not current")
    parser.add_argument("--seed", metavar="TEXT", default=SEED, help="secret from which the hidden tests are made")
    asked = parser.parse_args(arguments)
    from interp_widgets.course.catalogue import LABS

    try:
        stale = build(NOTEBOOKS, LABS, secret=asked.seed, only=asked.only, check=asked.check)
    except CourseError as error:
        print(f"The course cannot be built.\n{error}", file=sys.stderr)
        return 1
    except OSError as error:  # a folder that is read-only, a full disk; the old copies are still whole
        print(f"The course cannot be written.\n{error}", file=sys.stderr)
        return 1
    for path in stale:
        says = "is not current; build it with: make course" if asked.check else "written"
        print(f"{path.relative_to(ROOT)}: {says}")
    if not stale:
        print("Every student's copy is current.")
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
