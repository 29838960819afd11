"""Exercise 1: a matrix as a memory of keys and values.

References: closed forms in NumPy, by the smaller of the two matrices of products.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

_OUTPUTS = 3


def _normal(facts: int, width: int) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        return torch.as_tensor(rng.normal(size=(facts, width))), torch.as_tensor(rng.normal(size=(facts, _OUTPUTS)))

    return arguments


def _orthogonal(rng: np.random.Generator) -> Arguments:
    """Keys at right angles, of different lengths."""
    axes = np.linalg.qr(rng.normal(size=(6, 4)))[0].T
    return torch.as_tensor(rng.uniform(1.5, 4, (4, 1)) * axes), torch.as_tensor(rng.normal(size=(4, _OUTPUTS)))


def _memory(keys: Tensor, values: Tensor) -> Tensor:
    k, v = keys.numpy(), values.numpy()
    if len(k) < k.shape[1]:
        return torch.as_tensor(v.T @ np.linalg.inv(k @ k.T) @ k)
    return torch.as_tensor(v.T @ k @ np.linalg.inv(k.T @ k))


def _products(keys: Tensor, values: Tensor) -> Tensor:
    """The sum of v k^T over the pairs."""
    return torch.as_tensor(np.einsum("no,nd->od", values.numpy(), keys.numpy()))


def _centred(keys: Tensor, values: Tensor) -> Tensor:
    """By singular values: keys whose mean was taken out depend on each other."""
    fitted = np.linalg.lstsq((keys - keys.mean(0)).numpy(), (values - values.mean(0)).numpy(), rcond=None)[0]
    return torch.as_tensor(fitted.T)


MEMORY = Exercise(
    id="lab05-q1",
    title="A matrix that remembers",
    difficulty=1,
    minutes=12,
    signature="memory(keys, values)",
    cases=(
        Case(
            name="four keys at right angles",
            points=1,
            arguments=_orthogonal,
            expected=_memory,
            hint="Keys at right angles do not disturb each other: v kᵀ / |k|² for each of them, summed.",
        ),
        Case(
            name="four keys of width seven",
            points=1,
            arguments=_normal(4, 7),
            expected=_memory,
            hint="With fewer keys than entries every value can be recalled exactly, also where keys are alike.",
        ),
        Case(
            name="twelve keys of width five",
            points=1,
            arguments=_normal(12, 5),
            expected=_memory,
            hint="With more keys than entries nothing fits exactly: least squares, over all pairs.",
        ),
    ),
    mistakes=(
        Mistake(
            name="summed",
            hint="This is the sum of v kᵀ. Asked with k it answers with |k|² times the value, and with a part of all"
            " values whose keys are not at a right angle to it.",
            answer=_products,
        ),
        Mistake(
            name="summed-by-length",
            hint="Each v kᵀ is divided by |k|², as if every key were alone. Keys that are not at a right angle speak up"
            " for each other; least squares takes that out.",
            answer=lambda keys, values: _products(keys / keys.square().sum(1, keepdim=True), values),
        ),
        Mistake(
            name="mean",
            hint="This is the mean of v kᵀ over the pairs. More facts would make each of them fainter.",
            answer=lambda keys, values: _products(keys, values) / len(keys),
        ),
        Mistake(
            name="unit-keys",
            hint="The keys were made unit vectors first. The matrix is asked with the keys as they are.",
            answer=lambda keys, values: _memory(keys / keys.norm(dim=1, keepdim=True), values),
        ),
        Mistake(
            name="centred",
            hint="Means were taken out of keys and values. The matrix has no bias that could put them back.",
            answer=_centred,
        ),
        Mistake(
            name="transposed",
            hint="The matrix is turned: W has the shape (outputs, width), so that W k is a value, as in `nn.Linear`.",
            answer=lambda keys, values: _memory(keys, values).T.contiguous(),
        ),
    ),
    hints=(
        "With keys K, (n, width), and values V, (n, outputs), the recalled values are K Wᵀ: you want K Wᵀ ≈ V.",
        "`torch.linalg.pinv(K) @ V` is the least-squares solution of K X = V with the smallest norm.",
    ),
)
