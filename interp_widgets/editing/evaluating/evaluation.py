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
measure, and must not be mixed with the others.  And two numbers of the model as a whole, perplexity and generation
entropy (`fluency`): an edit that breaks the model can have any efficacy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.edit import Edit
from interp_widgets.editing.editors.in_context import InContext
from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation
from interp_widgets.editing.evaluating.evaluation_verdict import judge
from interp_widgets.editing.evaluating.fluency import TOKENS, generation_entropy, perplexity_of
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.models.answers import Answers, score_answers
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.neutral_text import NEUTRAL
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import Verdict, provenance_of

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel

WRITERS = 8  # records whose prompts are continued
_LETTERS = 4  # of a token, for estimates


def evaluate_edit(
    lm: LanguageModel,
    edit: Intervention | InContext,
    records: Sequence[Fact] | None = None,
    *,
    perplexity: bool = True,
    generation: int = TOKENS,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> EditEvaluation:
    """Compare the model without and with an edit, beside whatever else is active.

    Parameters
    ----------
    edit: an edit, or any other intervention; it need not be active. An `InContext` changes nothing: its facts are told
        ahead of every prompt
    records: facts to judge by, each with its original answer; by default those of the edit
    perplexity: also read the package's neutral texts
    generation: also write so many tokens after the prompts of the first eight records, for their entropy; 0: do not
    seed: of the bootstrap behind the intervals, and of what is written
    batch_size: prompts of one pass

    Raises
    ------
    ArgumentError: no records, or one without an original answer; TargetError: an answer cannot follow a prompt as
    written; TooCostlyError: more than five minutes, unless confirm=True; NonFiniteError, Cancelled
    """
    chosen = _records(edit, records)
    if not chosen:
        raise ArgumentError("records: this intervention has no facts of its own; give some to judge it by")
    nameless = next((fact for fact in chosen if not fact.original), None)
    if nameless is not None:
        raise ArgumentError(f"records: the fact about {nameless.subject!r} has no original answer to compare with")
    if generation < 0:
        raise ArgumentError(f"generation={generation}: how many tokens to write, or 0")
    told = edit.told if isinstance(edit, InContext) else ""
    acting: tuple[Intervention, ...] = () if isinstance(edit, InContext) else (edit,)
    for one in acting:
        one.check(lm.architecture)
    questions = [(i, *one) for i, fact in enumerate(chosen) for one in questions_of(fact)]
    cost = _cost(lm, questions, told, perplexity, generation)
    allow(cost, confirm, "Take fewer records")
    began = time.perf_counter()
    pairs = [(prompt, answer) for _, _, prompt, *answers in questions for answer in answers if answer]
    writers = [fact.prompt for fact in chosen[:WRITERS]]
    found: list[Answers] = []
    fluency: dict[str, list[float]] = {"perplexity": [], "entropy": []}
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        others = tuple(change for change in run.snapshot.changes if change is not edit)
        for number, (changes, before) in enumerate(((others, ""), ((*others, *acting), told))):

            def advance(done: int, total: int, text: str, start: int = number * len(pairs)) -> None:
                bar.advance(start + done, 2 * total, text)

            asked = [(before + prompt, answer) for prompt, answer in pairs]
            with lm.run(snapshot=Snapshot(changes, lm.architecture)):
                found.append(score_answers(lm, asked, batch_size=batch_size, cancel=cancel, advance=advance))
                if perplexity:
                    fluency["perplexity"].append(perplexity_of(lm, before=before, cancel=cancel))
                if generation:
                    prompts = [before + prompt for prompt in writers]
                    fluency["entropy"].append(
                        generation_entropy(lm, prompts, tokens=generation, seed=seed, cancel=cancel)
                    )
        beside = Snapshot(others, lm.architecture).names
    both = np.asarray([bool(answer) for *_, wanted, other in questions for answer in (wanted, other)])
    unedited, edited = (_spread(one.mean, both).reshape(-1, 2) for one in found)
    first_before, first_after = (_spread(one.first, both).reshape(-1, 2)[:, 0] == 1 for one in found)
    fields: dict[str, Any] = {
        "edit": edit.name,
        "method": edit.method if isinstance(edit, Edit | InContext) else edit.kind,
        "subjects": tuple(fact.subject for fact in chosen),
        "parts": tuple(part for _, part, *_ in questions),
        "record": np.asarray([i for i, *_ in questions], np.int64),
        "prompts": tuple(prompt for _, _, prompt, *_ in questions),
        "wanted": tuple(wanted for *_, wanted, _ in questions),
        "other": tuple(other for *_, other in questions),
        "before": unedited,
        "after": edited,
        "first_before": first_before,
        "first_after": first_after,
        **{name: tuple(values) for name, values in fluency.items() if values},
        "provenance": provenance_of(
            lm,
            chosen[0].prompt,
            bos=lm.encode(chosen[0].prompt).bos,
            interventions=beside,
            seed=seed,
            batch_size=batch_size or 1,
            forward_passes=sum(one.forward_passes for one in found) + _further(len(chosen), perplexity, generation),
            seconds=time.perf_counter() - began,
        ),
    }
    return EditEvaluation(**fields, verdict=judge(EditEvaluation(**fields, verdict=Verdict("caution", ""))))


def estimate_evaluate_edit(
    lm: LanguageModel,
    edit: Intervention | InContext,
    records: Sequence[Fact] | None = None,
    *,
    perplexity: bool = True,
    generation: int = TOKENS,
    **settings: object,
) -> Cost:
    """What `evaluate_edit` with the same arguments would cost; runs nothing."""
    questions = [(i, *one) for i, fact in enumerate(_records(edit, records)) for one in questions_of(fact)]
    return _cost(lm, questions, edit.told if isinstance(edit, InContext) else "", perplexity, generation)


def _records(edit: Intervention | InContext, records: Sequence[Fact] | None) -> tuple[Fact, ...]:
    if records is not None:
        return tuple(records)
    return tuple(edit.facts) if isinstance(edit, Edit | InContext) else ()


def questions_of(fact: Fact) -> Iterator[tuple[str, str, str, str]]:
    """(part, prompt, wanted answer, the other one or ""), each."""
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


def _further(records: int, perplexity: bool, generation: int) -> int:
    """Forward passes for perplexity and generation, without and with the edit."""
    return 2 * ((len(NEUTRAL) if perplexity else 0) + min(records, WRITERS) * generation)


def _cost(
    lm: LanguageModel,
    questions: Sequence[tuple[int, str, str, str, str]],
    told: str,
    perplexity: bool,
    generation: int,
) -> Cost:
    """An upper bound: answers to one prompt often share a text."""
    answers = [(prompt, answer) for _, _, prompt, *both in questions for answer in both if answer]
    records = len({i for i, *_ in questions})
    neutral = NEUTRAL if perplexity else ()
    letters = 2 * sum(len(prompt) + len(answer) for prompt, answer in answers) + 2 * sum(map(len, neutral))
    letters += len(told) * (len(answers) + len(neutral))
    tokens = letters / _LETTERS + 2 * min(records, WRITERS) * generation
    passes = 2 * len(answers) + _further(records, perplexity, generation)
    return Cost(passes, tokens * lm.seconds_per_token, 64 * lm.architecture.vocabulary * 12)
