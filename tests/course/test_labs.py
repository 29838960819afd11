"""The labs' exercises: the solutions pass, known mistakes are told by name, small faults do not get through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.course import lab01, lab02, lab03, lab04, lab05, lab06, lab07, lab08
from interp_widgets.course.catalogue import LABS
from interp_widgets.course.checking import examine, find
from interp_widgets.course.exercise import Exercise, Lab, Written
from interp_widgets.course.report import Report
from interp_widgets.models.language_model import LanguageModel
from tests.course import (
    wrong_lab01,
    wrong_lab02,
    wrong_lab03,
    wrong_lab04,
    wrong_lab05,
    wrong_lab06,
    wrong_lab07,
    wrong_lab08,
)
from tests.course.mutants import mutants
from tests.course.wrong import Wrong, name_in
from tools.masters import BEGIN_SOLUTION, END_SOLUTION, Master, read

MASTERS = Path(__file__).parents[2] / "notebooks" / "masters"
SEEDS = (0, 11, 222)  # the visible cases, and two hidden ones


@dataclass(frozen=True)
class Tried:
    """A lab with its collection of answers. least_wrong, least_mutants: how many there must be in all."""

    package: ModuleType
    answers: ModuleType
    least_wrong: int
    least_mutants: int

    @property
    def lab(self) -> Lab:
        found: Lab = self.package.LAB
        return found

    @property
    def marked(self) -> list[Exercise]:
        return [one for one in self.lab.exercises if isinstance(one, Exercise)]

    @property
    def master(self) -> Master:
        return read(MASTERS / f"{self.lab.notebook}.py")

    @property
    def wrong(self) -> tuple[Wrong, ...]:
        found: tuple[Wrong, ...] = self.answers.WRONG
        return found


TRIED = (
    Tried(lab01, wrong_lab01, 18, 150),
    Tried(lab02, wrong_lab02, 50, 200),
    Tried(lab03, wrong_lab03, 50, 150),
    Tried(lab04, wrong_lab04, 60, 150),
    Tried(lab05, wrong_lab05, 80, 150),
    Tried(lab06, wrong_lab06, 60, 120),
    Tried(lab07, wrong_lab07, 45, 80),
    Tried(lab08, wrong_lab08, 40, 90),
)
OF = {tried.lab.id: tried for tried in TRIED}
MARKED = [exercise for tried in TRIED for exercise in tried.marked]
each_lab = pytest.mark.parametrize("tried", TRIED, ids=lambda one: one.lab.id)
each = pytest.mark.parametrize("exercise", MARKED, ids=lambda one: one.id)


def solution(exercise: Exercise) -> str:
    """The teacher's, from the master."""
    text = OF[exercise.lab].master.cell(exercise.id, "answer").source
    return "\n".join(line for line in text.splitlines() if line.strip() not in (BEGIN_SOLUTION, END_SOLUTION))


def function(source: str, lm: LanguageModel) -> Callable[..., Any]:
    """An answer as the notebook's cells leave it: with the names of its first cell."""
    space = {"torch": torch, "np": np, "iw": iw, "lm": lm, **{tried.lab.id: tried.package for tried in TRIED}}
    space |= {"prompt": "The capital of Australia is", "target": " Canberra", "foil": " Sydney"}
    exec(source, space)
    found: Callable[..., Any] = space[name_in(source)]  # type: ignore[assignment]  # what the source defined
    return found


def mark(exercise: Exercise, source: str, lm: LanguageModel, seed: int) -> Report:
    return examine(exercise, function(source, lm), seed=seed)


def test_every_lab_with_exercises_is_tried() -> None:
    assert [tried.lab for tried in TRIED] == [lab for lab in LABS if lab.exercises]


@each_lab
def test_the_lab_is_large_enough(tried: Tried) -> None:
    assert len(tried.marked) >= 5
    assert len(tried.wrong) >= tried.least_wrong
    assert set(tried.answers.RIGHT) == {exercise.id for exercise in tried.marked}
    for exercise in tried.marked:
        wrong = {one.mistake for one in tried.wrong if one.exercise == exercise.id}
        assert len(wrong) >= 3, exercise.id
        assert wrong <= {mistake.name for mistake in exercise.mistakes}
        assert len({mistake.hint for mistake in exercise.mistakes}) == len(exercise.mistakes)
        assert exercise.hints
    assert all(
        isinstance(one, Exercise | Written) and one.minutes and 1 <= one.difficulty <= 3 for one in tried.lab.exercises
    )


@pytest.mark.default_model
@each
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes(exercise: Exercise, seed: int, default_lm: LanguageModel) -> None:
    for source in (solution(exercise), OF[exercise.lab].answers.RIGHT[exercise.id]):
        report = mark(exercise, source, default_lm, seed)
        assert report.passed, report.text()
        assert report.points == report.of == exercise.points


@pytest.mark.default_model
@pytest.mark.parametrize(
    "wrong", [one for tried in TRIED for one in tried.wrong], ids=lambda one: f"{one.exercise}-{one.mistake}"
)
def test_a_known_mistake_is_told(wrong: Wrong, default_lm: LanguageModel) -> None:
    exercise = find(wrong.exercise)
    assert isinstance(exercise, Exercise)
    for seed in SEEDS[:2]:
        report = mark(exercise, wrong.source, default_lm, seed)
        assert not report.passed
        assert report.mistake is not None, report.text()
        assert report.mistake.name == wrong.mistake, report.text()
        assert report.hint == exercise.mistake(wrong.mistake).hint
        assert report.points < report.of


@each
def test_headings_are_where_the_overview_links_to(exercise: Exercise) -> None:
    heading = OF[exercise.lab].master.cell(exercise.id, "exercise").source.splitlines()[0]
    assert heading == f"### {exercise.heading}"
    assert "?" not in exercise.heading, "JupyterLab does not scroll to such a heading"


def survives(exercise: Exercise, source: str, lm: LanguageModel) -> bool:
    """True if the fault gets full marks; stops at the first case that sees it."""
    try:
        answer = function(source, lm)
    except Exception:  # it does not even define the function
        return False
    return all(examine(replace(exercise, cases=(case,), seconds=20), answer, seed=0).passed for case in exercise.cases)


@pytest.mark.default_model
@pytest.mark.timeout(900)
@each_lab
def test_small_faults_do_not_get_through(
    tried: Tried, default_lm: LanguageModel, record_property: Callable[[str, object], None]
) -> None:
    """At least 95 of 100, and the ones that do are known."""
    survivors, count = [], 0
    for exercise in tried.marked:
        for what, source in mutants(solution(exercise)):
            count += 1
            if survives(exercise, source, default_lm):
                survivors.append((exercise.id, what))
    record_property("mutants", count)
    record_property("survivors", len(survivors))
    print(f"\n{count} mutants, {count - len(survivors)} caught, {len(survivors)} survive:", *survivors, sep="\n  ")
    assert count > tried.least_mutants
    assert len(survivors) <= 0.05 * count
    assert set(survivors) == set(tried.answers.EQUIVALENT)
