"""A master: one notebook of the course as text, read cell by cell, and everything that can be wrong with it.

1. Jupytext reads the percent format; each header gives the cell's `id`, and for an exercise its `role` and `exercise`.
2. `problems` holds the master against what its lab declares. It reports everything at once, with master and cell, so
   that an author corrects a file in one go.
3. A master that no lab declares is a plain notebook: it must have no exercises.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# Which cells an exercise has, in the order of the page, and what kind of cell each one is.
AUTOGRADED = ("exercise", "answer", "check")
WRITTEN = ("exercise", "written")
KINDS = {"exercise": "markdown", "answer": "code", "check": "code", "written": "markdown"}
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN_TESTS = "HIDDEN TESTS"
SKIPPED = "skip-execution"  # nbclient does not run a cell with this tag, and JupyterLab knows nothing of it


class Question(Protocol):
    """What the catalogue declares of an exercise; a written one has a `rubric` too."""

    @property
    def id(self) -> str: ...
    @property
    def difficulty(self) -> int: ...
    @property
    def minutes(self) -> float: ...
    @property
    def points(self) -> float: ...
    @property
    def hints(self) -> Sequence[str]: ...


class Case(Protocol):
    """One thing that a check looks at."""

    @property
    def name(self) -> str: ...
    @property
    def points(self) -> float: ...


class Lab(Protocol):
    """What the catalogue declares of a lab; `notebook` is the file's name without its ending."""

    @property
    def id(self) -> str: ...
    @property
    def notebook(self) -> str: ...
    @property
    def exercises(self) -> Sequence[Question]: ...


class CourseError(Exception):
    """Masters that cannot be built; one line for each thing that is wrong."""


@dataclass(frozen=True)
class Cell:
    """A cell of a master. `kind` is "code" or "markdown"; `role` and `exercise` are empty for a plain cell.

    tags: "skip-execution" keeps a cell that only shows things out of grading, where it would take minutes.
    """

    id: str
    kind: str
    source: str
    role: str
    exercise: str
    other: tuple[str, ...]
    tags: tuple[str, ...] = ()

    @property
    def grade_id(self) -> str:
        """The name under which nbgrader keeps this cell; empty where nbgrader does not know it."""
        return {"answer": self.exercise, "written": self.exercise, "check": f"{self.exercise}-check"}.get(self.role, "")


@dataclass(frozen=True)
class Master:
    path: Path
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    def cell(self, exercise: str, role: str) -> Cell:
        return next(cell for cell in self.cells if (cell.exercise, cell.role) == (exercise, role))


def read(path: Path) -> Master:
    """The master in this file. Raises CourseError when it is not in the percent format."""
    import jupytext

    try:
        notebook = jupytext.reads(path.read_text("utf-8"), fmt="py:percent")
    except Exception as error:
        raise CourseError(f"{path.name}: jupytext cannot read it: {error}") from error
    cells = []
    for cell in notebook["cells"]:
        words = {name: str(value) for name, value in cell["metadata"].items()}
        words.pop("lines_to_next_cell", None)  # jupytext's own note on blank lines
        identifier, role, exercise = (words.pop(name, "") for name in ("id", "role", "exercise"))
        tags = tuple(cell["metadata"].get("tags", ()))
        words.pop("tags", None)
        cells.append(Cell(identifier, cell["cell_type"], cell["source"], role, exercise, tuple(words), tags))
    return Master(path, tuple(cells))


def is_written(question: Question) -> bool:
    """A written question has a rubric, for a person's marks; any other is marked by its check."""
    return hasattr(question, "rubric")


def problems(master: Master, lab: Lab | None) -> list[str]:
    """Everything that keeps this master from being built, as sentences that name the cell."""
    questions = {question.id: question for question in lab.exercises} if lab else {}
    found = list(_of_ids(master))
    for cell in master.cells:
        found += [f'cell "{cell.id}": {text}' for text in _of_cell(cell, questions, lab)]
    for question in questions.values():
        found += _of_question(master, question)
    return [f"{master.path.name}, {text}" for text in found]


def _of_ids(master: Master) -> Iterator[str]:
    for number, cell in enumerate(master.cells, 1):
        if not cell.id:
            first = cell.source.splitlines()[0] if cell.source else ""
            yield f'cell {number} ("{first[:40]}") has no id: write it into the header, # %% id="..."'
        elif not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id):
            yield f'cell "{cell.id}": an id is made of small letters and digits, joined by hyphens'
    for identifier, times in Counter(cell.id for cell in master.cells if cell.id).items():
        if times > 1:
            yield f'cell "{identifier}": this id is there {times} times'


def _of_cell(cell: Cell, questions: dict[str, Question], lab: Lab | None) -> Iterator[str]:
    if cell.other:
        yield f"its header has {', '.join(cell.other)}; it may have id, exercise, role and tags"
    if bool(cell.role) != bool(cell.exercise):
        yield "exercise and role go together; its header has one of them"
        return
    if cell.tags and (cell.tags != (SKIPPED,) or cell.role):
        yield f'its tags are {", ".join(cell.tags)}; only a cell without a role may have one, "{SKIPPED}"'
    if HIDDEN_TESTS in cell.source:
        yield "it holds hidden tests; the build writes those itself"
    begins, ends = cell.source.count(BEGIN_SOLUTION), cell.source.count(END_SOLUTION)
    if cell.role not in ("answer", "written") and (begins or ends):
        yield "it holds a solution region; only cells with role answer or written may"
    if not cell.role:
        return
    if cell.role not in KINDS:
        yield f'its role is "{cell.role}"; roles are {", ".join(KINDS)}'
        return
    if cell.kind != KINDS[cell.role]:
        yield f"it is a {cell.kind} cell; the role {cell.role} needs a {KINDS[cell.role]} cell"
        return
    if lab is None:
        yield f'it belongs to exercise "{cell.exercise}", and no lab of the catalogue has this notebook'
        return
    question = questions.get(cell.exercise)
    if question is None:
        yield f'exercise "{cell.exercise}" is not declared; {lab.id} declares {", ".join(questions) or "none"}'
        return
    wanted = WRITTEN if is_written(question) else AUTOGRADED
    if cell.role not in wanted:
        yield f'exercise "{cell.exercise}" has cells with the roles {", ".join(wanted)}, not {cell.role}'
    if cell.role in ("answer", "written"):
        yield from _of_region(cell)
    if cell.role == "check":
        yield from _of_call(cell)
    if cell.role == "exercise" and not cell.source.startswith("#"):
        yield "it must begin with a heading: difficulty, minutes and points go below it"


def _of_region(cell: Cell) -> Iterator[str]:
    marks = [line.strip() for line in cell.source.splitlines() if "BEGIN SOLUTION" in line or "END SOLUTION" in line]
    if not marks:
        yield f"it has no solution region ({BEGIN_SOLUTION} ... {END_SOLUTION})"
    elif marks != [BEGIN_SOLUTION, END_SOLUTION]:
        yield f"it needs one solution region, {BEGIN_SOLUTION} ... {END_SOLUTION}; it has {', '.join(marks)}"


def checked_name(cell: Cell) -> str | None:
    """The name of the answer in `iw.course.check("lab01-q1", name)`, or None when the cell is not this one call."""
    try:
        (statement,) = ast.parse(cell.source).body
    except (SyntaxError, ValueError):
        return None
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return None
    call = statement.value
    if ast.unparse(call.func) != "iw.course.check" or call.keywords or len(call.args) != 2:
        return None
    first, answer = call.args
    if not (isinstance(first, ast.Constant) and first.value == cell.exercise and isinstance(answer, ast.Name)):
        return None
    return answer.id


def _of_call(cell: Cell) -> Iterator[str]:
    if checked_name(cell) is None:
        yield f'it must be exactly one call, iw.course.check("{cell.exercise}", name_of_the_answer)'


def _of_question(master: Master, question: Question) -> Iterator[str]:
    """Its cells are all there, once, in order, and the check asks for a name that the answer defines."""
    wanted = WRITTEN if is_written(question) else AUTOGRADED
    roles = [cell.role for cell in master.cells if cell.exercise == question.id]
    for role in wanted:
        if roles.count(role) != 1:
            yield f'exercise "{question.id}": it has {roles.count(role)} cells with role {role}; it needs one'
    if sorted(roles) == sorted(wanted) and tuple(roles) != wanted:
        yield f'exercise "{question.id}": its cells come as {", ".join(roles)}; the order is {", ".join(wanted)}'
    if roles.count("answer") == roles.count("check") == 1:
        name, answer = checked_name(master.cell(question.id, "check")), master.cell(question.id, "answer")
        if name is not None and name not in _defined(answer.source):
            yield f'cell "{answer.id}": it does not define {name}, which the check of "{question.id}" asks for'


def _defined(source: str) -> set[str]:
    """Names that a code cell binds at its top level."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return set()
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        else:
            names |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names
