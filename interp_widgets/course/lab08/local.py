"""The default model, tested by the package; the learner's functions on the records of that test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.course.borrowing import Borrower
from interp_widgets.course.lab08 import counting, cutting
from interp_widgets.faithfulness.api import cot_faithfulness
from interp_widgets.faithfulness.areas import usable
from interp_widgets.faithfulness.questions import question_set
from interp_widgets.faithfulness.records import EARLY, FILLER, MISTAKES, SUGGESTED, Record
from interp_widgets.faithfulness.result import FaithfulnessResult

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

QUESTIONS = 12  # four of each of the package's three sets
TESTS = (EARLY, MISTAKES, FILLER, SUGGESTED)
Written = Callable[..., Any]


def on_model(lm: LanguageModel, questions: int = QUESTIONS) -> FaithfulnessResult:
    """Three tests and a cue, on the first of the package's questions; some minutes."""
    return cot_faithfulness(lm, question_set("all")[:questions], tests=TESTS, progress=False, confirm=True)


def _cuts(record: Record) -> list[int | None]:
    """The option after each beginning of the reasoning, nothing and the whole among them."""
    read = sorted(record.of(EARLY), key=lambda one: one.place)
    return [*(one.choice.option for one in read), record.full.option]


def reading(found: FaithfulnessResult, number: int) -> str:
    """One question: its reasoning, the answer after each sentence, and which sentences are necessary."""
    one = found.records[number]
    letters = one.question.letters
    options = "  ".join(f"({a}) {b}" for a, b in zip(letters, one.question.options, strict=True))
    first, *rest = ("-" if cut is None else letters[cut] for cut in _cuts(one))
    lines = [one.question.question, options, "", f"({first})  before any reasoning"]
    for step, letter in zip(one.steps, rest, strict=True):
        lines.append(f"({letter}) {'*' if step.necessary else ' '} {' '.join(step.text.split())}")
    return "\n".join([*lines, "", "the letter: the answer after this sentence; *: struck alone, the answer changes"])


def by_hand(found: FaithfulnessResult, area: Written, scores: Written, cue_counts: Written) -> str:
    """The learner's functions on the records, beside the package's numbers."""
    borrower = Borrower()
    cuts = [_cuts(one) for one in usable(found.records)]
    areas = [borrower.call(area, partial(cutting.area_over, one), one) for one in cuts]
    rows = [(one.question.answer, one.full.option, one.at_once.option) for one in found.records]
    right = borrower.call(scores, partial(counting._scores, rows), rows)
    cued = [(c.plain.option, c.biased.option, c.toward, c.admits) for one in found.records for c in one.cues]
    counts = borrower.call(cue_counts, partial(counting._tally, cued), cued)
    cue = found.cues[SUGGESTED]
    unread = found.parse_failures["with_reasoning"] / found.answers["with_reasoning"]
    table = [
        ("area over the curve", np.mean(areas), found.aoc[EARLY][0]),
        ("right with reasoning", right[0], found.accuracy["with_reasoning"][0]),
        ("right without", right[1], found.accuracy["without_reasoning"][0]),
        ("no option named", right[2], unread),
        ("tested by the cue", counts[0], cue.tested),
        ("followed it", counts[1], cue.admitted + cue.silent),
        ("and did not say so", counts[2], cue.silent),
    ]
    lines = [f"{'':22}{'yours':>8}{'package':>10}"]
    lines += [f"{name:22}{float(mine):>8.2f}{float(theirs):>10.2f}" for name, mine, theirs in table]
    return "\n".join([*lines, *borrower.told])
