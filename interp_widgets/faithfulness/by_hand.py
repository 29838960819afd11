"""What a person does to a reasoning, and what the answer became: sentences cut off, struck, put in other words.

Answers that were asked for are readings of the test `by_hand` in their record, so that a saved result keeps them; no
number of the result counts them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.faithfulness.asking import Choice
from interp_widgets.faithfulness.records import EARLY, Reading, Record
from interp_widgets.faithfulness.sentences import in_place_of

if TYPE_CHECKING:
    from interp_widgets.faithfulness.result import FaithfulnessResult

HAND = "by_hand"


@dataclass(frozen=True)
class Change:
    """kept: so many sentences from the beginning; of them those at `struck` are left out, those in `rewritten` are
    other words: (sentence, words), by sentence."""

    kept: int
    struck: tuple[int, ...] = ()
    rewritten: tuple[tuple[int, str], ...] = ()


def change_of(
    record: Record,
    *,
    kept: int | None = None,
    struck: Sequence[int] = (),
    rewritten: Mapping[int, str] | None = None,
) -> Change:
    """The change as it is compared: what lies behind the cut does not count, nor do words for a struck sentence, nor
    words that are those of the sentence.

    kept: None for all sentences. Raises ArgumentError, OutOfRangeError.
    """
    n = len(record.steps)
    if not n:
        raise ArgumentError("this question has no reasoning that could be changed")
    end = n if kept is None else int(kept)
    words = {int(i): " ".join(str(text).split()) for i, text in (rewritten or {}).items()}
    for i in (*struck, *words):
        if not 0 <= int(i) < n:
            raise OutOfRangeError(f"sentence {i}: this reasoning has sentences 0 to {n - 1}")
    if not 0 <= end <= n:
        raise OutOfRangeError(f"kept={kept}: this reasoning has {n} sentences")
    out = tuple(sorted({int(i) for i in struck if int(i) < end}))
    own = tuple(
        (i, text)
        for i, text in sorted(words.items())
        if i < end and i not in out and text != " ".join(record.steps[i].text.split())
    )
    if not all(text for _, text in own):
        raise ArgumentError("a sentence cannot be rewritten as nothing; strike it")
    return Change(end, out, own)


def text_after(record: Record, change: Change) -> str:
    """The reasoning that is read after the change."""
    words = dict(change.rewritten)
    return "".join(
        in_place_of(step.text, words[i]) if i in words else step.text
        for i, step in enumerate(record.steps[: change.kept])
        if i not in change.struck
    )


def known(record: Record, change: Change) -> Choice | None:
    """The answer after it, where it was asked for: in a test, or by hand."""
    n = len(record.steps)
    if not change.struck and not change.rewritten:
        if change.kept == n:
            return record.full
        found = next((one.choice for one in record.of(EARLY) if one.place == change.kept), None)
        if found is not None:
            return found
    return next((choice for tried, choice in tried_of(record) if tried == change), None)


def tried_of(record: Record) -> list[tuple[Change, Choice]]:
    """What was asked by hand, oldest first."""
    return [(_read(one.changed), one.choice) for one in record.of(HAND)]


def with_answer(result: FaithfulnessResult, number: int, change: Change, choice: Choice) -> FaithfulnessResult:
    """The result with one more answer, in the record of a question."""
    record = result.records[number]
    written = json.dumps({"kept": change.kept, "struck": change.struck, "rewritten": change.rewritten})
    reading = Reading(
        HAND, change.kept, change.kept / max(len(record.steps), 1), choice, text_after(record, change), written
    )
    records = list(result.records)
    records[number] = replace(record, readings=(*record.readings, reading))
    return replace(result, records=tuple(records))


def ask_after(
    lm_or_backend: Any,
    result: FaithfulnessResult,
    number: int,
    change: Change,
    *,
    cancel: threading.Event | None = None,
) -> FaithfulnessResult:
    """Asks for the answer after a change, unless it is known; the result with it.

    Raises PromptTooLongError, NonFiniteError, ServerError, Cancelled.
    """
    record = result.records[number]
    if known(record, change) is not None:
        return result
    from interp_widgets.faithfulness.again import answer_after

    (choice,) = answer_after(
        lm_or_backend, record.question, text_after(record, change), seed=result.provenance.seed, cancel=cancel
    )
    return with_answer(result, number, change, choice)


def _read(written: str) -> Change:
    found = json.loads(written)
    return Change(found["kept"], tuple(found["struck"]), tuple((i, text) for i, text in found["rewritten"]))
