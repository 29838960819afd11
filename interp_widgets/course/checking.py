"""`check`: runs the cases of an exercise on an answer, shows what passed and why not, and raises if it is not right.

1. Each case calls the answer under guard (`guard.call`) with arguments made from the seed, and compares.
2. Where values are wrong, they are compared with those of the known mistakes: the mistake that gives the same values
   gives the hint; else the first case that failed gives its own.
3. The attempt is recorded on this machine (`progress`), what passed and the hint are shown, and `CheckFailed` is raised
   unless all is right.
4. While nbgrader grades, nothing is recorded, and an answer that earned some of the points does not raise: nbgrader
   reads them from the cell's last value (`check(...).points`), and gives zero to a cell that raised.
"""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from interp_widgets.course import progress
from interp_widgets.course.compare import Miss, describe, match
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake, Written
from interp_widgets.course.guard import call
from interp_widgets.course.report import CaseResult, Report, show
from interp_widgets.errors import ArgumentError, InterpError


class CheckFailed(InterpError, AssertionError):
    """The answer is not right; `report` says what was. A notebook shows one line of it instead of a traceback."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.headline())
        self.report = report

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}; see above"]


def check(id: str, answer: Callable[..., Any], *, seed: int | None = None) -> Report:
    """Mark an answer: run its cases, show each, and record the attempt on this machine.

    id: of the exercise, as in "lab01-q2". answer: the function that the exercise asks for. seed: other random cases
    than the visible ones. Returns the report of a right answer; `report.points` is a float.

    Raises CheckFailed (with the hint of what went wrong), NotImplementedError for an answer that is not written yet,
    ArgumentError for an id that is not there (with the nearest), or of a question that a person marks.
    """
    exercise = find(id)
    if isinstance(exercise, Written):
        raise ArgumentError(f"id={id!r} is a question in words: a person marks it, by iw.course.rubric({id!r})")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise ArgumentError(f"seed={seed!r}: a whole number from 0, or None for the visible cases")
    started = time.monotonic()
    report = examine(exercise, answer, seed=seed or 0, hidden=seed is not None)
    grading = os.environ.get("NBGRADER_EXECUTION") is not None
    note = None if grading or seed is not None else progress.record(report)
    show(report, seconds=time.monotonic() - started, note=note)
    if report.passed or (os.environ.get("NBGRADER_EXECUTION") == "autograde" and report.points > 0):
        return report
    raise CheckFailed(report)


def find(id: str) -> Exercise | Written:
    """The exercise of an id. Raises ArgumentError that offers the nearest ones."""
    from interp_widgets.course.catalogue import LABS  # labs are declared with this module's exercises

    known = {exercise.id: exercise for lab in LABS for exercise in lab.exercises}
    if isinstance(id, str) and id in known:
        return known[id]
    near = difflib.get_close_matches(str(id).lower().replace("_", "-"), known, n=3, cutoff=0.5)
    offered = f"did you mean {', '.join(map(repr, near))}?" if near else f"there are {', '.join(known)}"
    raise ArgumentError(f"id={id!r} is no exercise; {offered}")


def examine(exercise: Exercise, answer: Any, *, seed: int, hidden: bool = False) -> Report:
    """All cases, one after the other; after one that ran into the time limit the rest is not tried."""
    if not callable(answer):
        wrong = Miss(
            "the answer must be a function",
            expected=f"a function {exercise.signature}",
            given=describe(answer),
            telling=False,
        )
        results = [CaseResult(case, None if i else wrong, not_run=i > 0) for i, case in enumerate(exercise.cases)]
        return Report(exercise, tuple(results), None, hidden)
    results = []
    values: list[tuple[Any, Arguments]] = []
    out_of_time = False
    for case in exercise.cases:
        if out_of_time:
            results.append(CaseResult(case, None, True))
            values.append((None, ()))
            continue
        arguments = exercise.arguments(case, seed)
        miss: Miss | None = None
        value, printed, lines = None, "", 0
        started = time.monotonic()
        try:
            outcome = call(answer, arguments, seconds=exercise.seconds)
            value, printed, lines = outcome.value, outcome.printed, outcome.lines
            case.verify(value, arguments)
        except NotImplementedError:
            raise _not_written(exercise) from None
        except Miss as found:
            miss = found
            out_of_time = time.monotonic() - started > exercise.seconds
        results.append(CaseResult(case, miss, False, printed, lines))
        values.append((value, arguments))
    return Report(exercise, tuple(results), _recognised(exercise, results, values), hidden)


def _not_written(exercise: Exercise) -> NotImplementedError:
    """With one line in a notebook: how the stub was called is of no use to who has not begun."""
    error = NotImplementedError(f"{exercise.id}, {exercise.title!r}, is not written yet")
    lines = [f"NotImplementedError: {error}"]
    error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]  # IPython asks the error for it
    return error


def _recognised(
    exercise: Exercise, results: Sequence[CaseResult], values: Sequence[tuple[Any, Arguments]]
) -> Mistake | None:
    """The known mistake that gives the learner's values, in the cases that failed and then in those that passed.

    Cases are asked until one mistake is left: those that passed too, because where answers are only True and False one
    case alone speaks for many mistakes; and no further, because some cases take a model seconds.
    """
    for result in results:
        if result.miss is not None and result.miss.mistake is not None:
            return exercise.mistake(result.miss.mistake)
    rows = [(result, *pair) for result, pair in zip(results, values, strict=True)]
    failed = [row for row in rows if row[0].miss is not None and row[0].miss.telling]
    left, found = list(exercise.mistakes), False
    for result, value, arguments in [*failed, *(row for row in rows if row[0].passed)]:
        if found and len(left) == 1:
            break
        if not (found or result.miss is not None):
            break  # no mistake gives what failed
        alike = [mistake for mistake in left if _gives(mistake, result.case, value, arguments)]
        if alike:
            left, found = alike, True
    return left[0] if found else None


def _gives(mistake: Mistake, case: Case, value: Any, arguments: Arguments) -> bool:
    """True where an answer with this mistake gives the learner's value."""
    if mistake.answer is None:
        return False
    try:
        match(value, mistake.answer(*arguments), relative=case.relative, absolute=case.absolute)
    except Miss:
        return False
    return True
