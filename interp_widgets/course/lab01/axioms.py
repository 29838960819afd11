"""Exercises 3 and 4: completeness and sensitivity, on functions with a known answer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab01.functions import Known, Linear, Method, Saturating, path_scores, saliency
from interp_widgets.course.lab01.inputs import Maker, quadratic, random_numbers


def _scored(shape: tuple[int, ...], sign: int) -> Maker:
    """Scores that claim too much (sign 1) or too little (sign -1), so that a lost sign shows for every seed."""

    def arguments(rng: np.random.Generator) -> Arguments:
        f, x, baseline = quadratic(rng, shape), random_numbers(rng, *shape), random_numbers(rng, *shape)
        scores = random_numbers(rng, *shape)
        gap = float(scores.sum()) - _due(f, x, baseline)
        wanted = sign * float(rng.uniform(1.0, 5.0))
        return f, x, baseline, scores + (wanted - gap) / scores.numel()

    return arguments


def _due(f: Known, x: Tensor, baseline: Tensor) -> float:
    return f.value(x) - f.value(baseline)


GAP = Exercise(
    id="lab01-q3",
    title="The completeness gap",
    difficulty=1,
    minutes=6,
    signature="completeness_gap(f, x, baseline, scores)",
    cases=(
        Case(
            name="five features",
            points=1,
            arguments=_scored((5,), 1),
            expected=lambda f, x, baseline, scores: float(scores.sum()) - _due(f, x, baseline),
            hint="The sum of the scores less what is due, f(x) − f(baseline), as one number with its sign.",
        ),
        Case(
            name="a score for each number of a table (2, 3)",
            points=1,
            arguments=_scored((2, 3), -1),
            expected=lambda f, x, baseline, scores: float(scores.sum()) - _due(f, x, baseline),
            hint="All scores are summed, whatever their shape.",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-baseline",
            hint="f(baseline) is missing: the scores explain the difference to the baseline, not f(x) itself.",
            answer=lambda f, x, baseline, scores: float(scores.sum()) - f.value(x),
        ),
        Mistake(
            name="magnitude",
            hint="Keep the sign: it says whether the scores claim too much or too little.",
            answer=lambda f, x, baseline, scores: abs(float(scores.sum()) - _due(f, x, baseline)),
        ),
        Mistake(
            name="wrong-sign",
            hint="This is what is due less the sum. The gap is the sum less what is due: positive if the scores"
            " claim too much.",
            answer=lambda f, x, baseline, scores: _due(f, x, baseline) - float(scores.sum()),
        ),
        Mistake(
            name="mean-not-sum",
            hint="Completeness speaks of the sum of the scores, not of their mean.",
            answer=lambda f, x, baseline, scores: float(scores.mean()) - _due(f, x, baseline),
        ),
        Mistake(
            name="ratio",
            hint="This is relative to what is due. Give the plain difference; it is there also where nothing is due.",
            answer=lambda f, x, baseline, scores: float(scores.sum()) / _due(f, x, baseline) - 1,
        ),
    ),
    hints=(
        "What is due is f(x) − f(baseline). f takes batches: `f(x[None])[0]`.",
        "`float(...)` makes a number of a tensor.",
    ),
)


def _one_differs(rng: np.random.Generator, f: Known, low: float, high: float) -> tuple[Tensor, Tensor, int]:
    """x and a baseline that differ in one feature, and its place."""
    n = f.shape[0]
    baseline = torch.zeros(n, dtype=torch.float64)
    x, where = baseline.clone(), int(rng.integers(n))
    x[where] = rng.uniform(low, high)
    return x, baseline, where


def _saturated(method: Method) -> Maker:
    def arguments(rng: np.random.Generator) -> Arguments:
        f = Saturating((3,))
        x, baseline, _ = _one_differs(rng, f, 1.5, 3.0)
        return method, f, x, baseline

    return arguments


def _unmoved(rng: np.random.Generator) -> Arguments:
    """The feature that differs has no weight: f is the same, and a score of zero is right."""
    weights = random_numbers(rng, 3)
    f = Linear((3,), weights)
    x, baseline, where = _one_differs(rng, f, 1.0, 2.0)
    weights[where] = 0.0
    return path_scores, f, x, baseline


def _elsewhere(rng: np.random.Generator) -> Arguments:
    """A method that gives zero to the feature that differs and something to the others, on a function that moved."""
    f = Linear((3,), random_numbers(rng, 3))
    x, baseline, where = _one_differs(rng, f, 1.0, 2.0)

    def blind(g: Known, one: Tensor, other: Tensor) -> Tensor:
        scores = saliency(g, one, other)
        scores[where] = 0.0
        return scores

    return blind, f, x, baseline


def _moved(f: Known, x: Tensor, baseline: Tensor) -> bool:
    return f.value(x) != f.value(baseline)


SENSITIVITY = Exercise(
    id="lab01-q4",
    title="A method that is blind",
    difficulty=2,
    minutes=12,
    signature="breaks_sensitivity(method, f, x, baseline)",
    partial=False,
    cases=(
        Case(
            name="the gradient where f has saturated: blind",
            points=1,
            arguments=_saturated(saliency),
            expected=lambda method, f, x, baseline: True,
            hint="f(x) is not f(baseline), one feature differs, and its score is zero: that breaks the axiom.",
        ),
        Case(
            name="integrated gradients at the same place: not blind",
            points=1,
            arguments=_saturated(path_scores),
            expected=lambda method, f, x, baseline: False,
            hint="The feature that differs has a score, so the axiom holds, whatever the others have.",
        ),
        Case(
            name="a feature without any effect may have the score zero",
            points=1,
            arguments=_unmoved,
            expected=lambda method, f, x, baseline: False,
            hint="The axiom speaks only of inputs for which f gives different values.",
        ),
        Case(
            name="scores on other features do not help",
            points=1,
            arguments=_elsewhere,
            expected=lambda method, f, x, baseline: True,
            hint="Look at the score of the feature that differs, not at the others.",
        ),
    ),
    mistakes=(
        Mistake(
            name="reversed",
            hint="This is the other way round: True where the axiom is broken.",
            answer=lambda method, f, x, baseline: (
                not (_moved(f, x, baseline) and bool((method(f, x, baseline)[x != baseline] == 0).all()))
            ),
        ),
        Mistake(
            name="any-zero",
            hint="Some feature that does not differ has the score zero, and that is allowed: look only where x !="
            " baseline.",
            answer=lambda method, f, x, baseline: _moved(f, x, baseline) and bool((method(f, x, baseline) == 0).any()),
        ),
        Mistake(
            name="all-zero",
            hint="You ask whether all scores are zero. The axiom asks for a score of the one feature that differs.",
            answer=lambda method, f, x, baseline: _moved(f, x, baseline) and bool((method(f, x, baseline) == 0).all()),
        ),
        Mistake(
            name="unmoved",
            hint="Where f(x) equals f(baseline) there is nothing to explain: the axiom asks for a score only if f"
            " moved.",
            answer=lambda method, f, x, baseline: bool((method(f, x, baseline)[x != baseline] == 0).all()),
        ),
    ),
    hints=(
        "Two questions, both must be answered yes: did f move, and is the score of the feature that differs zero?",
        "`method(f, x, baseline)` gives the scores; `x != baseline` is a mask that picks the feature.",
    ),
)
