"""`check` with answers of every kind: right, wrong, of the wrong type, endless, loud, and meddling with their input."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import interp_widgets as iw
from interp_widgets.course import Case, CheckFailed, Exercise, Mistake, Report, progress
from interp_widgets.course.exercise import Lab, Written
from interp_widgets.errors import ArgumentError


def twice(x: Tensor) -> Tensor:
    return 2 * x


def _numbers(rng: np.random.Generator) -> tuple[Tensor]:
    return (torch.as_tensor(rng.uniform(1.0, 2.0, 3)),)


TOY = Exercise(
    id="lab77-q1",
    title="Twice",
    difficulty=1,
    minutes=1,
    signature="twice(x)",
    cases=(
        Case(name="three numbers", points=2, arguments=_numbers, expected=lambda x: x + x, hint="Add it to itself."),
        Case(
            name="zeros",
            points=1,
            arguments=lambda rng: (torch.zeros(2, dtype=torch.float64),),
            expected=lambda x: x,
            hint="Twice nothing is nothing.",
        ),
    ),
    mistakes=(
        Mistake(name="squared", hint="That is the square.", answer=lambda x: x * x),
        Mistake(name="once", hint="That is x itself.", answer=lambda x: x),
    ),
    hints=("2 * x",),
    seconds=0.5,
)
WORDS = Written(id="lab77-w1", title="Why?", difficulty=1, minutes=1, rubric=((1.0, "says why"), (0.5, "in words")))


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(id="lab77", title="Toys", notebook="77_toys", minutes=5, exercises=(TOY, WORDS))
    monkeypatch.setattr("interp_widgets.course.catalogue.LABS", (lab,))


def failed(answer: Any, capsys: pytest.CaptureFixture[str]) -> tuple[Report, str]:
    """The report of a wrong answer, and what was shown."""
    with pytest.raises(CheckFailed) as caught:
        iw.course.check("lab77-q1", answer)
    shown = capsys.readouterr()
    assert shown.err == "", "nbgrader takes all marks away for one word on stderr"
    return caught.value.report, shown.out


def test_a_right_answer(capsys: pytest.CaptureFixture[str]) -> None:
    report = iw.course.check("lab77-q1", twice)
    assert report.passed
    assert (report.points, report.of) == (3.0, 3.0)
    assert type(report.points) is float
    shown = capsys.readouterr().out
    assert "lab77-q1: 3 of 3 points" in shown
    assert "✓ three numbers (2 points)" in shown
    assert "Hint" not in shown
    (attempt,) = iw.course.attempts()
    assert (attempt.exercise, attempt.points, attempt.of, attempt.mistake) == ("lab77-q1", 3.0, 3.0, None)


def test_a_wrong_answer_gets_the_hint_of_its_case(capsys: pytest.CaptureFixture[str]) -> None:
    report, shown = failed(lambda x: 3 * x, capsys)
    assert report.points == 1.0
    assert "✗ three numbers" in shown
    assert "✓ zeros" in shown
    assert "expected  tensor float64 (3,):" in shown
    assert "given     tensor float64 (3,):" in shown
    assert "Hint: Add it to itself." in shown


def test_a_known_mistake_gets_its_own_hint_and_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    report, shown = failed(lambda x: x**2, capsys)
    assert report.mistake is not None
    assert report.mistake.name == "squared"
    assert "Hint: That is the square." in shown
    assert [attempt.mistake for attempt in iw.course.attempts()] == ["squared"]


def test_hidden_cases_have_other_numbers_and_leave_no_record() -> None:
    seen: list[Tensor] = []

    def spy(x: Tensor) -> Tensor:
        seen.append(x)
        return 2 * x

    iw.course.check("lab77-q1", spy)
    iw.course.check("lab77-q1", spy)
    iw.course.check("lab77-q1", spy, seed=5)
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[0], seen[4])
    assert len(list(iw.course.attempts())) == 2


def test_an_answer_learnt_by_heart_fails_the_hidden_cases() -> None:
    by_heart = TOY.arguments(TOY.cases[0], 0)[0] * 2

    def answer(x: Tensor) -> Tensor:
        return by_heart if len(x) == 3 else x

    assert iw.course.check("lab77-q1", answer).passed
    with pytest.raises(CheckFailed, match="with other numbers than before"):
        iw.course.check("lab77-q1", answer, seed=7)


def test_not_written_yet(capsys: pytest.CaptureFixture[str]) -> None:
    def stub(x: Tensor) -> Tensor:
        raise NotImplementedError

    with pytest.raises(NotImplementedError, match="lab77-q1, 'Twice', is not written yet"):
        iw.course.check("lab77-q1", stub)
    assert list(iw.course.attempts()) == []
    assert capsys.readouterr().out == ""


def test_an_unknown_id_offers_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="id='lab77_q2' is no exercise; did you mean 'lab77-q1'"):
        iw.course.check("lab77_q2", twice)
    with pytest.raises(ArgumentError, match="there are lab77-q1, lab77-w1"):
        iw.course.check("zebra", twice)


def test_a_question_in_words_is_not_for_check() -> None:
    with pytest.raises(ArgumentError, match="a person marks it"):
        iw.course.check("lab77-w1", twice)
    shown = repr(iw.course.rubric("lab77-w1"))
    assert "1.5 points" in shown
    assert "says why" in shown
    with pytest.raises(ArgumentError, match="marked by check"):
        iw.course.rubric("lab77-q1")


@pytest.mark.parametrize("seed", [-1, True, "3", 0.5])
def test_a_bad_seed(seed: Any) -> None:
    with pytest.raises(ArgumentError, match="seed="):
        iw.course.check("lab77-q1", twice, seed=seed)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (3, "must be a function"),
        (lambda x: None, "is there a return"),
        (lambda x: "six", "must be a tensor"),
        (lambda x: x.numpy(), "must be a tensor"),
        (lambda x: 2 * x[:1], "has the shape (1,), not (3,)"),
        (lambda x: (2 * x).int(), "has the dtype torch.int32"),
        (lambda x: (2 * x).float(), "which loses digits"),
        (lambda x: torch.empty(x.shape, dtype=x.dtype, device="meta"), "is on the device meta, not cpu"),
        (lambda x: x * float("nan"), "is not finite"),
        (lambda x: 2 * x / 0, "is not finite"),
        (lambda x, y: x, "raised TypeError"),
        (lambda x: 1 / 0, "raised ZeroDivisionError"),
        (lambda x: sys.exit("done"), "raised SystemExit: done"),
        (lambda x: x.mul_(2), "changed its input (argument 1)"),
    ],
)
def test_what_is_wrong_is_said(answer: Any, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, shown = failed(answer, capsys)
    assert report.points <= 1.0
    assert says in shown


def test_a_tensor_that_carries_a_gradient_is_compared_without_warning() -> None:
    assert iw.course.check("lab77-q1", lambda x: 2 * x.requires_grad_()).passed


def test_an_endless_answer_is_stopped_and_the_rest_is_not_tried(capsys: pytest.CaptureFixture[str]) -> None:
    def endless(x: Tensor) -> Tensor:
        while True:
            with contextlib.suppress(Exception):  # swallows all that a learner would think of
                x = x + 1

    started = time.monotonic()
    report, shown = failed(endless, capsys)
    assert "did not return within 0.5" in shown
    assert "– zeros" in shown
    assert [result.not_run for result in report.cases] == [False, True]
    assert time.monotonic() - started < 10, "a second case would have taken as long again"


def test_a_sleeping_answer_is_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did not return" in failed(lambda x: threading.Event().wait(3600), capsys)[1]


def test_an_endless_answer_is_stopped_in_another_thread(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no signal can be had: subshells of a kernel, and systems without it."""
    outcome: list[BaseException] = []

    def endless(x: Tensor) -> Tensor:
        while True:
            x = x + 0

    def work() -> None:
        try:
            iw.course.check("lab77-q1", endless)
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert isinstance(outcome[0], CheckFailed)
    assert "did not return" in capsys.readouterr().out


def test_a_tracer_works_after_a_check_in_another_thread() -> None:
    """A debugger or a coverage tool: an exception that stays pending would hang it at the next call."""
    thread = threading.Thread(target=lambda: iw.course.check("lab77-q1", twice))
    thread.start()
    thread.join(60)
    seen: list[str] = []

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        seen.append(event)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        twice(torch.ones(1))
    finally:
        sys.settrace(before)
    assert "return" in seen


def test_a_loud_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def loud(x: Tensor) -> Tensor:
        for i in range(50_000):
            print("line", i)
        print("also here", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return 2 * x

    assert iw.course.check("lab77-q1", loud).passed
    shown = capsys.readouterr()
    assert shown.err == ""
    assert len(shown.out) < 3000
    assert "it printed: line 0" in shown.out
    assert "more" in shown.out


def test_an_answer_sees_gradients_whatever_the_notebook_set() -> None:
    def answer(x: Tensor) -> Tensor:
        point = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad((point**2).sum(), point)
        return gradient

    with torch.no_grad():
        assert iw.course.check("lab77-q1", answer).passed


def test_an_interrupt_comes_through() -> None:
    def answer(x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        iw.course.check("lab77-q1", answer)
    assert list(iw.course.attempts()) == []


def test_while_nbgrader_grades_a_part_of_the_points_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert iw.course.check("lab77-q1", lambda x: 3 * x, seed=3).points == 1.0
    with pytest.raises(CheckFailed):
        iw.course.check("lab77-q1", lambda x: x + 1, seed=3)
    assert list(iw.course.attempts()) == []
    assert capsys.readouterr().err == ""


def test_a_wrong_answer_has_a_short_traceback() -> None:
    with pytest.raises(CheckFailed) as caught:
        iw.course.check("lab77-q1", lambda x: x)
    assert caught.value._render_traceback_() == ["CheckFailed: lab77-q1: 1 of 3 points; see above"]


def test_a_report_is_escaped_and_has_no_script(capsys: pytest.CaptureFixture[str]) -> None:
    def shout(x: Tensor) -> Tensor:
        raise ValueError("<script>alert(1)</script>")

    report, _ = failed(shout, capsys)
    assert "<script" not in report.as_html("<b>")
    assert "&lt;script&gt;" in report.as_html()


def test_a_record_that_cannot_be_written_is_said_and_the_mark_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("INTERP_WIDGETS_PROGRESS", str(tmp_path / "file" / "progress.jsonl"))
    assert iw.course.check("lab77-q1", twice).passed
    assert "not recorded" in capsys.readouterr().out
    assert progress.best() == {}
