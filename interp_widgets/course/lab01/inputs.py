"""Random inputs and functions for the cases of the lab's exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments
from interp_widgets.course.lab01.functions import Quadratic

Maker = Callable[[np.random.Generator], Arguments]


def random_numbers(rng: np.random.Generator, *shape: int) -> Tensor:
    """Away from zero, of both signs, so that nothing cancels by chance."""
    return torch.as_tensor(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def quadratic(rng: np.random.Generator, shape: tuple[int, ...]) -> Quadratic:
    n = int(np.prod(shape))
    half = rng.normal(size=(n, n))
    return Quadratic(shape, torch.as_tensor(half + half.T))
