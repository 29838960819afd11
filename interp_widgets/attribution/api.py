"""`iw.attribute`: which tokens of the prompt drove the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import torch

from interp_widgets.attribution import registry
from interp_widgets.attribution.integrated_gradients import check_baseline, check_path
from interp_widgets.attribution.registry import Method, Work
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.attribution.target import Question, ask, count_passes
from interp_widgets.errors import ArgumentError, Cancelled, MemoryExhaustedError
from interp_widgets.models.memory import available_bytes, give_back, gradient_bytes, is_memory_error
from interp_widgets.models.prompts import Encoded, Prompt
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import Provenance, versions

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Progress = Callable[[int, int, str], None]


def attribute(
    lm: LanguageModel,
    prompt: Prompt,
    target: str | int | None = None,
    foil: str | int | None = None,
    method: str = "auto",
    *,
    baseline: str = "zero",
    steps: int = 50,
    quadrature: str = "gauss-legendre",
    checkpoint: bool | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | None = None,
) -> AttributionResult:
    """Score each token of the prompt for its part in the answer.

    Parameters
    ----------
    prompt: a string, a list of chat messages, or token ids
    target: what to explain: a string that continues the prompt (several tokens are scored together), or a token id;
        by default the model's first choice
    foil: the alternative; scores are then for target minus foil, in log-odds
    method: a name from `iw.attribution_methods()`, or "auto"
    baseline: "zero", "mean" (mean embedding), "eos" (end-of-text token), or "text:" and a text of your own
    steps, quadrature: points on the path, and "gauss-legendre", "riemann", "midpoint" or "trapezoid"
    checkpoint: compute activations again on the way back (less memory, about a third slower); by default when memory
        is short
    seed: for whatever is sampled
    batch_size: rows of one pass; by default what memory and the device allow
    progress: True for a bar, or a function of (done, total, text)
    cancel: a threading.Event; when another thread sets it, `Cancelled` is raised within a layer's time
    confirm: is shown the Cost first; `Cancelled` is raised if it returns False

    Returns
    -------
    AttributionResult: float64 scores (tokens,) with a verdict that says whether to believe them

    Raises
    ------
    EmptyPromptError, PromptTooLongError, TargetError, ArgumentError, NonFiniteError, MemoryExhaustedError, Cancelled
    """
    job = _prepare(lm, prompt, target, foil, method, baseline, steps, quadrature, checkpoint, seed, batch_size)
    chosen, encoded, plan = job.method, job.encoded, job.plan
    if confirm is not None and not confirm(job.cost):
        raise Cancelled("not confirmed; nothing was computed")
    began = time.perf_counter()
    try:
        # A caller's inference_mode would make tensors that cannot have a gradient.
        with (
            torch.inference_mode(False),
            _Bar(progress) as bar,
            lm.run(cancel=cancel, prompt_length=len(encoded), checkpoint=plan.checkpoint) as run,
        ):
            run.check()
            interventions = [str(getattr(change, "name", change)) for change in run.snapshot.changes]
            question = ask(lm, encoded, target, foil)
            scores = chosen.run(question, Work(job.settings, job.seed, plan.batch_size, bar.advance))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryExhaustedError) or not is_memory_error(error):
            raise
        raise MemoryExhaustedError(
            f"memory is exhausted: {error}; shorten the prompt or close other kernels"
        ) from error
    seconds = time.perf_counter() - began
    if plan.gradient_bytes > 2**28:  # not after Cancelled: it takes as long as a cancel may, and its traceback holds on
        give_back()
    without = question.forward_passes + scores.test_passes
    weighted = without + (scores.forward_passes - scores.test_passes) * _weight(chosen, plan)
    lm.note_speed(seconds / (weighted * len(encoded)))
    notes = list(scores.notes)
    if scores.batch_size < plan.batch_size:
        notes.append(f"memory was short: batch size {plan.batch_size} halved to {scores.batch_size}")
    if plan.checkpoint:
        notes.append("with activation checkpoints")
    return AttributionResult(
        text=encoded.text,
        tokens=encoded.tokens,
        token_ids=encoded.ids,
        spans=encoded.spans,
        groups=encoded.groups,
        scores=scores.scores,
        target=question.target,
        target_ids=question.target_ids,
        foil=question.foil,
        foil_ids=question.foil_ids,
        unit=question.unit,
        gap=question.gap,
        candidates=question.candidates,
        method=chosen.name,
        settings=job.settings,
        diagnostics=scores.diagnostics,
        verdict=scores.verdict,
        provenance=_provenance(
            lm, prompt, encoded, interventions, job.seed, scores.batch_size,
            question.forward_passes + scores.forward_passes, seconds, notes,
        ),
    )  # fmt: skip


def estimate_attribute(
    lm: LanguageModel,
    prompt: Prompt,
    target: str | int | None = None,
    foil: str | int | None = None,
    method: str = "auto",
    *,
    baseline: str = "zero",
    steps: int = 50,
    quadrature: str = "gauss-legendre",
    checkpoint: bool | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | None = None,
) -> Cost:
    """What `attribute` with the same arguments would cost; runs nothing."""
    return _prepare(
        lm, prompt, target, foil, method, baseline, steps, quadrature, checkpoint, seed, batch_size
    ).cost  # fmt: skip


@dataclass(frozen=True)
class _Job:
    """The checked arguments of one call, and what it would cost."""

    method: Method
    settings: dict[str, Any]
    encoded: Encoded
    seed: int
    plan: _Plan
    cost: Cost


def _prepare(
    lm: LanguageModel,
    prompt: Prompt,
    target: str | int | None,
    foil: str | int | None,
    method: str,
    baseline: str,
    steps: int,
    quadrature: str,
    checkpoint: bool | None,
    seed: int,
    batch_size: int | None,
) -> _Job:
    """Everything that can be known before the model runs."""
    chosen = registry.find(method)
    check_baseline(baseline)
    steps = check_path(quadrature, steps)
    given: dict[str, Any] = {"baseline": baseline, "steps": steps, "quadrature": quadrature}
    seed = _whole("seed", seed, 0)
    encoded = lm.encode(prompt)
    plan = _plan(lm, chosen, len(encoded), batch_size, checkpoint)
    asking, each = count_passes(lm, encoded, target, foil)
    first, further = chosen.passes(len(encoded), steps, each)
    weighted = asking + first * _weight(chosen, plan) + further
    cost = Cost(
        forward_passes=asking + first,
        seconds=weighted * len(encoded) * lm.seconds_per_token,
        bytes=plan.gradient_bytes,
        further_passes=further,
    )
    return _Job(chosen, {name: given[name] for name in chosen.settings}, encoded, seed, plan, cost)


def _whole(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ArgumentError(f"{name}={value!r}: a whole number from {least}")
    return int(value)


@dataclass(frozen=True)
class _Plan:
    batch_size: int
    checkpoint: bool
    gradient_bytes: int


def _plan(lm: LanguageModel, method: Method, tokens: int, batch_size: int | None, checkpoint: bool | None) -> _Plan:
    """Batch size and checkpoints: half of the free memory at most; on a CPU larger batches than about 250 tokens gain
    nothing (measured in benchmarks/integrated_gradients.py) and answer a cancel later."""
    if batch_size is not None:
        batch_size = _whole("batch_size", batch_size, 1)
    free = available_bytes(lm.device) // 2
    if checkpoint is None:
        rows = batch_size or 1
        checkpoint = method.gradient and rows * gradient_bytes(lm, tokens, checkpoint=False) > free
    row = gradient_bytes(lm, tokens, checkpoint=checkpoint)
    if batch_size is None:
        by_memory = max(free // max(row, 1), 1)
        by_device = max(CPU_TOKENS // tokens, 1) if lm.device.type == "cpu" else 64
        batch_size = int(min(by_memory, by_device))
    return _Plan(batch_size, checkpoint, batch_size * row)


CPU_TOKENS = 256


def _weight(method: Method, plan: _Plan) -> float:
    """A pass with its way back, in units of a forward pass without."""
    return (3.0 if method.gradient else 1.0) + (1.0 if plan.checkpoint else 0.0)


def _provenance(
    lm: LanguageModel,
    prompt: Prompt,
    encoded: Encoded,
    interventions: Sequence[str],
    seed: int,
    batch_size: int,
    forward_passes: int,
    seconds: float,
    notes: Sequence[str],
) -> Provenance:
    plain: Any = prompt if isinstance(prompt, str) else [dict(m) if isinstance(m, Mapping) else int(m) for m in prompt]
    return Provenance(
        model=lm.name,
        fingerprint=lm.fingerprint,
        device=str(lm.device),
        dtype=str(lm.dtype).removeprefix("torch."),
        prompt=plain,
        bos=encoded.bos,
        interventions=tuple(interventions),
        versions=versions(),
        seed=seed,
        batch_size=batch_size,
        forward_passes=forward_passes,
        seconds=seconds,
        notes=tuple(notes),
    )


class _Bar:
    """Progress as the caller wants it: a function, a tqdm bar, or silence."""

    def __init__(self, progress: Progress | bool | None) -> None:
        self._bar: Any = None
        self._tell = progress if callable(progress) else None
        self._wanted = progress is True

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, done: int, total: int, text: str) -> None:
        if self._tell is not None:
            self._tell(done, total, text)
        elif self._wanted:
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(desc=text, total=total, leave=False)
            self._bar.set_description(text, refresh=False)
            self._bar.update(done - self._bar.n)


__all__ = ["Question", "attribute", "estimate_attribute"]
