"""`iw.attribute`: which tokens of the prompt drove the answer."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution import registry
from interp_widgets.attribution.continuation import Continuation, attribute_each
from interp_widgets.attribution.job import Answer, Job, Progress, allow, answer, prepare
from interp_widgets.attribution.leave_one_out import LEAVE_ONE_OUT
from interp_widgets.attribution.matrix import MatrixResult
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import ArgumentError
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.question import Wish
from interp_widgets.results.cost import Cost

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


@overload
def attribute(
    lm: LanguageModel,
    prompt: Prompt,
    target: Wish | None = None,
    foil: Wish | None = None,
    method: str = "auto",
    *,
    function: str | None = None,
    group: str | None = None,
    delete: str | None = None,
    samples: int | None = None,
    baseline: str = "zero",
    steps: int = 50,
    quadrature: str = "gauss-legendre",
    checkpoint: bool | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> AttributionResult: ...
@overload
def attribute(
    lm: LanguageModel, prompt: Prompt, target: Continuation, *args: Any, **settings: Any
) -> AttributionResult | MatrixResult: ...
def attribute(
    lm: LanguageModel,
    prompt: Prompt,
    target: Wish | Continuation | None = None,
    foil: Wish | None = None,
    method: str = "auto",
    *,
    function: str | None = None,
    group: str | None = None,
    delete: str | None = None,
    samples: int | None = None,
    baseline: str = "zero",
    steps: int = 50,
    quadrature: str = "gauss-legendre",
    checkpoint: bool | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> AttributionResult | MatrixResult:
    """Score each token of the prompt for its part in the answer.

    Parameters
    ----------
    prompt: a string, a list of chat messages, or token ids
    target: what to explain: a string that continues the prompt (several tokens are scored together), a token id, or
        several; by default the model's first choice. `iw.Continuation(...)` explains generated text: every token of a
        span (a MatrixResult), or the span as one number
    foil: the alternative; scores are then for target minus foil, in log-odds
    method: a name from `iw.attribution_methods()`, or "auto"
    function: the number explained: "logit", "log-probability", "probability", "difference" (with a foil), or "entropy"
        (of the next token, without a target); by default the logit, for a target of several tokens the
        log-probability, with a foil the difference
    group: "token", "word", "sentence", "turn" (of a chat), or a regular expression whose matches are units; methods
        that delete tokens then delete units, others sum
    delete: how methods that delete tokens do it: "eos" (end-of-text in their place), "random" (a random token) or
        "mask" (hidden from attention); by default what the method does best with
    samples: how many samples those methods take that draw some: orders for "shapley", changed prompts for "lime" and
        "partition_shap"
    baseline: "zero", "mean" (mean embedding), "eos" (end-of-text token), or "text:" and a text of your own
    steps, quadrature: points on the path, and "gauss-legendre", "riemann", "midpoint" or "trapezoid"
    checkpoint: compute activations again on the way back (less memory, about a third slower); by default when memory
        is short
    seed: for whatever is sampled
    batch_size: rows of one pass; by default what memory and the device allow
    progress: True for a bar, or a function of (done, total, text)
    cancel: a threading.Event; when another thread sets it, `Cancelled` is raised within a layer's time
    confirm: is shown the Cost first; `Cancelled` is raised if it returns False. True confirms whatever it costs: a
        method whose work grows with the square of the prompt is refused without, where it would take minutes

    Returns
    -------
    AttributionResult: float64 scores (tokens,) with diagnostics, and a verdict that says whether to believe them; for a
    Continuation whose tokens are explained each, MatrixResult: scores (targets, tokens)

    Raises
    ------
    EmptyPromptError, PromptTooLongError, TargetError, ArgumentError, TooCostlyError, NonFiniteError,
    MemoryExhaustedError, Cancelled
    """
    given = {
        "baseline": baseline, "steps": steps, "quadrature": quadrature, "delete": delete, "samples": samples,
    }  # fmt: skip
    if isinstance(target, Continuation):
        if target.each:
            options = {"foil": foil, "function": function, "group": group}
            return _each(
                lm, prompt, target, method, given, options, checkpoint, seed, batch_size, progress, cancel, confirm
            )
        prompt, target = _span(lm, prompt, target)
    job = prepare(lm, prompt, target, foil, method, function, group, given, checkpoint, seed, batch_size)
    return _result(answer(job, progress=progress, cancel=cancel, confirm=confirm))


def estimate_attribute(*args: Any, **kwargs: Any) -> Cost:
    """What `attribute` with the same arguments would cost; runs nothing."""
    bound = inspect.signature(attribute).bind(*args, **kwargs)
    bound.apply_defaults()
    asked = bound.arguments
    given = {name: asked.pop(name) for name in ("baseline", "steps", "quadrature", "delete", "samples")}
    for name in ("progress", "cancel", "confirm"):
        asked.pop(name)
    return prepare(**asked, given=given).cost


def _span(lm: LanguageModel, prompt: Prompt, target: Continuation) -> tuple[list[int], list[int]]:
    """The span as an ordinary target of a longer prompt, both as token ids."""
    encoded = lm.encode(prompt)
    ids = target.ids(lm, encoded)
    span = target.span(len(ids))
    return [*encoded.ids.tolist(), *ids[: span.start]], ids[span.start : span.stop]


def _each(
    lm: LanguageModel,
    prompt: Prompt,
    target: Continuation,
    method: str,
    given: dict[str, Any],
    options: dict[str, Any],
    checkpoint: bool | None,
    seed: int,
    batch_size: int | None,
    progress: Progress | bool | None,
    cancel: threading.Event | None,
    confirm: Callable[[Cost], bool] | bool | None,
) -> MatrixResult:
    refused = [name for name, value in options.items() if value is not None]
    if refused:
        raise ArgumentError(
            f"{refused[0]}={options[refused[0]]!r}: the sources of each token of a continuation are of its"
            " log-probability, token by token; pass a string as the target, or Continuation(each=False)"
        )
    chosen = LEAVE_ONE_OUT if method == "auto" else registry.find(method)

    def job(ids: list[int], token: int) -> Job:
        return prepare(lm, ids, token, None, chosen.name, "log-probability", None, given, checkpoint, seed, batch_size)

    def one(ids: list[int], token: int) -> tuple[Floats, int]:
        found = answer(job(ids, token), cancel=cancel, confirm=True, tested=False)
        return found.scores, found.provenance.forward_passes

    encoded = lm.encode(prompt)
    first = job(encoded.ids.tolist(), int(encoded.ids[0]))
    allow(first, confirm)
    return attribute_each(
        lm,
        prompt,
        target,
        chosen.name,
        delete=given["delete"] or chosen.deletes_by,
        one=None if chosen is LEAVE_ONE_OUT else one,
        seed=first.seed,
        batch_size=batch_size,
        batch_tokens=first.plan.batch_tokens,
        progress=progress,
        cancel=cancel,
    )


def _result(found: Answer) -> AttributionResult:
    job, question, units = found.job, found.question, found.job.units
    return AttributionResult(
        text=job.encoded.text,
        tokens=units.tokens,
        token_ids=job.encoded.ids,
        spans=units.spans,
        groups=job.encoded.groups if job.group == "token" else (),
        grouping=job.group,
        scores=found.scores,
        interval=found.interval,
        target=question.target,
        target_ids=question.target_ids,
        foil=question.foil,
        foil_ids=question.foil_ids,
        function=question.function,
        unit=question.unit,
        gap=question.gap,
        candidates=question.candidates,
        method=job.method.name,
        settings=job.settings,
        diagnostics=found.diagnostics,
        verdict=found.verdict,
        provenance=found.provenance,
    )
