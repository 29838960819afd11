"""Exercises 1 and 2: the gradient, and its integral along a path, on functions with a known answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab01.functions import Cubic, Known, Linear, Saturating, midpoint_cubic, midpoints
from interp_widgets.course.lab01.inputs import quadratic, random_numbers


def _gradient(f: Known, x: Tensor) -> Tensor:
    return f.gradient(x)


def _steep(rng: np.random.Generator) -> Arguments:
    return Cubic((4,), random_numbers(rng, 4)), random_numbers(rng, 4)


def _flat(rng: np.random.Generator) -> Arguments:
    return Saturating((3,)), torch.as_tensor(rng.uniform(0.7, 2.0, 3))


def _tokens(rng: np.random.Generator) -> Arguments:
    return quadratic(rng, (3, 4)), random_numbers(rng, 3, 4)


GRADIENT = Exercise(
    id="lab01-q1",
    title="The gradient at one input",
    difficulty=1,
    minutes=8,
    signature="gradient(f, x)",
    cases=(
        Case(
            name="a steep place: f(x) = sum of w x³",
            points=1,
            arguments=_steep,
            expected=_gradient,
            hint="The gradient of one row with respect to that row: `torch.autograd.grad(f(x[None]).sum(), ...)`.",
        ),
        Case(
            name="a table of numbers: x has the shape (3, 4)",
            points=1,
            arguments=_tokens,
            expected=_gradient,
            hint="The answer has the shape of x: take the row of the batch back out with `[0]`.",
        ),
        Case(
            name="a flat place: f does not change, so all are zero",
            points=0,
            arguments=_flat,
            expected=_gradient,
            hint="Where f is flat the gradient is exactly zero.",
        ),
    ),
    mistakes=(
        Mistake(
            name="magnitude",
            hint="These are the sizes without their signs. Keep the sign: it says which way f moves.",
            answer=lambda f, x: f.gradient(x).abs(),
        ),
        Mistake(
            name="times-input",
            hint="This is gradient times input. Here only the gradient is asked for.",
            answer=lambda f, x: f.gradient(x) * x,
        ),
        Mistake(
            name="wrong-sign",
            hint="Every sign is the other way round: where f rises, the gradient is positive.",
            answer=lambda f, x: -f.gradient(x),
        ),
        Mistake(
            name="unit-length",
            hint="This was divided by its length. How steep f is belongs to the answer: do not normalise.",
            answer=lambda f, x: f.gradient(x) / f.gradient(x).norm().clamp(min=1e-12),
        ),
    ),
    hints=(
        "f takes a batch: `x[None]` is a batch of one. Make a copy of it that wants a gradient:"
        " `.clone().requires_grad_()`.",
        "`torch.autograd.grad(value, point)` gives a tuple with a gradient for each input that you name; value must be"
        " one number.",
        "The gradient has the shape of the batch, (1, ...). The answer has the shape of x.",
    ),
)


def _path(rng: np.random.Generator, f: Known, steps: int) -> Arguments:
    return f, random_numbers(rng, *f.shape), random_numbers(rng, *f.shape), steps


def _midpoint_scores(f: Known, x: Tensor, baseline: Tensor, steps: int) -> Tensor:
    return (x - baseline) * f.along(x, baseline, midpoints(steps)).mean(0)


def _by(alphas: Sequence[float], f: Known, x: Tensor, baseline: Tensor) -> Tensor:
    return (x - baseline) * f.along(x, baseline, torch.tensor(alphas, dtype=torch.float64)).mean(0)


PATH = Exercise(
    id="lab01-q2",
    title="Integrated gradients by hand",
    difficulty=2,
    minutes=20,
    signature="integrated_gradients(f, x, baseline, steps)",
    cases=(
        Case(
            name="few points on a curve: f(x) = sum of w x³, 4 steps",
            points=2,
            arguments=lambda rng: _path(rng, Cubic((3,), random_numbers(rng, 3)), 4),
            expected=midpoint_cubic,
            hint="The points are the middles of equal parts of the path: for 4 steps 1/8, 3/8, 5/8, 7/8.",
        ),
        Case(
            name="a straight line: f(x) = w·x + c gives w (x − baseline)",
            points=1,
            arguments=lambda rng: _path(rng, Linear((4,), random_numbers(rng, 4), float(rng.normal())), 7),
            expected=lambda f, x, baseline, steps: f.weights * (x - baseline),
            hint="On a straight line every gradient is w, so each score is w times the difference to the baseline.",
        ),
        Case(
            name="features that act together, x of the shape (2, 3)",
            points=1,
            arguments=lambda rng: _path(rng, quadratic(rng, (2, 3)), 9),
            expected=lambda f, x, baseline, steps: (x - baseline) * f.gradient((x + baseline) / 2),
            hint="The shape of the points is `(steps, *x.shape)`: give the alphas as many dimensions of size 1.",
        ),
        Case(
            name="a function that saturates: the scores still sum to 1",
            points=1,
            arguments=lambda rng: (
                Saturating((2,)),
                torch.as_tensor(rng.dirichlet([3, 3]) * 2),
                torch.zeros(2).double(),
                10,
            ),
            expected=lambda f, x, baseline, steps: x / 2,
            hint="Half of the path is steep and half is flat; the mean of the gradients is one half.",
        ),
    ),
    mistakes=(
        Mistake(
            name="sum-not-mean",
            hint="These are `steps` times too large: the integral is the mean of the gradients over the path, not"
            " the sum.",
            answer=lambda f, x, baseline, steps: steps * _midpoint_scores(f, x, baseline, steps),
        ),
        Mistake(
            name="times-input",
            hint="The mean gradient was multiplied by x. The path has the length x − baseline: multiply by that.",
            answer=lambda f, x, baseline, steps: x * f.along(x, baseline, midpoints(steps)).mean(0),
        ),
        Mistake(
            name="no-difference",
            hint="This is the mean gradient alone. Each feature's share is it times (x − baseline).",
            answer=lambda f, x, baseline, steps: f.along(x, baseline, midpoints(steps)).mean(0),
        ),
        Mistake(
            name="wrong-sign",
            hint="All signs are turned: the path runs from the baseline to x, so the difference is x − baseline.",
            answer=lambda f, x, baseline, steps: -_midpoint_scores(f, x, baseline, steps),
        ),
        Mistake(
            name="one-point",
            hint="This is the gradient at x alone, times the difference. The gradients along the whole path are"
            " needed.",
            answer=lambda f, x, baseline, steps: _by([1.0], f, x, baseline),
        ),
        Mistake(
            name="zero-baseline-path",
            hint="Your points lie between zero and x. The path starts at the baseline: b + alpha (x − b).",
            answer=lambda f, x, baseline, steps: (
                (x - baseline) * f.along(x, torch.zeros_like(x), midpoints(steps)).mean(0)
            ),
        ),
        Mistake(
            name="right-ends",
            hint="The points are the right ends 1/n, 2/n, ... 1, as in many textbooks. Here the middles are asked for:"
            " with as many points they are far nearer to the integral.",
            answer=lambda f, x, baseline, steps: _by([(i + 1) / steps for i in range(steps)], f, x, baseline),
        ),
        Mistake(
            name="left-ends",
            hint="The points are the left ends 0, 1/n, ...: the path's start is in, its end is not. Take the middles.",
            answer=lambda f, x, baseline, steps: _by([i / steps for i in range(steps)], f, x, baseline),
        ),
        Mistake(
            name="both-ends",
            hint="The points are linspace(0, 1, steps), each with the same weight: the two ends then count twice too"
            " much."
            " Take the middles of the parts.",
            answer=lambda f, x, baseline, steps: _by(
                torch.linspace(0, 1, steps, dtype=torch.float64).tolist(), f, x, baseline
            ),
        ),
    ),
    hints=(
        "Three lines: the points on the path, the gradients at them, the mean times the difference.",
        "`alphas = (torch.arange(steps) + 0.5) / steps`, in the dtype of x, reshaped to (steps, 1, ..., 1) so that"
        " `baseline + alphas * (x - baseline)` has the shape `(steps, *x.shape)`.",
        "`f(points).sum()` is one number; its gradient with respect to points has, in each row, the gradient of that"
        " row.",
    ),
)
