"""A rehearsal of a class: handing in, collecting, grading, feedback and marks, all by nbgrader's own commands.

1. A course folder is made in a temporary place, with this course's nbgrader_config.py and the teacher's copy of lab 01.
2. `tests/course/submissions.py` makes what students hand in, right and wrong and broken; each becomes a zip.
3. nbgrader generates, collects, grades (two students at a time), writes feedback and exports the marks.
4. The marks are compared with those that were written beside each submission by hand.

    python -m tests.course.rehearsal                      # all; the exit code is 1 when one mark differs
    python -m tests.course.rehearsal --only right blank
    python -m tests.course.rehearsal --folder course      # keep the course folder, to look at it
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from tests.course.submissions import CLASS, LAB, NOTEBOOK, ROSTER, Submission, hand_in
from tools.course import NOTEBOOKS, teachers_copy
from tools.masters import read

AT_ONCE = 2
CELL_SECONDS = 45  # in place of the minutes that a real class gets; the longest right cell takes less than half of it
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
}


@dataclass(frozen=True)
class Line:
    """One submission in the table."""

    name: str
    expected: float
    marks: float
    seconds: float
    remark: str

    @property
    def ok(self) -> bool:
        return abs(self.expected - self.marks) < 1e-9


@dataclass(frozen=True)
class Outcome:
    lines: tuple[Line, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return bool(self.lines) and all(line.ok for line in self.lines)


class Stage:
    """The course folder of the rehearsal, and nbgrader in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.seconds: dict[str, float] = {}

    def nbgrader(self, *words: str, fails: bool = False) -> str:
        """Run a command; returns what it said. `fails`: it may end with another exit code than 0."""
        command = [sys.executable, "-m", "nbgrader", *words]
        home = {"INTERP_WIDGETS_PROGRESS": str(self.folder / "progress.json")}
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | ENVIRONMENT | home, capture_output=True, text=True, check=False
        )
        self.seconds[" ".join(words[:1] + words[2:])] = time.monotonic() - started
        said = done.stdout + done.stderr
        if done.returncode and not fails:
            raise RuntimeError(f"nbgrader {' '.join(words)} ended with {done.returncode}:\n{said[-4000:]}")
        return said

    def set_up(self) -> None:
        """What `make course` and a teacher do before the class begins."""
        from interp_widgets.course.catalogue import LABS

        lab = next(lab for lab in LABS if lab.id == LAB)
        source = self.folder / "source" / LAB / f"{NOTEBOOK}.ipynb"
        source.parent.mkdir(parents=True)
        master = read(NOTEBOOKS / "masters" / f"{NOTEBOOK}.py")
        source.write_text(teachers_copy(master, lab), "utf-8")
        shutil.copy(NOTEBOOKS / "nbgrader_config.py", self.folder)
        self.nbgrader("generate_assignment", LAB)

    def class_list(self, submissions: Sequence[Submission]) -> None:
        rows = "".join(f"{submission.name},{submission.name},Student\n" for submission in submissions)
        (self.folder / ROSTER).write_text("id,first_name,last_name\n" + rows, "utf-8")
        self.nbgrader("db", "student", "import", ROSTER)

    def receive(self, submissions: Sequence[Submission]) -> None:
        """One zip for each student, named by the student's id."""
        source = nbformat.read(self.folder / "source" / LAB / f"{NOTEBOOK}.ipynb", as_version=4)
        released = nbformat.read(self.folder / "release" / LAB / f"{NOTEBOOK}.ipynb", as_version=4)
        archive = self.folder / "downloaded" / LAB / "archive"
        archive.mkdir(parents=True)
        for submission in submissions:
            with zipfile.ZipFile(archive / f"{submission.name}.zip", "w", zipfile.ZIP_DEFLATED) as file:
                for name, text in hand_in(submission, released, source).items():
                    file.writestr(name, text)
        self.nbgrader("zip_collect", LAB)
        # The solutions are put away before code of students runs: grading does not need them.
        shutil.rmtree(self.folder / "source")

    def grade(self, submission: Submission) -> tuple[float, str]:
        """Autograde one student's notebook: the seconds, and what nbgrader said."""
        started = time.monotonic()
        said = self.nbgrader(
            "autograde", LAB, f"--student={submission.name}", f"--Execute.timeout={CELL_SECONDS}", fails=True
        )
        return time.monotonic() - started, said

    def mark_by_hand(self, submission: Submission) -> None:
        """What a teacher does in the formgrader: marks for the questions in words."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder}/gradebook.db") as gradebook:
            for question, marks in submission.by_hand.items():
                grade = gradebook.find_grade(question, NOTEBOOK, LAB, submission.name)
                grade.manual_score, grade.needs_manual_grade = marks, False
            gradebook.db.commit()

    def marks(self) -> dict[str, float]:
        self.nbgrader("export", "--to", "marks.csv")
        with open(self.folder / "marks.csv", encoding="utf-8", newline="") as file:
            return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == LAB}


def rehearse(folder: Path, only: Sequence[str] = ()) -> Outcome:
    """Take the class, or the submissions named, through everything."""
    submissions = [submission for submission in CLASS if not only or submission.name in only]
    stage = Stage(folder)
    clock, steps = time.monotonic(), {}

    def step(name: str) -> None:
        nonlocal clock
        steps[name], clock = time.monotonic() - clock, time.monotonic()

    stage.set_up()
    step("generate_assignment")
    stage.class_list(submissions)
    step("db student import")
    stage.receive(submissions)
    step("zip_collect")
    with ThreadPoolExecutor(AT_ONCE) as pool:  # sqlite lets one write at a time, and each write is short
        graded = dict(zip([one.name for one in submissions], pool.map(stage.grade, submissions), strict=True))
    step("autograde")
    for submission in submissions:
        stage.mark_by_hand(submission)
    step("by hand")
    stage.nbgrader("generate_feedback", LAB)
    step("generate_feedback")
    marks = stage.marks()
    step("export")
    lines = []
    for submission in submissions:
        seconds, said = graded[submission.name]
        missing = [text for text in submission.says if text not in said]
        remark = f"nbgrader should say: {'; '.join(missing)}" if missing else submission.remark
        got = marks.get(submission.name, float("nan"))
        lines.append(Line(submission.name, submission.marks, got if not missing else float("nan"), seconds, remark))
        (stage.folder / "logs").mkdir(exist_ok=True)
        (stage.folder / "logs" / f"{submission.name}.log").write_text(said, "utf-8")
    return Outcome(tuple(lines), steps)


def table(outcome: Outcome) -> str:
    width = max(len(line.name) for line in outcome.lines)
    rows = [f"{'submission':<{width}} {'expected':>8} {'marks':>6} {'seconds':>7}  ok   remark"]
    for line in outcome.lines:
        rows.append(
            f"{line.name:<{width}} {line.expected:>8g} {line.marks:>6g} {line.seconds:>7.1f}  "
            f"{'yes' if line.ok else 'NO ':<4} {line.remark}"
        )
    rows.append("\n" + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in outcome.seconds.items()))
    rows.append(f"{sum(line.ok for line in outcome.lines)} of {len(outcome.lines)} as expected")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Take a class through grading, and compare its marks.")
    parser.add_argument("--folder", type=Path, help="an empty or new folder for the course, kept afterwards")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=(), help="these submissions")
    asked = parser.parse_args(arguments)
    unknown = set(asked.only) - {submission.name for submission in CLASS}
    if unknown:
        parser.error(f"no submission named {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in CLASS)}")
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
        outcome = rehearse(asked.folder, asked.only)
    else:
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            outcome = rehearse(Path(folder), asked.only)
    print(table(outcome))
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
