"""The record of attempts, and the overview that is drawn from it."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import interp_widgets as iw
from interp_widgets.course import progress
from interp_widgets.course.catalogue import LABS
from interp_widgets.course.checking import examine, find
from interp_widgets.course.exercise import Exercise
from tests.course.wrong import name_in
from tests.course.wrong_lab01 import Q3, Q10, RIGHT, WRONG

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def answer(exercise: str, source: str) -> object:
    import torch

    space: dict[str, object] = {"torch": torch}
    exec(source, space)
    return space[name_in(source)]


def try_it(exercise: str, source: str) -> None:
    found = find(exercise)
    assert isinstance(found, Exercise)
    progress.record(examine(found, answer(exercise, source), seed=0))


def test_the_best_attempt_counts_and_what_is_kept_says_nothing_of_the_answer(record: Path) -> None:
    wrong = next(one for one in WRONG if one.exercise == Q3)
    for source in (wrong.source, RIGHT[Q3], wrong.source):
        try_it(Q3, source)
    assert progress.best() == {Q3: 2.0}
    assert [attempt.mistake for attempt in progress.attempts()] == [wrong.mistake, None, wrong.mistake]
    lines = [json.loads(line) for line in record.read_text().splitlines() if line]
    assert all(set(line) == {"time", "exercise", "points", "of", "mistake"} for line in lines)
    progress.forget()
    assert progress.best() == {}
    progress.forget()


def test_another_process_sees_it(record: Path) -> None:
    try_it(Q3, RIGHT[Q3])
    code = "import interp_widgets as iw; print(iw.course.labs())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=NOTEBOOKS)
    assert "2 of 2         lab01-q3" in done.stdout
    assert done.stderr == ""


def test_many_at_once_lose_nothing() -> None:
    found = find(Q3)
    assert isinstance(found, Exercise)
    report = examine(found, answer(Q3, RIGHT[Q3]), seed=0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(progress.record, [report] * 80))
    assert len(list(progress.attempts())) == 80


@given(st.binary(max_size=200))
def test_a_damaged_line_costs_itself_only(noise: bytes) -> None:
    path = progress.progress_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"time": "2026-01-01T00:00:00+00:00", "exercise": Q3, "points": 1.0, "of": 2.0, "mistake": None}
    path.write_bytes(noise + b"\n" + json.dumps(line).encode() + b"\n" + noise)
    assert sum(attempt.exercise == Q3 for attempt in progress.attempts()) >= 1


def test_the_overview_counts_and_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOKS)
    shown = iw.course.labs()
    assert shown.next is not None
    assert shown.next.id == "lab01-q1"
    assert "lab01  Integrated gradients  (150 minutes; 0 of 30 points)" in repr(shown)
    assert "Next: lab01-q1, The gradient at one input (01_integrated_gradients.ipynb)" in repr(shown)
    try_it("lab01-q1", RIGHT["lab01-q1"])
    try_it(Q10, RIGHT[Q10])
    shown = iw.course.labs()
    assert shown.next is not None
    assert shown.next.id == "lab01-q2"
    assert "5 of 30 points" in repr(shown)
    page = shown._repr_html_()
    assert 'href="01_integrated_gradients.ipynb#Exercise-2:-integrated-gradients-by-hand"' in page
    assert 'href="01_integrated_gradients.ipynb' in page
    assert "<script" not in page
    assert str(progress.progress_file()) in page


def test_the_overview_finds_the_course_from_elsewhere_or_says_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert iw.course.labs().folder == NOTEBOOKS, "beside the package, in a source tree"
    monkeypatch.setattr("interp_widgets.course.overview.__file__", str(tmp_path / "a" / "b" / "overview.py"))
    shown = iw.course.labs()
    assert shown.folder is None
    assert "(01_integrated_gradients.ipynb)" in shown._repr_html_()


def test_a_course_folder_that_cannot_be_written_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks and overview write nothing there."""
    folder = tmp_path / "course"
    folder.mkdir()
    for lab in LABS:
        (folder / f"{lab.notebook}.ipynb").write_bytes((NOTEBOOKS / f"{lab.notebook}.ipynb").read_bytes())
    before = sorted(folder.iterdir())
    folder.chmod(0o555)
    try:
        monkeypatch.chdir(folder)
        try_it(Q3, RIGHT[Q3])
        assert iw.course.labs().folder == folder
        assert "2 of 30 points" in repr(iw.course.labs())
        assert sorted(folder.iterdir()) == before
    finally:
        folder.chmod(0o755)


def test_when_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = {one.id: one.points for lab in LABS for one in lab.exercises}
    monkeypatch.setattr(progress, "best", lambda: reached)
    assert "All exercises are done." in repr(iw.course.labs())
    assert "All exercises are done." in iw.course.labs()._repr_html_()
