"""`iw.evaluate_edit`: does an edit hold, does it reach paraphrases, and does it leave neighbours alone?

As in Meng et al. 2022, section 3.4: log-probabilities a token of two answers are compared, so that answers of different
length are on one scale.

efficacy        the new answer is above the original, at the fact's own prompt
paraphrase      the same at its paraphrases
neighbourhood   the answer that should stay is above the new one, at its neighbours
score           the harmonic mean of the three (S in the papers)
ripple          at prompts whose answer follows from the new one, that answer is above what followed from the original;
                no part of the score

Apart from these, first-choice accuracy: every token of the answer is the model's first choice.  It is the stricter
measure, and must not be mixed with the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluation_result import EditEvaluation
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.models.answers import Answers, score_answers
from interp_widgets.models.hooks import Snapshot
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import Verdict, Word, provenance_of

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel

LOST = 0.03  # of the neighbourhood that an edit may cost
LEADS = 0.5  # of the ripple prompts
_LETTERS = 4  # of a token, for estimates


def evaluate_edit(
    lm: LanguageModel,
    edit: Intervention,
    records: Sequence[Fact] | None = None,
    *,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> EditEvaluation:
    """Compare the model without and with an edit, beside whatever else is active.

    Parameters
    ----------
    edit: an edit, or any other intervention; it need not be active
    records: facts to judge by, each with its original answer; by default those of the edit
    seed: of the bootstrap behind the intervals
    batch_size: prompts of one pass

    Raises
    ------
    ArgumentError: no records, or one without an original answer; TargetError: an answer cannot follow a prompt as
    written; TooCostlyError: more than five minutes, unless confirm=True; NonFiniteError, Cancelled
    """
    chosen = tuple(records) if records is not None else edit.facts if isinstance(edit, Edit) else ()
    if not chosen:
        raise ArgumentError("records: this intervention has no facts of its own; give some to judge it by")
    nameless = next((fact for fact in chosen if not fact.original), None)
    if nameless is not None:
        raise ArgumentError(f"records: the fact about {nameless.subject!r} has no original answer to compare with")
    edit.check(lm.architecture)
    questions = [(i, *one) for i, fact in enumerate(chosen) for one in _questions(fact)]
    allow(_cost(lm, questions), confirm, "Take fewer records")
    began = time.perf_counter()
    pairs = [(prompt, answer) for _, _, prompt, *answers in questions for answer in answers if answer]
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others = tuple(change for change in run.snapshot.changes if change is not edit)
        found: list[Answers] = []
        for number, changes in enumerate((others, (*others, edit))):

            def advance(done: int, total: int, text: str, start: int = number * len(pairs)) -> None:
                bar.advance(start + done, 2 * total, text)

            with lm.run(snapshot=Snapshot(changes, lm.architecture)):
                found.append(score_answers(lm, pairs, batch_size=batch_size, cancel=cancel, advance=advance))
        beside = Snapshot(others, lm.architecture).names
    both = np.asarray([bool(answer) for *_, wanted, other in questions for answer in (wanted, other)])
    before, after = (_spread(one.mean, both).reshape(-1, 2) for one in found)
    first_before, first_after = (_spread(one.first, both).reshape(-1, 2)[:, 0] == 1 for one in found)
    fields: dict[str, Any] = {
        "edit": edit.name,
        "method": edit.method if isinstance(edit, Edit) else edit.kind,
        "subjects": tuple(fact.subject for fact in chosen),
        "parts": tuple(part for _, part, *_ in questions),
        "record": np.asarray([i for i, *_ in questions], np.int64),
        "prompts": tuple(prompt for _, _, prompt, *_ in questions),
        "wanted": tuple(wanted for *_, wanted, _ in questions),
        "other": tuple(other for *_, other in questions),
        "before": before,
        "after": after,
        "first_before": first_before,
        "first_after": first_after,
        "provenance": provenance_of(
            lm,
            chosen[0].prompt,
            bos=lm.encode(chosen[0].prompt).bos,
            interventions=beside,
            seed=seed,
            batch_size=batch_size or 1,
            forward_passes=2 * len(pairs),
            seconds=time.perf_counter() - began,
        ),
    }
    return EditEvaluation(**fields, verdict=_verdict(EditEvaluation(**fields, verdict=Verdict("caution", ""))))


def estimate_evaluate_edit(
    lm: LanguageModel, edit: Intervention, records: Sequence[Fact] | None = None, **settings: object
) -> Cost:
    """What `evaluate_edit` with the same arguments would cost; runs nothing."""
    chosen = tuple(records) if records is not None else edit.facts if isinstance(edit, Edit) else ()
    return _cost(lm, [(i, *one) for i, fact in enumerate(chosen) for one in _questions(fact)])


def _questions(fact: Fact) -> Iterator[tuple[str, str, str, str]]:
    """(part, prompt, wanted answer, the other one)"""
    yield "fact", fact.prompt, fact.target, fact.original
    for prompt in fact.paraphrases:
        yield "paraphrase", prompt, fact.target, fact.original
    for prompt, answer in fact.neighbour_answers():
        yield "neighbour", prompt, answer, fact.target
    for prompt, answer, before in fact.ripple_answers():
        yield "ripple", prompt, answer, before


def _spread(values: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values at the places that are known, nan at the others."""
    found = np.full(len(known), np.nan)
    found[known] = values
    return found


def _cost(lm: LanguageModel, questions: Sequence[tuple[int, str, str, str, str]]) -> Cost:
    tokens = sum(len(prompt) + len(answer) for *_, prompt, wanted, other in questions for answer in (wanted, other))
    return Cost(4 * len(questions), 2 * tokens / _LETTERS * lm.seconds_per_token, 64 * lm.architecture.vocabulary * 12)


def _verdict(result: EditEvaluation) -> Verdict:
    before = result.unedited
    efficacy, paraphrase, neighbourhood = result.efficacy[0], result.paraphrase[0], result.neighbourhood[0]
    sentence = f"{100 * efficacy:.0f} % of the facts hold"
    why: list[str] = []
    word: Word = "trust"
    if efficacy < 1:
        word = "caution"
        why.append("Where a fact does not hold, another layer or more steps may reach it.")
    if not np.isnan(paraphrase):
        sentence += f", {100 * paraphrase:.0f} % of paraphrases"
        if paraphrase < 0.9:
            word = "caution"
            why.append(
                "An edit that holds at one wording only is no knowledge: ask in other words before relying on it."
            )
    if not np.isnan(neighbourhood):
        lost = before["neighbourhood"][0] - neighbourhood
        sentence += f"; neighbours {100 * neighbourhood:.0f} %, {100 * before['neighbourhood'][0]:.0f} % before"
        if lost > LOST:
            word = "caution"
            why.append("Other facts changed with it. See to_frame() for which.")
    if not np.isnan(result.ripple[0]):
        now, was = (100 * share for share in (result.ripple[0], before["ripple"][0]))
        sentence += f"; what follows from them {now:.0f} %, {was:.0f} % before"
        if result.ripple[0] < LEADS:
            word = "caution"
            why.append(
                "What follows from the new answer mostly goes with the old one: the edit changed an answer rather than"
                " what the model knows."
            )
    if efficacy < 0.5:
        word = "do not trust"
    return Verdict(word, sentence, tuple(why))
