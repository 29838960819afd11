"""What a class hands in for lab 01: right, wrong in known ways, broken, and dishonest, each with the marks it is due.

The marks are written by hand, from the points on the page: nothing here is computed by the code that grades.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat

LAB, NOTEBOOK, ROSTER = "lab01", "01_integrated_gradients", "class.csv"
Notebook = Any  # nbformat's own, which has no types
Change = Callable[[Notebook], None]
# By the page: q1 2, q2 5, q3 2, q4 4, q5 3, q6 2, q7 3, q8 3, q9 2, q10 3 and q11 1 point. The two questions in words
# are worth 3 each, and are marked by a person. q7 and q11 ask the default model, twenty seconds each: only one
# submission answers those two.
EVERYTHING, LARGE = 30.0, ("lab01-q7", "lab01-q11")
ALL = EVERYTHING - 3 - 1
# The exercise that most of it happens to: 4 points, and no other exercise calls its function.
ONE, FOUR, WORDS = "lab01-q4", 4.0, "lab01-w1"
HEAD = "def breaks_sensitivity(method, f, x, baseline):\n"
UP_TO_ONE = 2.0 + 5.0 + 2.0 + 4.0


def nothing(notebook: Notebook) -> None:
    pass


@dataclass(frozen=True)
class Submission:
    """name: the student's id. marks: what is due. change: what happened to the notebook before it was handed in.

    answered: which exercises have the right answers before the change: none, all but the slow ones, or all.
    file: the notebook's name in the zip, or None.
    says: what nbgrader's log must hold. by_hand: marks that the teacher gives for questions in words.
    """

    name: str
    marks: float
    remark: str
    change: Change = nothing
    answered: str = "quick"
    file: str | None = f"{NOTEBOOK}.ipynb"
    says: tuple[str, ...] = ()
    by_hand: Mapping[str, float] = field(default_factory=dict)


def hand_in(submission: Submission, released: Notebook, source: Notebook) -> dict[str, str]:
    """The files in the student's zip."""
    if submission.file is None:
        return {"readme.txt": "I forgot the notebook."}
    notebook = copy.deepcopy(released)
    if submission.answered != "none":
        for cell in source.cells:
            known = cell.metadata.get("nbgrader", {})
            slow = known.get("grade_id") in LARGE and submission.answered != "all"
            if known.get("solution") and not known.get("grade") and not slow:
                lines = [line for line in cell.source.splitlines() if "### " not in line]
                find(notebook, known["grade_id"]).source = "\n".join(lines)
    submission.change(notebook)
    if submission.name == "empty-file":
        return {submission.file: ""}
    files = {submission.file: str(nbformat.writes(notebook))}
    if submission.name == "from-a-mac":
        files[f"__MACOSX/._{submission.file}"] = "Mac OS X"
        files[f".ipynb_checkpoints/{NOTEBOOK}-checkpoint.ipynb"] = files[submission.file]
    return files


def find(notebook: Notebook, grade_id: str) -> Any:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


# What happened to a notebook


def answers(**sources: str) -> Change:
    """Other answers: answers(q1="def ...")."""

    def change(notebook: Notebook) -> None:
        for question, source in sources.items():
            find(notebook, f"{LAB}-{question}").source = source

    return change


def mistaken(exercise: str, mistake: str) -> Change:
    """A wrong answer from the collection."""

    def change(notebook: Notebook) -> None:
        from tests.course.wrong_lab01 import WRONG

        wrong = next(one for one in WRONG if (one.exercise, one.mistake) == (exercise, mistake))
        find(notebook, exercise).source = wrong.source

    return change


def deleted(*grade_ids: str) -> Change:
    def change(notebook: Notebook) -> None:
        for grade_id in grade_ids:
            notebook.cells.remove(find(notebook, grade_id))

    return change


def copied(grade_id: str, source: str | None = None) -> Change:
    """The cell is there twice, as copy and paste leave it; the first one with another text."""

    def change(notebook: Notebook) -> None:
        cell = find(notebook, grade_id)
        pasted = copy.deepcopy(cell)
        pasted.id = "pasted"
        cell.source = cell.source if source is None else source
        notebook.cells.insert(notebook.cells.index(cell) + 1, pasted)

    return change


def stripped(ids: bool) -> Change:
    """Another program saved it, and kept no metadata; with `ids`, no ids of cells either."""

    def change(notebook: Notebook) -> None:
        for number, cell in enumerate(notebook.cells):
            cell.metadata = nbformat.from_dict({})
            if ids:
                cell.id = f"new{number}"

    return change


def metadata(grade_id: str, **words: Any) -> Change:
    def change(notebook: Notebook) -> None:
        find(notebook, grade_id).metadata.nbgrader.update(words)

    return change


def plain_cell(source: str) -> Change:
    """One more cell, before everything else but the first code cell."""

    def change(notebook: Notebook) -> None:
        first = next(index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        notebook.cells.insert(first + 1, nbformat.v4.new_code_cell(source))

    return change


def after(grade_id: str, source: str) -> Change:
    """One more cell, after this one."""

    def change(notebook: Notebook) -> None:
        place = notebook.cells.index(find(notebook, grade_id)) + 1
        notebook.cells.insert(place, nbformat.v4.new_code_cell(source.strip()))

    return change


def turned_into_text(grade_id: str) -> Change:
    """A key pressed by accident."""

    def change(notebook: Notebook) -> None:
        cell = find(notebook, grade_id)
        text = nbformat.v4.new_markdown_cell(cell.source, metadata=cell.metadata, id=cell.id)
        notebook.cells[notebook.cells.index(cell)] = text

    return change


SPY = """
import glob, json
def breaks_sensitivity(method, f, x, baseline):
    for pattern in ("../../../source/*/*.ipynb", "../../source/*/*.ipynb", "source/*/*.ipynb"):
        for path in glob.glob(pattern):
            for cell in json.load(open(path))["cells"]:
                if "def breaks_sensitivity" in "".join(cell["source"]):
                    space = {}
                    exec("".join(cell["source"]), space)
                    return space["breaks_sensitivity"](method, f, x, baseline)
    past = get_ipython().user_ns["In"][-1]
    raise ValueError("nothing to copy from, only " + past[-60:])
"""
PEEK = """
import sys
def completeness_gap(*words):
    frame = sys._getframe()
    while frame is not None:
        if "case" in frame.f_locals:
            return frame.f_locals["case"].expected(*words)
        frame = frame.f_back
"""
# An answer that works, below something that it does first.
FIRST_DO = """
import os, warnings
right = breaks_sensitivity
def breaks_sensitivity(method, f, x, baseline):
    {}
    return right(method, f, x, baseline)
"""
NO_OP = """
import sys
from types import SimpleNamespace
iw.course.check = lambda *words, **named: SimpleNamespace(points=3.0)
sys.modules["interp_widgets.course.checking"].check = iw.course.check
"""
UNSTOPPABLE = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
"""
CLASS: tuple[Submission, ...] = (
    Submission("right", EVERYTHING, "all answers right", answered="all"),
    Submission("quick", ALL, "all but the two that ask the default model"),
    Submission("blank", 0.0, "as it was released", answered="none"),
    # Damage
    Submission("deleted-answer", ALL - FOUR, "the answer cell of q4 is gone", deleted(ONE)),
    Submission("deleted-check", ALL, "the check of q4 is put back", deleted(f"{ONE}-check"), says=("put back",)),
    Submission("deleted-both", ALL - FOUR, "answer and check of q4 are gone", deleted(ONE, f"{ONE}-check")),
    Submission("copied-answer", ALL, "the last one counts", copied(ONE, HEAD + "    return True")),
    Submission("copied-check", ALL, "a second check counts once", copied(f"{ONE}-check")),
    Submission("no-metadata", ALL, "found again by the cells' ids", stripped(ids=False)),
    Submission("no-metadata-no-ids", ALL, "checks are put at the end", stripped(ids=True), says=("put back",)),
    Submission("other-kind", ALL, "an answer that was turned into text is code again", turned_into_text(ONE)),
    Submission("more-points", ALL, "points in the metadata are the teacher's", metadata(f"{ONE}-check", points=100)),
    Submission("not-graded", ALL, "and so is the rest", metadata(f"{ONE}-check", grade=False, locked=False)),
    Submission("syntax-error", ALL - FOUR, "the other exercises are marked", answers(q4="def breaks_sensitivity(:\n")),
    Submission("renamed", ALL, "a browser added (1)", file=f"{NOTEBOOK} (1).ipynb"),
    Submission("own-name", ALL, "the only notebook in the zip", file="homework final.ipynb"),
    Submission("from-a-mac", ALL, "with what a Mac adds"),
    Submission("empty-file", 0.0, "nothing to grade", says=("There was an error processing",)),
    Submission("no-notebook", 0.0, "a text in its place", file=None),
    # Answers that do not end, or say too much
    Submission("endless-answer", ALL - FOUR, "stopped by the check", answers(q4=HEAD + "    while True: pass")),
    Submission("endless-cell", ALL, "stopped by nbgrader", plain_cell("while True:\n    pass")),
    Submission("unstoppable-cell", UP_TO_ONE, "marks before it are kept", after(f"{ONE}-check", UNSTOPPABLE)),
    Submission("ended-kernel", UP_TO_ONE, "the same", after(f"{ONE}-check", "import os\nos._exit(1)")),
    Submission("million-lines", ALL, "cut to 1000 lines", plain_cell("for i in range(1_000_000): print(i)")),
    Submission(
        "million-lines-answer",
        ALL,
        "counted by the check",
        after(ONE, FIRST_DO.format("for i in range(1_000_000): print(i)")),
    ),
    Submission(
        "warnings",
        ALL,
        "stderr is no error",
        after(ONE, FIRST_DO.format("warnings.warn('careful'); os.write(2, b'careful')")),
    ),
    # Wrong answers
    Submission("q2-wrong-sign", ALL - 5, "all cases fail", mistaken("lab01-q2", "wrong-sign")),
    Submission("q2-one-point", ALL - 4, "the straight line is right", mistaken("lab01-q2", "one-point")),
    Submission("q3-ratio", ALL - 2, "both cases fail", mistaken("lab01-q3", "ratio")),
    Submission("q10-ascending", ALL - 3, "its case fails", mistaken("lab01-q10", "ascending")),
    # Tricks
    Submission("spy", ALL - FOUR, "the teacher's copies are put away", answers(q4=SPY), says=("should look at",)),
    # Nothing in Python keeps code from looking at who calls it: these marks are not deserved, and the log says so.
    Submission("peek", ALL, "not deserved: the log points to it", answers(q3=PEEK), says=("holds _getframe",)),
    Submission("no-op-check", 0.0, "the checks are loaded anew", plain_cell(NO_OP), answered="none"),
    Submission(
        "own-marks",
        ALL - FOUR,
        "a value that an answer shows is no mark",
        answers(q4=HEAD + "    import sys\n    sys.displayhook(4.0)"),
    ),
    Submission(
        "no-value",
        0.0,
        "nothing shown is no mark",
        plain_cell("get_ipython().display_trap.hook = lambda value: None"),
        says=("should look at",),
    ),
    # Words
    Submission("words", ALL + 1.5, "marked by hand", answers(w1="Because it is so."), by_hand={WORDS: 1.5}),
)
