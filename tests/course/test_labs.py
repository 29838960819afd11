"""Lab 01's exercises: the solutions pass, known mistakes are told by name, small faults do not get through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.course import lab01
from interp_widgets.course.catalogue import LABS
from interp_widgets.course.checking import examine, find
from interp_widgets.course.exercise import Exercise, Written
from interp_widgets.course.report import Report
from interp_widgets.models.language_model import LanguageModel
from tests.course.mutants import mutants
from tests.course.wrong_lab01 import RIGHT, WRONG, Wrong, name_of
from tools.masters import BEGIN_SOLUTION, END_SOLUTION, read

MASTER = Path(__file__).parents[2] / "notebooks" / "masters" / "01_integrated_gradients.py"
LAB = next(lab for lab in LABS if lab.id == "lab01")
MARKED = [one for one in LAB.exercises if isinstance(one, Exercise)]
each = pytest.mark.parametrize("exercise", MARKED, ids=lambda one: one.id)
SEEDS = (0, 11, 222)  # the visible cases, and two hidden ones


def solution(exercise: Exercise) -> str:
    """The teacher's, from the master."""
    text = read(MASTER).cell(exercise.id, "answer").source
    return "\n".join(line for line in text.splitlines() if line.strip() not in (BEGIN_SOLUTION, END_SOLUTION))


def function(source: str, name: str, lm: LanguageModel) -> Callable[..., Any]:
    """An answer as the notebook's cells leave it: with the names of its first cell."""
    space = {"torch": torch, "np": np, "iw": iw, "lab01": lab01, "lm": lm}
    space |= {"prompt": "The capital of Australia is", "target": " Canberra", "foil": " Sydney"}
    exec(source, space)
    found: Callable[..., Any] = space[name]  # type: ignore[assignment]  # what the source defined
    return found


def mark(exercise: Exercise, source: str, lm: LanguageModel, seed: int) -> Report:
    return examine(exercise, function(source, name_of(exercise.id), lm), seed=seed)


def test_the_lab_is_large_enough() -> None:
    assert len(MARKED) >= 5
    assert len(WRONG) >= 18
    assert set(RIGHT) == {exercise.id for exercise in MARKED}
    for exercise in MARKED:
        wrong = {one.mistake for one in WRONG if one.exercise == exercise.id}
        assert len(wrong) >= 3, exercise.id
        assert wrong <= {mistake.name for mistake in exercise.mistakes}
        assert len({mistake.hint for mistake in exercise.mistakes}) == len(exercise.mistakes)
        assert exercise.hints
    assert all(
        isinstance(one, Exercise | Written) and one.minutes and 1 <= one.difficulty <= 3 for one in LAB.exercises
    )


@pytest.mark.default_model
@each
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_passes(exercise: Exercise, seed: int, default_lm: LanguageModel) -> None:
    for source in (solution(exercise), RIGHT[exercise.id]):
        report = mark(exercise, source, default_lm, seed)
        assert report.passed, report.text()
        assert report.points == report.of == exercise.points


@pytest.mark.default_model
@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: f"{one.exercise}-{one.mistake}")
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


def test_headings_are_where_the_overview_links_to() -> None:
    master = read(MASTER)
    for exercise in MARKED:
        assert master.cell(exercise.id, "exercise").source.splitlines()[0] == f"### {exercise.heading}"
        assert "?" not in exercise.heading, "JupyterLab does not scroll to such a heading"


# Faults that change nothing that can be seen: (exercise, what was changed), and why.
_BATCH = "for part in ((torch.arange(steps, dtype=x.dtype) + 0.5) / steps).split(10):"
_SLOPE = "(slope,) = torch.autograd.grad(f(point).sum(), point)"
EQUIVALENT = {
    ("lab01-q1", f"sum to mean: f(point).sum in {_SLOPE}"): "there is one row",
    ("lab01-q1", "one less: 0 in return slope[0]"): "the last of one row is the first",
    ("lab01-q7", "one less: 0 in x = lm.embed(torch.tensor([ids]))[0].detach()"): "the last of one prompt is the first",
    ("lab01-q7", f"one more: 10 in {_BATCH}"): "11 points at a time give the same scores",
    ("lab01-q7", f"one less: 10 in {_BATCH}"): "and so do 9",
    ("lab01-q8", "one less: 0 in return scores.sum(-1)[0], delta.item()"): "the last of one prompt is the first",
    ("lab01-q10", "one less: 1 in for k in range(1, len(ids) + 1):"): "for k = 0 nothing is replaced",
    ("lab01-q10", "one less: 0 in return value(ids[None])[0] - value(rows)"): "the last of one prompt is the first",
}


def survives(exercise: Exercise, source: str, lm: LanguageModel) -> bool:
    """True if the fault gets full marks; stops at the first case that sees it."""
    try:
        answer = function(source, name_of(exercise.id), lm)
    except Exception:  # it does not even define the function
        return False
    return all(examine(replace(exercise, cases=(case,), seconds=20), answer, seed=0).passed for case in exercise.cases)


@pytest.mark.default_model
@pytest.mark.timeout(900)
def test_small_faults_do_not_get_through(
    default_lm: LanguageModel, record_property: Callable[[str, object], None]
) -> None:
    """At least 95 of 100, and the ones that do are known."""
    survivors, count = [], 0
    for exercise in MARKED:
        for what, source in mutants(solution(exercise)):
            count += 1
            if survives(exercise, source, default_lm):
                survivors.append((exercise.id, what))
    record_property("mutants", count)
    record_property("survivors", len(survivors))
    print(f"\n{count} mutants, {count - len(survivors)} caught, {len(survivors)} survive:", *survivors, sep="\n  ")
    assert count > 150
    assert len(survivors) <= 0.05 * count
    assert set(survivors) == set(EQUIVALENT)
