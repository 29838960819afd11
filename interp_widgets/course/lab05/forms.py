"""Exercise 8's subjects: three ways to write the change of rank one, under letters, so that the audit has to tell.

One of them is the published code's: it looks for the direction with one key and divides by the product with another.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Form = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # C, the mean key, the plain prompt's key, delta


def _a(moment: Tensor, mean: Tensor, plain: Tensor, delta: Tensor) -> Tensor:
    u = torch.linalg.solve(moment, plain)
    return torch.outer(delta, u / (plain @ u))


def _b(moment: Tensor, mean: Tensor, plain: Tensor, delta: Tensor) -> Tensor:
    u = torch.linalg.solve(moment, mean)
    return torch.outer(delta, u / (plain @ u))


def _c(moment: Tensor, mean: Tensor, plain: Tensor, delta: Tensor) -> Tensor:
    u = torch.linalg.solve(moment, mean)
    return torch.outer(delta, u / (mean @ u))


FORMS: dict[str, Form] = {"A": _a, "B": _b, "C": _c}
NAMES = {"A": "plain", "B": "published", "C": "averaged"}  # what the package calls them
