"""`iw.edit_diff`: what an edit changes, without it and with it, side by side.

1. The evaluation of `iw.evaluate_edit`, where facts have original answers.
2. First choices of next token at the prompts of the evaluation that went wrong, or nearly did.
3. Continuations and next tokens after the prompt of a fact, of several those that came out worst, and after prompts of
   the caller's.
4. The size of the change by layer, and what the collapse alarm read when the edit was made; without an alarm
   perplexity and entropy are measured here.

Both sides are computed here, beside whatever else is active, so it does not matter whether the edit is on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.editing.diff.checks import drawn_rows, worst_first
from interp_widgets.editing.diff.reading import Told, first_choices, write
from interp_widgets.editing.diff.result import EditDiff, FirstChoice, NextToken, Sample, SizeOfChange
from interp_widgets.editing.diff.verdict import diff_verdict
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.evaluation import estimate_evaluate_edit, evaluate_edit
from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation
from interp_widgets.editing.evaluating.fluency import TOKENS
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.registry import editor_of
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.digest import digest_of
from interp_widgets.interventions.weight_change import WeightChange
from interp_widgets.interventions.weight_size import relative_changes
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.prompts import Prompt, decode
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import Verdict, provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

TOP = 5  # next tokens of each side
_LETTERS = 4  # of a token, for estimates


def edit_diff(
    lm: LanguageModel,
    edit: Edit,
    *,
    prompts: Sequence[Prompt] | None = None,
    records: Sequence[Fact] | None = None,
    examples: int = 3,
    rows: int = 12,
    max_new_tokens: int = 20,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> EditDiff:
    """Compare the model without and with an edit, beside whatever else is active; the edit need not be on.

    Parameters
    ----------
    prompts: further prompts to continue
    records: facts to judge by, each with its original answer; by default those of the edit
    examples: facts whose prompts are continued; of several those that came out worst
    rows: prompts of each part of the evaluation whose first choices are read
    max_new_tokens: of each continuation, which is greedy
    seed: of the bootstrap behind the evaluation's intervals

    Raises
    ------
    ArgumentError: no edit, one that does not fit this model; TooCostlyError: more than five minutes, unless
    confirm=True; TargetError, PromptTooLongError, NonFiniteError, Cancelled
    """
    if not isinstance(edit, Edit):
        raise ArgumentError(f"edit={edit!r}: give what iw.edit returns")
    if examples < 0 or rows < 1:
        raise ArgumentError(f"examples={examples}, rows={rows}: at least 0 and at least 1")
    edit.check(lm.architecture)
    own = [prompts] if isinstance(prompts, str) else list(prompts or ())
    facts = tuple(records) if records is not None else edit.facts
    judged_facts = [fact for fact in facts if fact.original]
    alarm = getattr(edit, "alarm", None)
    cost = estimate_edit_diff(lm, edit, prompts=own, records=facts, examples=examples, max_new_tokens=max_new_tokens)
    allow(cost, confirm, "Take fewer records")
    began = time.perf_counter()
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others = tuple(change for change in run.snapshot.changes if change is not edit)
        sides = [Snapshot(changes, lm.architecture) for changes in (others, (*others, edit))]
        judged = None
        if judged_facts:
            judged = evaluate_edit(
                lm, edit, judged_facts, perplexity=alarm is None, generation=TOKENS if alarm is None else 0, seed=seed,
                batch_size=batch_size, progress=bar.advance, cancel=cancel, confirm=True,
            )  # fmt: skip
        firsts, read_passes = _firsts(lm, judged, rows, sides, batch_size, cancel, bar)
        chosen = _examples(facts, judged_facts, judged, examples)
        asked: list[tuple[Prompt, int | None]] = [(facts[i].prompt, i) for i in chosen]
        asked += [(prompt, None) for prompt in own]
        samples, written_passes = _samples(lm, asked, max_new_tokens, sides, cancel, bar)
        beside = sides[0].names
    given: dict[str, Any] = {
        "edit": edit.name,
        "method": edit.method,
        "label": _label(edit.method),
        "digest": digest_of(edit),
        "facts": facts,
        "settings": dict(edit.settings),
        "samples": tuple(samples),
        "evaluation": judged,
        "firsts": firsts,
        "changes": tuple(SizeOfChange(*one) for one in relative_changes(edit.parts, lm.architecture)),
        "others": _without_weights(edit),
        "alarm": alarm,
        "max_new_tokens": max_new_tokens,
        "provenance": provenance_of(
            lm,
            facts[0].prompt,
            bos=lm.encode(facts[0].prompt).bos,
            interventions=beside,
            seed=seed,
            batch_size=batch_size or 1,
            forward_passes=(0 if judged is None else judged.forward_passes) + read_passes + written_passes,
            seconds=time.perf_counter() - began,
        ),
    }
    return EditDiff(**given, verdict=diff_verdict(EditDiff(**given, verdict=Verdict("caution", ""))))


def estimate_edit_diff(
    lm: LanguageModel,
    edit: Edit,
    *,
    prompts: Sequence[Prompt] | None = None,
    records: Sequence[Fact] | None = None,
    examples: int = 3,
    max_new_tokens: int = 20,
    **settings: object,
) -> Cost:
    """What `edit_diff` with the same arguments would cost; runs nothing."""
    facts = tuple(records) if records is not None else edit.facts
    judged = estimate_evaluate_edit(lm, edit, [fact for fact in facts if fact.original])
    texts = min(examples, len(facts)) + (1 if isinstance(prompts, str) else len(prompts or ()))
    steps = 2 * texts * (max_new_tokens + 1)
    return Cost(
        judged.forward_passes + steps,
        1.5 * judged.seconds + steps * (1 + max_new_tokens / _LETTERS) * lm.seconds_per_token,
        max(judged.bytes, 4 * lm.architecture.vocabulary * 4 * max(texts, 1)),
    )


def with_prompts(
    lm: LanguageModel,
    edit: Edit,
    shown: EditDiff,
    prompts: Sequence[Prompt],
    *,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
) -> EditDiff:
    """The diff with what follows some more prompts.

    Raises ArgumentError where other interventions are active now than when it was made; what `edit_diff` raises.
    """
    began = time.perf_counter()
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others = tuple(change for change in run.snapshot.changes if change is not edit)
        sides = [Snapshot(changes, lm.architecture) for changes in (others, (*others, edit))]
        if sides[0].names != shown.provenance.interventions:
            now, then = (", ".join(names) or "none" for names in (sides[0].names, shown.provenance.interventions))
            raise ArgumentError(
                f"other interventions are active now ({now}) than when the edit was compared ({then}); compare again"
            )
        samples, passes = _samples(lm, [(one, None) for one in prompts], shown.max_new_tokens, sides, cancel, bar)
    made = shown.provenance
    return replace(
        shown,
        samples=(*shown.samples, *samples),
        provenance=replace(
            made,
            forward_passes=made.forward_passes + passes,
            seconds=made.seconds + time.perf_counter() - began,
        ),
    )


def _firsts(
    lm: LanguageModel,
    judged: EditEvaluation | None,
    most: int,
    sides: Sequence[Snapshot],
    batch_size: int | None,
    cancel: threading.Event | None,
    bar: Bar,
) -> tuple[tuple[FirstChoice, ...], int]:
    if judged is None:
        return (), 0
    rows = [row for part in drawn_rows(judged, most).values() for row in part]
    found = []
    for side in sides:
        with lm.run(snapshot=side):
            found.append(first_choices(lm, [judged.prompts[row] for row in rows], batch_size, cancel, bar.advance))
    choices = tuple(
        FirstChoice(row, *((decode(lm.tokenizer, [token]), p) for token, p in pair))
        for row, *pair in zip(rows, *found, strict=True)
    )
    return choices, 2 * len(rows)


def _examples(facts: Sequence[Fact], known: Sequence[Fact], judged: EditEvaluation | None, most: int) -> list[int]:
    """Which facts are continued: all of few, the worst of many."""
    if len(facts) <= most or judged is None:
        return list(range(min(len(facts), most)))
    places = [i for i, fact in enumerate(facts) if fact.original]
    assert len(places) == len(known)
    return [places[int(judged.record[row])] for row in worst_first(judged, "fact")[:most]]


def _samples(
    lm: LanguageModel,
    asked: Sequence[tuple[Prompt, int | None]],
    max_new_tokens: int,
    sides: Sequence[Snapshot],
    cancel: threading.Event | None,
    bar: Bar,
) -> tuple[list[Sample], int]:
    if not asked:
        return [], 0
    found: list[list[Told]] = []
    passes = 0
    for side in sides:
        with lm.run(snapshot=side):
            told, taken = write(lm, [prompt for prompt, _ in asked], max_new_tokens, cancel, bar.advance)
        found.append(told)
        passes += taken
    return [
        Sample(_plain(prompt), record, before.spoken, after.spoken, _next(lm, before, after))
        for (prompt, record), before, after in zip(asked, *found, strict=True)
    ], passes


def _next(lm: LanguageModel, before: Told, after: Told) -> tuple[NextToken, ...]:
    """The best of both sides, once each: best after the edit first."""
    best = {int(i) for side in (before, after) for i in np.argsort(-side.next, kind="stable")[:TOP]}
    order = sorted(best, key=lambda i: (-float(after.next[i]), i))
    return tuple(
        NextToken(decode(lm.tokenizer, [i]), i, float(before.next[i]), float(after.next[i])) for i in order
    )  # fmt: skip


def _plain(prompt: Prompt) -> Any:
    """As JSON values."""
    return prompt if isinstance(prompt, str) else [dict(m) if isinstance(m, Mapping) else int(m) for m in prompt]


def _label(method: str) -> str:
    """What the editor is called; an edit of a later version's editor has the method's name."""
    try:
        return editor_of(method).label
    except ArgumentError:
        return method


def _without_weights(edit: Edit) -> tuple[str, ...]:
    return tuple(
        piece.describe() for part in edit.parts for piece in part.pieces if not isinstance(piece, WeightChange)
    )
