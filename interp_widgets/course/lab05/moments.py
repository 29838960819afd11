"""Exercise 6: the second moment of keys, summed over batches.

Reference: NumPy, key by key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

_WIDTH = 4
Batches = tuple[tuple[Tensor, Tensor], ...]


def _batches(*lengths: Sequence[int]) -> Callable[[np.random.Generator], Arguments]:
    """A batch for each list of lengths, padded on the right with what is no key at all; keys do not have the mean 0."""

    def arguments(rng: np.random.Generator) -> Arguments:
        found = []
        for batch in lengths:
            keys = rng.normal(0.7, 1, (len(batch), max(batch) + 1, _WIDTH))
            for text, length in zip(keys, batch, strict=True):
                text[length:] = 9 * rng.normal(size=(max(batch) + 1 - length, _WIDTH))
            found.append((torch.as_tensor(keys, dtype=torch.float32), torch.as_tensor(batch)))
        return (tuple(found),)

    return arguments


def _rows(batches: Batches, *, padding: bool = False) -> list[list[np.ndarray]]:
    """The keys of each batch."""
    found = []
    for keys, lengths in batches:
        pairs = zip(keys.double().numpy(), lengths.tolist(), strict=True)
        found.append([key for text, length in pairs for key in (text if padding else text[:length])])
    return found


def _moment(rows: Sequence[np.ndarray]) -> np.ndarray:
    total = np.zeros((_WIDTH, _WIDTH))
    for key in rows:
        total += np.outer(key, key)
    return total / len(rows)


def _all(batches: Batches) -> list[np.ndarray]:
    return [key for rows in _rows(batches) for key in rows]


def _second_moment(batches: Batches) -> Tensor:
    return torch.as_tensor(_moment(_all(batches)))


def _scaled(factor: Callable[[Batches, int], float]) -> Callable[[Batches], Tensor]:
    """Times a factor: of the batches and the number of keys."""
    return lambda batches: _second_moment(batches) * factor(batches, len(_all(batches)))


def _centred(batches: Batches) -> Tensor:
    return torch.as_tensor(np.cov(np.stack(_all(batches)).T, bias=True))


def _by_batch(batches: Batches) -> Tensor:
    return torch.as_tensor(np.mean([_moment(rows) for rows in _rows(batches)], axis=0))


def _padded(batches: Batches) -> Tensor:
    return torch.as_tensor(_moment([key for rows in _rows(batches, padding=True) for key in rows]))


def _unit(batches: Batches) -> Tensor:
    return torch.as_tensor(_moment([key / np.linalg.norm(key) for key in _all(batches)]))


def _of_mean(batches: Batches) -> Tensor:
    mean = np.mean(_all(batches), axis=0)
    return torch.as_tensor(np.outer(mean, mean))


SECOND_MOMENT = Exercise(
    id="lab05-q6",
    title="What all keys have in common",
    difficulty=2,
    minutes=15,
    signature="second_moment(batches)",
    cases=(
        Case(
            name="one batch, nothing padded but the end",
            points=1,
            arguments=_batches((5, 5, 5)),
            expected=_second_moment,
            hint="The mean of k kᵀ over all keys, (width, width), in float64.",
        ),
        Case(
            name="three batches of texts of different length",
            points=2,
            arguments=_batches((3, 6), (2, 1, 4, 2), (7,)),
            expected=_second_moment,
            hint="Sum products and count keys over all batches; divide once, at the end.",
        ),
    ),
    mistakes=(
        Mistake(
            name="centred",
            hint="The mean was taken out of the keys: this is a covariance. The matrix W is asked with keys as they"
            " are, so their mean counts too.",
            answer=_centred,
        ),
        Mistake(
            name="padding",
            hint="Padding was counted. After `lengths` nothing in a row is a key.",
            answer=_padded,
        ),
        Mistake(
            name="by-batch",
            hint="The mean was taken in each batch, and then over batches: keys of a small batch weigh more. Divide"
            " once, by the number of all keys.",
            answer=_by_batch,
        ),
        Mistake(
            name="by-text",
            hint="The sum was divided by the number of texts. It is a mean over *tokens*.",
            answer=_scaled(lambda batches, n: n / sum(len(lengths) for _, lengths in batches)),
        ),
        Mistake(
            name="sum",
            hint="This is the sum. Divide by the number of keys, so that more text does not make C larger.",
            answer=_scaled(lambda batches, n: float(n)),
        ),
        Mistake(
            name="n-minus-one",
            hint="The sum was divided by n − 1. No mean was estimated here: divide by n.",
            answer=_scaled(lambda batches, n: n / (n - 1)),
        ),
        Mistake(
            name="unit-keys",
            hint="The keys were made unit vectors. How long a key is says how much of a change it would get.",
            answer=_unit,
        ),
        Mistake(
            name="of-the-mean",
            hint="This is the product of the mean key with itself, of rank one. Take k kᵀ of each key, then the mean.",
            answer=_of_mean,
        ),
    ),
    hints=(
        "`keys[torch.arange(keys.shape[1]) < lengths[:, None]]` are the keys that count, (n, width).",
        "For K, (n, width), the sum of all k kᵀ is `K.T @ K`; make K double before.",
    ),
)
