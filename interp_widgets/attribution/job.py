"""One question to one method, from arguments to scores, tests and verdict.

1. `prepare` checks everything that can be known before the model runs, and estimates the cost.
2. `answer` opens one run of the model: it asks the question, lets the method score, tests the scores by deletion and
   against a second method, and makes the verdict.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.attribution import registry
from interp_widgets.attribution.diagnostics import (
    TEST_WAYS,
    completeness_error,
    faithfulness,
    rank_correlation,
    rows_of_test,
)
from interp_widgets.attribution.grouping import Units, units
from interp_widgets.attribution.integrated_gradients import check_baseline, check_path
from interp_widgets.attribution.perturbation import WAYS, Perturber
from interp_widgets.attribution.registry import Method, Scores, Work
from interp_widgets.attribution.verdicts import UNTESTED, verdict
from interp_widgets.errors import ArgumentError, Cancelled, MemoryExhaustedError, TooCostlyError, not_one_of
from interp_widgets.models.memory import available_bytes, forward_bytes, give_back, gradient_bytes, is_memory_error
from interp_widgets.models.prompts import Encoded, Prompt
from interp_widgets.models.question import Question, Wish, ask, count_passes
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import REFUSED_SECONDS, Cost
from interp_widgets.results.provenance import Provenance, Verdict, provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

__all__ = ["Answer", "Job", "Progress", "allow", "answer", "prepare", "work_for"]

CPU_TOKENS = 256  # of a pass with gradient; larger batches gain nothing (benchmarks/integrated_gradients.py)
CPU_FORWARD_TOKENS = 512  # of a pass without
GPU_TOKENS = 16_384
PAIRS = 2  # random orders of the test, each with its reverse
_PREFIXES = 2  # the prompt itself, once for the method and once for the tests, where they reuse what it computes
_SECOND_UNITS = 64  # beyond, a second opinion by leave-one-out would cost more than the first


@dataclass(frozen=True)
class Plan:
    batch_size: int
    batch_tokens: int
    checkpoint: bool
    bytes: int


@dataclass(frozen=True)
class Job:
    """The checked arguments of one call, and what it would cost."""

    lm: LanguageModel
    prompt: Prompt
    target: Wish | None
    foil: Wish | None
    function: str | None
    group: str
    method: Method
    settings: dict[str, Any]
    encoded: Encoded
    units: Units
    seed: int
    batch_size: int | None
    plan: Plan
    cost: Cost


@dataclass(frozen=True)
class Answer:
    """What came of a job: scores (units,) and all that is said about them."""

    job: Job
    question: Question
    scores: NDArray[np.float64]
    interval: NDArray[np.float64] | None
    diagnostics: dict[str, float]
    verdict: Verdict
    provenance: Provenance


def prepare(
    lm: LanguageModel,
    prompt: Prompt,
    target: Wish | None,
    foil: Wish | None,
    method: str,
    function: str | None,
    group: str | None,
    given: Mapping[str, Any],
    checkpoint: bool | None,
    seed: int,
    batch_size: int | None,
) -> Job:
    """Everything that can be known before the model runs. Raises what `iw.attribute` says."""
    check_baseline(given["baseline"])
    settings = {
        **given,
        "steps": check_path(given["quadrature"], given["steps"]),
        "samples": None if given["samples"] is None else whole("samples", given["samples"], 2),
    }
    if given["delete"] is not None and given["delete"] not in WAYS:
        raise not_one_of("delete", given["delete"], WAYS)
    seed = whole("seed", seed, 0)
    batch_size = None if batch_size is None else whole("batch_size", batch_size, 1)
    encoded = lm.encode(prompt)
    split = units(encoded, "token" if group is None else group)
    chosen = registry.find(method, len(split.tokens))
    settings["delete"] = given["delete"] or chosen.deletes_by
    plan = _plan(lm, chosen, len(encoded), batch_size, checkpoint)
    cost = _cost(lm, chosen, settings, encoded, len(split.tokens), plan, count_passes(lm, encoded, target, foil))
    settings = {name: settings[name] for name in chosen.settings}
    if function is None and foil is None:
        # Deleting a token moves all logits together, which says nothing of the answer; its probability does.
        function = chosen.explains
    return Job(
        lm, prompt, target, foil, function, "token" if group is None else group, chosen, settings, encoded, split,
        seed, batch_size, plan, cost,
    )  # fmt: skip


def whole(name: str, value: int, least: int) -> int:
    """A whole number as a plain int. Raises ArgumentError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ArgumentError(f"{name}={value!r}: a whole number from {least}")
    return int(value)


def _plan(lm: LanguageModel, method: Method, tokens: int, batch_size: int | None, checkpoint: bool | None) -> Plan:
    """Batch size and checkpoints: half of the free memory at most."""
    free = available_bytes(lm.device) // 2
    if checkpoint is None:
        rows = batch_size or 1
        checkpoint = method.gradient and rows * gradient_bytes(lm, tokens, checkpoint=False) > free
    row = gradient_bytes(lm, tokens, checkpoint=checkpoint)
    on_cpu = lm.device.type == "cpu"
    size = batch_size
    if size is None:
        by_device = max(CPU_TOKENS // tokens, 1) if on_cpu else 64
        size = int(min(max(free // max(row, 1), 1), by_device))
    each = forward_bytes(lm, 1)
    batch_tokens = int(min(CPU_FORWARD_TOKENS if on_cpu else GPU_TOKENS, max(free // each, tokens)))
    needed = max(size * row if method.gradient else 0, each * max(batch_tokens, (batch_size or 1) * tokens))
    return Plan(size, batch_tokens, checkpoint, needed)


def _weight(method: Method, plan: Plan) -> float:
    """A pass with its way back, in units of a forward pass without."""
    return (3.0 if method.gradient else 1.0) + (1.0 if plan.checkpoint else 0.0)


def _cost(
    lm: LanguageModel,
    method: Method,
    settings: dict[str, Any],
    encoded: Encoded,
    parts: int,
    plan: Plan,
    counted: tuple[int, int],
) -> Cost:
    asking, each = counted
    own = method.passes(parts, settings) * each
    tests = rows_of_test(parts, PAIRS) * each
    second, second_weight = _second_passes(method, parts)
    weighted = (
        asking
        + own * method.share * (_weight(method, plan) if method.gradient else 1.0)
        + tests * 0.8  # a changed prompt starts at its first change
        + second * each * second_weight
    )
    return Cost(
        forward_passes=asking + own,
        seconds=weighted * len(encoded) * lm.seconds_per_token,
        bytes=plan.bytes,
        further_passes=tests + second * each + _PREFIXES,
    )


def _second(method: Method, parts: int) -> str | None:
    """The method whose opinion is asked beside this one's: another kind, and cheap."""
    if method.by_units:
        return "relevance"
    return "leave_one_out" if parts <= _SECOND_UNITS else None


def _second_passes(method: Method, parts: int) -> tuple[int, float]:
    second = _second(method, parts)
    return (0, 0.0) if second is None else (1, 3.0) if second == "relevance" else (parts, 0.5)


def allow(job: Job, confirm: Callable[[Cost], bool] | bool | None) -> None:
    """Raises Cancelled where the caller refuses the cost, TooCostlyError where nobody was asked about a large one."""
    if callable(confirm):
        if not confirm(job.cost):
            raise Cancelled("not confirmed; nothing was computed")
    elif confirm is False:
        raise Cancelled("confirm=False; nothing was computed")
    elif confirm is None and job.method.by_units and job.cost.seconds > REFUSED_SECONDS:
        raise TooCostlyError(
            f"method={job.method.name!r} on {len(job.units.tokens)} units of {len(job.encoded)} tokens would take"
            f" {job.cost}: its work grows with the square of the prompt. Take group='sentence' or 'word', method="
            "'relevance', a shorter prompt, or confirm=True to run it all the same"
        )


def answer(
    job: Job,
    *,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    tested: bool = True,
) -> Answer:
    """Run it; without `tested`, the scores only. Raises what `iw.attribute` says."""
    allow(job, confirm)
    lm, method, plan = job.lm, job.method, job.plan
    began = time.perf_counter()
    try:
        # A caller's inference_mode would make tensors that cannot have a gradient.
        with (
            torch.inference_mode(False),
            Bar(progress) as bar,
            lm.run(cancel=cancel, prompt_length=len(job.encoded), checkpoint=plan.checkpoint) as run,
        ):
            run.check()
            interventions = run.snapshot.names
            question = ask(lm, job.encoded, job.target, job.foil, job.function)
            found, work, tests = _score(job, question, bar, tested)
            bar.finish("done")
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryExhaustedError) or not is_memory_error(error):
            raise
        raise MemoryExhaustedError(
            f"memory is exhausted: {error}; shorten the prompt or close other kernels"
        ) from error
    seconds = time.perf_counter() - began
    if method.gradient and plan.bytes > 2**28:  # not after Cancelled: it takes as long as a cancel may
        give_back()
    perturbers = [work.perturber, *([] if tests.tester is work.perturber else [tests.tester])]
    computed = (
        question.forward_passes + found.forward_passes * method.share * _weight(method, plan) + tests.passes * 3.0
    ) * len(job.encoded) + sum(each.tokens for each in perturbers)
    lm.note_speed(seconds / computed)
    return Answer(
        job=job,
        question=question,
        scores=tests.scores,
        interval=found.interval,
        diagnostics=tests.diagnostics,
        verdict=tests.verdict,
        provenance=provenance_of(
            lm,
            job.prompt,
            bos=job.encoded.bos,
            interventions=interventions,
            seed=job.seed,
            batch_size=found.batch_size or max(each.largest for each in perturbers) or 1,
            forward_passes=question.forward_passes
            + found.forward_passes
            + tests.passes
            + sum(each.forward_passes for each in perturbers),
            seconds=seconds,
            notes=_notes(job, found, perturbers),
        ),
    )


def _notes(job: Job, found: Scores, perturbers: Sequence[Perturber]) -> Sequence[str]:
    notes = list(found.notes)
    if found.batch_size is not None and found.batch_size < job.plan.batch_size:
        notes.append(f"memory was short: batch size {job.plan.batch_size} halved to {found.batch_size}")
    least = min(each.batch_tokens for each in perturbers)
    if least < job.plan.batch_tokens:
        notes.append(f"memory was short: {least} tokens a pass when tokens were deleted")
    if job.plan.checkpoint:
        notes.append("with activation checkpoints")
    return notes


@dataclass(frozen=True)
class _Tests:
    """Scores of the units, what was measured of them, passes of a second method's own, and who answered the tests."""

    scores: NDArray[np.float64]
    diagnostics: dict[str, float]
    verdict: Verdict
    passes: int
    tester: Perturber


def work_for(job: Job, question: Question, bar: Bar | None = None) -> Work:
    """What the job's method gets beside the question."""
    bar = Bar(None) if bar is None else bar
    own, total = _rows(job)
    return Work(
        settings=job.settings,
        seed=job.seed,
        batch_size=job.plan.batch_size,
        advance=lambda done, steps, text: bar.advance(done, total, text),
        perturber=_perturber(job, question, bar, 0 if job.method.by_units else own),
        units=job.units.member,
        names=job.units.tokens,
    )


def _rows(job: Job) -> tuple[int, int]:
    """Evaluations of the question that the method takes, and those with the tests."""
    units = len(job.units.member)
    own = job.method.passes(units, job.settings)
    return own, own + rows_of_test(units, PAIRS)


def _perturber(job: Job, question: Question, bar: Bar, before: int) -> Perturber:
    total = _rows(job)[1]
    stage = "deleting tokens" if job.method.by_units else "testing by deletion"
    return Perturber(
        question,
        seed=job.seed,
        batch_size=job.batch_size,
        batch_tokens=job.plan.batch_tokens,
        advance=lambda rows: bar.advance(min(before + rows, total), total, stage),
    )


def _score(job: Job, question: Question, bar: Bar, tested: bool) -> tuple[Scores, Work, _Tests]:
    method, member = job.method, job.units.member
    work = work_for(job, question, bar)
    found = method.run(question, work)
    scores = found.scores if method.by_units else member @ found.scores
    if not tested:
        return found, work, _Tests(scores, found.diagnostics, UNTESTED, 0, work.perturber)
    # Results of all methods are tested in one unit, and by what the answer's probability does.
    asked = question.as_log_probability()
    tester = work.perturber if asked is question else _perturber(job, asked, bar, _rows(job)[0])
    tester.take_ways(work.perturber)
    return found, work, _test(job, question, replace(work, perturber=tester), found, scores)


def _test(job: Job, question: Question, work: Work, found: Scores, scores: NDArray[np.float64]) -> _Tests:
    measured = dict(found.diagnostics)
    error = None
    if found.due is not None:
        error = completeness_error(scores, found.due)
        measured |= {"sum": float(scores.sum()), "due": found.due, "completeness_error": error}
    test = faithfulness(
        work.perturber, scores, job.units.member, seed=job.seed + 1, pairs=PAIRS, ways=found.test_ways or TEST_WAYS
    )
    if test is not None:
        measured |= test.numbers()
    if found.stability is not None:
        measured["stability"] = found.stability
    passes = 0
    second = _second(job.method, len(scores))
    if second is not None and len(scores) > 1 and found.test_ways is None:
        other = registry.find(second)
        quiet = replace(work, settings={"delete": other.deletes_by}, advance=lambda done, total, text: None)
        rated = other.run(work.perturber.question if other.by_units else question, quiet)
        opinion = rated.scores if other.by_units else job.units.member @ rated.scores
        passes = rated.forward_passes
        measured["agreement"] = rank_correlation(scores, opinion)
    said = verdict(
        label=job.method.label,
        unit=question.unit,
        tested_unit=work.perturber.question.unit,
        total=float(scores.sum()),
        due=found.due,
        error=error,
        test=test,
        stability=found.stability,
        advice=job.method.advice(question, job.settings),
    )
    return _Tests(scores, measured, said, passes, work.perturber)
