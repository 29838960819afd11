"""Functions whose gradients and path integrals are known in closed form, and ways to fool a method.

Each takes a batch, one input a row, and gives one number a row, as a model does for a batch of prompts.  Closed forms
are of integrated gradients along the straight line from a baseline b to x (Sundararajan, Taly and Yan 2017, eq. 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Method = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]  # (f, x, baseline) -> scores


@dataclass(frozen=True, eq=False)
class Known:
    """f: (rows, *shape) -> (rows,). calls: how many rows each call had."""

    shape: tuple[int, ...]
    calls: list[int] = field(default_factory=list, kw_only=True)

    def __call__(self, x: Tensor) -> Tensor:
        if not isinstance(x, Tensor) or tuple(x.shape[1:]) != self.shape or x.dim() != len(self.shape) + 1:
            got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            sizes = ", ".join(map(str, self.shape))
            raise ValueError(
                f"f takes a batch of the shape (rows, {sizes}), one input a row, and got {got};"
                " x[None] is a batch of one"
            )
        self.calls.append(len(x))
        return self.values(x.flatten(1))

    def values(self, x: Tensor) -> Tensor:
        raise NotImplementedError  # of each kind; (rows, n) -> (rows,)

    def gradient(self, x: Tensor) -> Tensor:
        """In closed form, of one input, in its shape."""
        return self.slope(x.flatten()).reshape(x.shape)

    def slope(self, x: Tensor) -> Tensor:
        raise NotImplementedError  # of each kind; (n,) -> (n,)

    def value(self, x: Tensor) -> float:
        """Of one input, not counted as a call."""
        return float(self.values(x.flatten()[None])[0])

    def along(self, x: Tensor, baseline: Tensor, alphas: Tensor) -> Tensor:
        """Gradients at baseline + alpha (x - baseline), in closed form: (alphas, *shape)."""
        return torch.stack([self.gradient(baseline + float(a) * (x - baseline)) for a in alphas])


@dataclass(frozen=True, eq=False)
class Linear(Known):
    """f(x) = w . x + c."""

    weights: Tensor
    constant: float = 0.0

    def values(self, x: Tensor) -> Tensor:
        return x @ self.weights + self.constant

    def slope(self, x: Tensor) -> Tensor:
        return self.weights


@dataclass(frozen=True, eq=False)
class Quadratic(Known):
    """f(x) = x . A x / 2 with a symmetric A: features that act together."""

    matrix: Tensor

    def values(self, x: Tensor) -> Tensor:
        return 0.5 * ((x @ self.matrix) * x).sum(1)

    def slope(self, x: Tensor) -> Tensor:
        return self.matrix @ x


@dataclass(frozen=True, eq=False)
class Cubic(Known):
    """f(x) = sum of w x^3: its gradient bends along the path, so the rule of the sum shows."""

    weights: Tensor

    def values(self, x: Tensor) -> Tensor:
        return (self.weights * x**3).sum(1)

    def slope(self, x: Tensor) -> Tensor:
        return 3 * self.weights * x**2


@dataclass(frozen=True, eq=False)
class Saturating(Known):
    """f(x) = 1 - max(0, 1 - sum of x): rises to 1, then is flat, as a model that is sure already."""

    def values(self, x: Tensor) -> Tensor:
        return 1 - torch.relu(1 - x.sum(1))

    def slope(self, x: Tensor) -> Tensor:
        return torch.ones_like(x) if x.sum() < 1 else torch.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Normalised(Known):
    """f(x) = w . x / |x|: what a norm such as RMSNorm leaves of its input. Its gradient grows as 1 / |x| near zero."""

    weights: Tensor

    def values(self, x: Tensor) -> Tensor:
        sizes: Tensor = torch.linalg.vector_norm(x, dim=1)
        return (x @ self.weights) / sizes

    def slope(self, x: Tensor) -> Tensor:
        size: Tensor = torch.linalg.vector_norm(x)
        return self.weights / size - x * (self.weights @ x) / size**3


def midpoints(steps: int) -> Tensor:
    """(steps,): the middles of so many equal parts of [0, 1]."""
    return (torch.arange(steps, dtype=torch.float64) + 0.5) / steps


def midpoint_cubic(f: Cubic, x: Tensor, baseline: Tensor, steps: int) -> Tensor:
    """The sum over midpoints in closed form: a mean of squares is the square of the mean and the variance of the
    points, (1 - 1 / steps²) / 12."""
    middle, spread = (x + baseline) / 2, (x - baseline) ** 2 * (1 - 1 / steps**2) / 12
    return (x - baseline) * 3 * f.weights * (middle**2 + spread)


def gradients(f: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """By autograd, one for each row of `points`, in its shape."""
    with torch.enable_grad():
        points = points.detach().clone().requires_grad_()
        (found,) = torch.autograd.grad(f(points).sum(), points)
    return found


def saliency(f: Callable[[Tensor], Tensor], x: Tensor, baseline: Tensor) -> Tensor:
    """The gradient at x (Simonyan, Vedaldi and Zisserman 2013); it has no use for the baseline."""
    return gradients(f, x[None])[0]


def path_scores(f: Callable[[Tensor], Tensor], x: Tensor, baseline: Tensor) -> Tensor:
    """Integrated gradients by the midpoint rule with 200 points."""
    points = baseline + midpoints(200).to(x.dtype).reshape(-1, *(1 for _ in x.shape)) * (x - baseline)
    return (x - baseline) * gradients(f, points).mean(0)


def total(x: Tensor, relu: Callable[[Tensor], Tensor] = torch.relu) -> Tensor:
    """f(x) = sum of x, as one sum."""
    return x.sum(1)


def total_by_parts(x: Tensor, relu: Callable[[Tensor], Tensor] = torch.relu) -> Tensor:
    """The same function for every x, as another network: each feature is the difference of its two halves."""
    return (relu(x) - relu(-x)).sum(1)


class _GuidedRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        ctx.save_for_backward(value)
        return torch.relu(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        value: Tensor = ctx.saved_tensors[0]
        return gradient.clamp(min=0) * (value > 0)


def guided(f: Callable[..., Tensor], x: Tensor, baseline: Tensor) -> Tensor:
    """Guided backpropagation (Springenberg et al. 2014): negative gradients are cut off at each ReLU.

    It looks into the network, so two networks that compute the same function can get different scores.
    """
    return saliency(lambda rows: f(rows, relu=_GuidedRelu.apply), x, baseline)
