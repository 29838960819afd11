"""`iw.compare`: several methods on one question, side by side, with where they disagree."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.attribution import registry
from interp_widgets.attribution.api import attribute, estimate_attribute
from interp_widgets.attribution.comparison import ComparisonResult, Entry
from interp_widgets.attribution.diagnostics import rank_correlation
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.question import Wish
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import Verdict

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

METHODS = ("auto", "relevance", "shapley", "integrated_gradients", "attention_rollout")


def compare(
    lm: LanguageModel,
    prompt: Prompt,
    target: Wish | None = None,
    foil: Wish | None = None,
    *,
    methods: Sequence[str] = METHODS,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    **settings: Any,
) -> ComparisonResult:
    """Scores by several methods for the same target, in one state of the model.

    Parameters
    ----------
    methods: names from `iw.attribution_methods()`, at least two different ones
    settings: as for `iw.attribute` (group, delete, samples, baseline, ..., seed), and each method takes its own; the
        function is by default the log-probability, or the difference with a foil
    target, foil, progress, cancel, confirm: as for `iw.attribute`

    Raises what `iw.attribute` raises, and ArgumentError for fewer than two methods.
    """
    names = _names(lm, prompt, methods, settings)
    settings = _same_function(settings, foil)
    if callable(confirm):
        cost = estimate_compare(lm, prompt, target, foil, methods=names, **settings)
        if not confirm(cost):
            raise Cancelled("not confirmed; nothing was computed")
        confirm = True
    results: list[AttributionResult] = []
    with Bar(progress) as bar, lm.run(cancel=cancel):
        for i, name in enumerate(names):

            def advance(done: int, total: int, text: str, i: int = i, name: str = name) -> None:
                share = done / total if total else 0.0
                bar.advance(int(100 * (i + share)), 100 * len(names), f"{registry.find(name).label}: {text}")

            results.append(
                attribute(lm, prompt, target, foil, name, progress=advance, cancel=cancel, confirm=confirm, **settings)
            )
    return side_by_side(results)


def _names(lm: LanguageModel, prompt: Prompt, methods: Sequence[str], settings: dict[str, Any]) -> list[str]:
    if isinstance(methods, str) or not isinstance(methods, Sequence):
        raise ArgumentError(f"methods={methods!r}: a list of at least two names from iw.attribution_methods()")
    tokens = len(lm.encode(prompt))
    names = list(dict.fromkeys(registry.find(name, tokens).name for name in methods))
    if len(names) < 2:
        raise ArgumentError(f"methods={list(methods)!r}: a comparison takes at least two different methods")
    unknown = settings.keys() - set(_SETTINGS)
    if unknown:
        raise ArgumentError(f"compare has no {', '.join(sorted(unknown))}; it takes {', '.join(_SETTINGS)}")
    return names


def _same_function(settings: dict[str, Any], foil: Wish | None) -> dict[str, Any]:
    """Each method has a function that it explains by default; side by side they explain the same."""
    given = settings.get("function")
    return {**settings, "function": "log-probability" if given is None and foil is None else given}


_SETTINGS = (
    "function", "group", "delete", "samples", "baseline", "steps", "quadrature", "checkpoint", "seed", "batch_size",
)  # fmt: skip


def estimate_compare(
    lm: LanguageModel,
    prompt: Prompt,
    target: Wish | None = None,
    foil: Wish | None = None,
    *,
    methods: Sequence[str] = METHODS,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    **settings: Any,
) -> Cost:
    """What `compare` with the same arguments would cost; runs nothing."""
    names = _names(lm, prompt, methods, settings)
    settings = _same_function(settings, foil)
    costs = [estimate_attribute(lm, prompt, target, foil, name, **settings) for name in names]
    return Cost(
        forward_passes=sum(cost.forward_passes for cost in costs),
        seconds=sum(cost.seconds for cost in costs),
        bytes=max(cost.bytes for cost in costs),
        further_passes=sum(cost.further_passes for cost in costs),
    )


def side_by_side(results: Sequence[AttributionResult]) -> ComparisonResult:
    """A comparison of results that explain the same question, for example of saved ones.

    Raises ArgumentError if they differ in prompt, units, target, foil or function, or share a method.
    """
    if len(results) < 2:
        raise ArgumentError(f"results: {len(results)} of them; a comparison takes at least two")
    first = results[0]
    for other in results[1:]:
        require_same_question(first, other)
    if len({result.method for result in results}) < len(results):
        raise ArgumentError("results: two of them are by the same method; subtract one from the other instead (a - b)")
    scores = np.stack([result.scores for result in results])
    agreement = np.asarray([[rank_correlation(one, other) for other in scores] for one in scores])
    np.fill_diagonal(agreement, 1.0)
    return ComparisonResult(
        text=first.text,
        tokens=first.tokens,
        token_ids=first.token_ids,
        spans=first.spans,
        groups=first.groups,
        grouping=first.grouping,
        target=first.target,
        target_ids=first.target_ids,
        foil=first.foil,
        foil_ids=first.foil_ids,
        function=first.function,
        unit=first.unit,
        gap=first.gap,
        candidates=first.candidates,
        entries=tuple(_entry(result) for result in results),
        scores=scores,
        agreement=agreement,
        provenance=replace(
            first.provenance,
            forward_passes=sum(result.forward_passes for result in results),
            seconds=sum(result.seconds for result in results),
            notes=(),
        ),
    )


def _entry(result: AttributionResult) -> Entry:
    return Entry(
        method=result.method,
        label=registry.find(result.method).label,
        settings=result.settings,
        diagnostics=result.diagnostics,
        verdict=result.verdict,
        forward_passes=result.forward_passes,
        seconds=result.seconds,
        batch_size=result.provenance.batch_size,
        notes=result.provenance.notes,
    )


def require_same_question(one: AttributionResult, other: AttributionResult) -> None:
    """Raises ArgumentError naming what differs."""
    for name in ("text", "tokens", "target", "foil", "function", "unit"):
        a, b = getattr(one, name), getattr(other, name)
        if a != b:
            raise ArgumentError(f"the results explain different questions: their {name} is {a!r} and {b!r}")


_WORDS = ("trust", "caution", "do not trust")


def subtract(one: AttributionResult, other: AttributionResult) -> AttributionResult:
    """Scores of `one` minus those of `other`, for the same question: another method, model state or setting.

    The verdict is the worse of the two. Raises ArgumentError if they explain different questions.
    """
    require_same_question(one, other)
    worse = max(one.verdict, other.verdict, key=lambda verdict: _WORDS.index(verdict.word))
    interval = None
    if one.interval is not None and other.interval is not None:  # of independent estimates
        half = np.hypot(np.ptp(one.interval, axis=1), np.ptp(other.interval, axis=1)) / 2
        middle = one.interval.mean(1) - other.interval.mean(1)
        interval = np.stack([middle - half, middle + half], axis=1)
    sentence = f"a difference of two results; the less reliable says: {worse.sentence}"
    return replace(
        one,
        scores=one.scores - other.scores,
        interval=interval,
        method=f"{one.method} - {other.method}",
        settings={},
        diagnostics={"agreement": rank_correlation(one.scores, other.scores)},
        verdict=Verdict(worse.word, sentence, worse.why),
        provenance=replace(
            one.provenance,
            forward_passes=one.forward_passes + other.forward_passes,
            seconds=one.seconds + other.seconds,
            notes=(f"{one.method} minus {other.method}",),
        ),
    )
