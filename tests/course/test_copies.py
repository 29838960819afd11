"""The copies of the course: current, clean, and worth what the catalogue declares; a wrong master is named."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interp_widgets.course.catalogue import LABS
from tools import course
from tools.masters import CourseError, Lab, read

MASTERS = sorted((course.NOTEBOOKS / "masters").glob("*.py"))
SETTINGS = course.NOTEBOOKS / "nbgrader_config.py"
# What only a teacher may see. The solutions themselves are compared line by line below.
TEACHERS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "_check(", "sys.modules")

every_lab = pytest.mark.parametrize("lab", [lab for lab in LABS if lab.exercises], ids=lambda lab: lab.id)


def students(lab: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads((course.NOTEBOOKS / f"{lab.notebook}.ipynb").read_text("utf-8"))
    return copy


def teachers(lab: Any) -> dict[str, Any]:
    text = course.teachers_copy(read(course.NOTEBOOKS / "masters" / f"{lab.notebook}.py"), lab)
    copy: dict[str, Any] = json.loads(text)
    return copy


def known(cell: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cell["metadata"].get("nbgrader", {})
    return found


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def region(text: str) -> list[str]:
    """The lines of a solution, without indentation; not those so plain that they may stand anywhere."""
    inside = text.partition(course.HIDDEN)[0].partition("### BEGIN SOLUTION")[2].partition("### END SOLUTION")[0]
    return [line.strip() for line in inside.splitlines() if len(line.strip()) > 20]


def test_there_are_masters() -> None:
    assert len(MASTERS) >= len(LABS) > 0


def test_ids_are_unique_over_the_course() -> None:
    ids = Counter(exercise.id for lab in LABS for exercise in lab.exercises)
    assert set(ids.values()) == {1}
    grade_ids = Counter(known(cell)["grade_id"] for lab in LABS for cell in teachers(lab)["cells"] if known(cell))
    assert set(grade_ids.values()) == {1}
    for path in MASTERS:
        cells = Counter(cell.id for cell in read(path).cells)
        assert set(cells.values()) == {1}, path.name


def test_the_committed_copies_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert course.main(["--check"]) == 0, capsys.readouterr().out


def test_every_notebook_has_a_master() -> None:
    assert {path.stem for path in course.NOTEBOOKS.glob("*.ipynb")} == {path.stem for path in MASTERS}


@every_lab
def test_points(lab: Any) -> None:
    points = {
        known(cell)["grade_id"]: known(cell)["points"] for cell in students(lab)["cells"] if known(cell).get("grade")
    }
    declared = {
        exercise.id if hasattr(exercise, "rubric") else f"{exercise.id}-check": exercise.points
        for exercise in lab.exercises
    }
    assert points == declared
    assert sum(points.values()) == lab.points


@every_lab
def test_a_students_copy_gives_nothing_away(lab: Any) -> None:
    text = "\n".join(source(cell) for cell in students(lab)["cells"])
    for word in TEACHERS:
        assert word not in text
    for exercise in lab.exercises:
        assert str(course.hidden_seed(course.SEED, exercise.id)) not in text
    for cell in teachers(lab)["cells"]:
        if known(cell).get("solution"):
            answer = next(one for one in students(lab)["cells"] if one["id"] == cell["id"])
            assert region(source(cell)), f"{cell['id']} has no solution to speak of"
            assert not [line for line in region(source(cell)) if line in source(answer)], cell["id"]


@every_lab
def test_a_teachers_copy_holds_solutions_and_hidden_tests(lab: Any) -> None:
    cells = {known(cell)["grade_id"]: source(cell) for cell in teachers(lab)["cells"] if known(cell)}
    for exercise in lab.exercises:
        assert "### BEGIN SOLUTION" in cells[exercise.id]
        if not hasattr(exercise, "rubric"):
            seed = course.hidden_seed(course.SEED, exercise.id)
            assert f"seed={seed}).points" in cells[f"{exercise.id}-check"]


@every_lab
def test_a_students_copy_stops_at_each_stub(lab: Any) -> None:
    for cell in students(lab)["cells"]:
        if known(cell).get("solution") and cell["cell_type"] == "code":
            assert "raise NotImplementedError" in source(cell), cell["id"]
            compile(source(cell), cell["id"], "exec")


@every_lab
def test_students_copies_have_facts_and_hints(lab: Any) -> None:
    text = "\n".join(source(cell) for cell in students(lab)["cells"])
    assert text.count("> Difficulty ") == len(lab.exercises)
    assert text.count("<summary>Hint ") == sum(len(exercise.hints) for exercise in lab.exercises)


# A course of one exercise and one question, and what can be wrong with its master


@dataclass(frozen=True)
class Toy:
    id: str
    points: float
    difficulty: int = 2
    minutes: float = 5
    hints: tuple[str, ...] = ("Look closer.",)


@dataclass(frozen=True)
class ToyWritten(Toy):
    rubric: tuple[tuple[float, str], ...] = ((1.0, "names the reason"),)


@dataclass(frozen=True)
class ToyLab:
    id: str = "lab90"
    notebook: str = "90_toy"
    exercises: tuple[Toy, ...] = field(default=(Toy("lab90-q1", 2.0), ToyWritten("lab90-w1", 1.0)))


GOOD = '''\
# %% [markdown] id="title"
# # A toy

# %% [markdown] id="q-one" exercise="lab90-q1" role="exercise"
# ## Twice
#
# Give twice the number.

# %% id="q-one-answer" exercise="lab90-q1" role="answer"
def twice(x: float) -> float:
    """Twice x."""
    ### BEGIN SOLUTION
    return 2.0 * x
    ### END SOLUTION


# %% id="q-one-check" exercise="lab90-q1" role="check"
iw.course.check("lab90-q1", twice)

# %% [markdown] id="w-one-question" exercise="lab90-w1" role="exercise"
# ## Why?

# %% [markdown] id="w-one" exercise="lab90-w1" role="written"
# ### BEGIN SOLUTION
# Because it is the sum of both.
# ### END SOLUTION
'''


def toy(folder: Path, text: str = GOOD) -> Path:
    (folder / "masters").mkdir(exist_ok=True)
    (folder / "masters" / "90_toy.py").write_text(text, "utf-8")
    (folder / "nbgrader_config.py").write_bytes(SETTINGS.read_bytes())
    return folder


def build(folder: Path, lab: Lab | None = None, **words: Any) -> list[Path]:
    return course.build(folder, [lab or ToyLab()], **words)


def test_both_copies_of_a_toy(tmp_path: Path) -> None:
    target = tmp_path / "90_toy.ipynb"
    assert build(toy(tmp_path)) == [target]
    assert build(tmp_path, check=True) == []
    student = {cell["id"]: source(cell) for cell in json.loads(target.read_text("utf-8"))["cells"]}
    teacher = json.loads((tmp_path / "source/lab90/90_toy.ipynb").read_text("utf-8"))
    assert student["q-one"] == (
        "## Twice\n\n> Difficulty ●●○ (2 of 3) · about 5 minutes · 2 points\n\nGive twice the number.\n\n"
        "<details>\n<summary>Hint 1</summary>\n\nLook closer.\n\n</details>"
    )
    assert student["q-one-check"] == 'iw.course.check("lab90-q1", twice)'
    assert "2.0 * x" not in student["q-one-answer"]
    assert '"""Twice x."""' in student["q-one-answer"]
    assert "sum of both" not in student["w-one"]
    assert {cell["id"] for cell in teacher["cells"]} == set(student), "ids stay the same"
    for cell in json.loads(target.read_text("utf-8"))["cells"]:
        assert set(cell["metadata"]) <= {"nbgrader"}, "no locks"
    # Another secret changes the teacher's copy and not the student's.
    before = (tmp_path / "source/lab90/90_toy.ipynb").read_text("utf-8")
    assert build(tmp_path, secret="ours") == []
    assert (tmp_path / "source/lab90/90_toy.ipynb").read_text("utf-8") != before


def test_a_copy_that_is_not_current_is_named(tmp_path: Path) -> None:
    target = tmp_path / "90_toy.ipynb"
    assert build(toy(tmp_path), check=True) == [target]
    assert not target.exists(), "--check writes nothing"
    assert not (tmp_path / "source").exists()


def test_seeds_differ_by_exercise_and_secret() -> None:
    seeds = {course.hidden_seed(secret, exercise) for secret in ("a", "b") for exercise in ("lab01-q1", "lab01-q2")}
    assert len(seeds) == 4
    assert course.hidden_seed("a", "lab01-q1") in seeds, "and they stay"


WRONG_MASTERS = {
    "no id": ('# %% [markdown] id="title"', "# %% [markdown]", r'cell 1 \("# A toy"\) has no id'),
    "id in capitals": ('id="title"', 'id="Title"', 'cell "Title": an id is made of small letters'),
    "id twice": ('id="q-one-check"', 'id="q-one"', 'cell "q-one": this id is there 2 times'),
    "word not known": ('id="title"', 'id="title" exercize="x"', 'cell "title": its header has exercize'),
    "role alone": ('id="title"', 'id="title" role="check"', 'cell "title": exercise and role go together'),
    "role not known": ('role="answer"', 'role="anwser"', 'cell "q-one-answer": its role is "anwser"'),
    "exercise not known": (
        'exercise="lab90-w1" role="written"',
        'exercise="lab90-w7" role="written"',
        '"lab90-w7" is not',
    ),
    "no check call": ('iw.course.check("lab90-q1", twice)', "twice(3)", 'cell "q-one-check": it must be exactly one'),
    "check of another": ('check("lab90-q1"', 'check("lab90-q2"', 'cell "q-one-check": it must be exactly one call'),
    "check of a name not there": ("twice)", "thrice)", 'cell "q-one-answer": it does not define thrice'),
    "no solution region": (
        "    ### BEGIN SOLUTION\n    return 2.0 * x\n    ### END SOLUTION",
        "    ...",
        "no solution",
    ),
    "open region": ("    ### END SOLUTION\n", "", 'cell "q-one-answer": it needs one solution region'),
    "solution in plain sight": ("# # A toy", "# ### BEGIN SOLUTION", 'cell "title": it holds a solution region'),
    "hidden tests by hand": ("# # A toy", "# ### BEGIN HIDDEN TESTS", 'cell "title": it holds hidden tests'),
    "wrong kind": ('# %% id="q-one-check"', '# %% [markdown] id="q-one-check"', "needs a code cell"),
    "no heading": ("# ## Why?", "# Why?", 'cell "w-one-question": it must begin with a heading'),
    "written is not checked": (
        'exercise="lab90-w1" role="written"',
        'exercise="lab90-q1" role="written"',
        "not written",
    ),
    "cell missing": (GOOD[GOOD.index('# %% [markdown] id="w-one-q') :], "", '"lab90-w1": it has 0 cells with role'),
}


@pytest.mark.parametrize("what", WRONG_MASTERS)
def test_what_is_wrong_with_a_master_is_named(tmp_path: Path, what: str) -> None:
    old, new, says = WRONG_MASTERS[what]
    assert old in GOOD
    with pytest.raises(CourseError, match=says) as error:
        build(toy(tmp_path, GOOD.replace(old, new, 1)))
    assert "90_toy.py" in str(error.value)
    assert not (tmp_path / "90_toy.ipynb").exists(), "nothing is written while a master is wrong"


def test_a_catalogue_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folder = toy(tmp_path)
    with pytest.raises(CourseError, match=r'exercise "lab90-q1" is not declared; lab90 declares none'):
        build(folder, ToyLab(exercises=()))
    with pytest.raises(CourseError, match=r"lab90 is declared, and masters has no 91_other.py"):
        build(folder, ToyLab(notebook="91_other"))
    with pytest.raises(CourseError, match="no lab of the catalogue has this notebook"):
        course.build(folder, [])
    with pytest.raises(CourseError, match="its rubric does not sum to its points"):
        build(folder, ToyLab(exercises=(Toy("lab90-q1", 2.0), ToyWritten("lab90-w1", 3.0))))
    with pytest.raises(CourseError, match="no master named 99_none; there are 90_toy"):
        build(folder, only="99_none")


def test_the_command_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(course, "NOTEBOOKS", toy(tmp_path))
    assert course.main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("The course cannot be built.\n")
    assert "90_toy.py" in said


def test_a_folder_that_cannot_be_written_is_said_and_keeps_its_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = toy(tmp_path)
    build(folder)
    before = (folder / "90_toy.ipynb").read_bytes()

    def refused(*words: Any, **named: Any) -> None:
        raise PermissionError(13, "Permission denied", str(folder / "90_toy.ipynb"))

    monkeypatch.setattr(course, "build", refused)
    assert course.main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("The course cannot be written.\n")
    assert "90_toy.ipynb" in said
    assert (folder / "90_toy.ipynb").read_bytes() == before
