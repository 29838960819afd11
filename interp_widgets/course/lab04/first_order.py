"""Exercise 7: all patches from one gradient.

References: central differences along each patch, which need no gradient; for a function that is linear, the patch
itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Function = Callable[[Tensor], Tensor]
_POSITIONS, _WIDTH = 4, 3


class Linear:
    """f(states) = the sum of weights x states: there the estimate is exact."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights

    def __call__(self, states: Tensor) -> Tensor:
        total: Tensor = (self.weights * states).sum()
        return total


class Saturating:
    """A number that positions make together, and that levels off: f(states) = tanh(a) + a b / 2, where a and b are sums
    of weights x states."""

    def __init__(self, one: Tensor, other: Tensor) -> None:
        self.one, self.other = one, other

    def __call__(self, states: Tensor) -> Tensor:
        a, b = (self.one * states).sum(), (self.other * states).sum()
        total: Tensor = torch.tanh(a) + a * b / 2
        return total


def _normal(rng: np.random.Generator) -> Tensor:
    drawn: Tensor = torch.as_tensor(rng.normal(size=(_POSITIONS, _WIDTH)))
    return drawn


def _linear(rng: np.random.Generator) -> Arguments:
    return Linear(_normal(rng)), _normal(rng), _normal(rng)


def _saturating(rng: np.random.Generator) -> Arguments:
    return Saturating(0.4 * _normal(rng), 0.4 * _normal(rng)), _normal(rng), _normal(rng)


def _along(f: Function, at: Tensor, step: Tensor) -> Tensor:
    """(positions,): how f changes at `at` along each position's row of `step`, by central differences."""
    size, found = 1e-5, []
    for position in range(len(at)):
        alone = torch.zeros_like(step)
        alone[position] = size * step[position]
        found.append((float(f(at + alone)) - float(f(at - alone))) / (2 * size))
    return torch.as_tensor(found, dtype=torch.float64)


def _first_order(f: Function, clean: Tensor, corrupted: Tensor) -> Tensor:
    return _along(f, corrupted, clean - corrupted)


def _exact(f: Function, clean: Tensor, corrupted: Tensor) -> Tensor:
    found = []
    for position in range(len(clean)):
        patched = corrupted.clone()
        patched[position] = clean[position]
        found.append(float(f(patched)) - float(f(corrupted)))
    return torch.as_tensor(found, dtype=torch.float64)


def _gradient_size(f: Function, clean: Tensor, corrupted: Tensor) -> Tensor:
    """The length of the gradient at each position."""
    rows = []
    for position in range(len(corrupted)):
        row = []
        for entry in range(corrupted.shape[1]):
            step = torch.zeros_like(corrupted)
            step[position, entry] = 1e-5
            row.append((float(f(corrupted + step)) - float(f(corrupted - step))) / 2e-5)
        rows.append(row)
    lengths: Tensor = torch.as_tensor(rows, dtype=torch.float64).square().sum(1).sqrt()
    return lengths


FIRST_ORDER = Exercise(
    id="lab04-q7",
    title="All patches from one gradient",
    difficulty=2,
    minutes=20,
    signature="first_order(f, clean, corrupted)",
    cases=(
        Case(
            name="a number that is linear in the states",
            points=1,
            arguments=_linear,
            expected=_exact,
            relative=1e-5,
            hint="Where f is linear the estimate is exact: weights × (clean − corrupted), summed over each row.",
        ),
        Case(
            name="a number that levels off",
            points=2,
            arguments=_saturating,
            expected=_first_order,
            relative=1e-5,
            hint="The gradient in the corrupted run, times clean − corrupted, summed over the width.",
        ),
    ),
    mistakes=(
        Mistake(
            name="at-clean",
            hint="The gradient was taken in the clean run. The patch starts from the corrupted one: that is where the"
            " slope is asked for.",
            answer=lambda f, clean, corrupted: _along(f, clean, clean - corrupted),
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: a patch goes from corrupted to clean, so the step is clean − corrupted.",
            answer=lambda f, clean, corrupted: -_first_order(f, clean, corrupted),
        ),
        Mistake(
            name="no-difference",
            hint="This is gradient × clean state. What a patch changes is the difference of the two states.",
            answer=lambda f, clean, corrupted: _along(f, corrupted, clean),
        ),
        Mistake(
            name="exact",
            hint="These are the exact effects, one call of f for each position. Asked is the estimate, by *one*"
            " gradient for all of them.",
            answer=_exact,
        ),
        Mistake(
            name="absolute",
            hint="The sign is lost. Patches that push the other way are findings too.",
            answer=lambda f, clean, corrupted: _first_order(f, clean, corrupted).abs(),
        ),
        Mistake(
            name="mean-over-width",
            hint="The mean over the width was taken. All entries of a state change together: take the sum.",
            answer=lambda f, clean, corrupted: _first_order(f, clean, corrupted) / clean.shape[1],
        ),
        Mistake(
            name="gradient-alone",
            hint="This is how steep f is at each position, and not how far the patch goes. Multiply by"
            " clean − corrupted.",
            answer=_gradient_size,
        ),
    ),
    hints=(
        "`states = corrupted.clone().requires_grad_()`, then `torch.autograd.grad(f(states), states)[0]`.",
        "gradient × (clean − corrupted) has the shape (positions, width); sum over the width.",
    ),
)
