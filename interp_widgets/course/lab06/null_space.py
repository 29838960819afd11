"""Exercises 6 and 7: AlphaEdit's free directions, and its change within them that keeps earlier edits.

References: the complement of the large eigenvectors, one at a time (exercise 6); least squares in a basis of the free
directions (exercise 7).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab06.closed_forms import moment_of

Floats = NDArray[np.float64]
_WIDTH, _OUTPUTS = 7, 4

# Exercise 6


def _moment(scale: float, free: int) -> Callable[[np.random.Generator], Arguments]:
    """C in some units, and a threshold in the same ones that leaves so many directions free."""

    def arguments(rng: np.random.Generator) -> Arguments:
        moment = scale * moment_of(rng, 80, _WIDTH)
        values = np.linalg.eigvalsh(moment)
        threshold = float(np.sqrt(values[free - 1] * values[free]))
        return torch.as_tensor(moment), threshold

    return arguments


def projector(moment: Floats, threshold: float) -> Floats:
    values, vectors = np.linalg.eigh(moment)
    found = np.eye(len(moment))
    for value, vector in zip(values, vectors.T, strict=True):
        if value >= threshold:
            found = found - np.outer(vector, vector)
    return found


def _free(moment: Tensor, threshold: float) -> Tensor:
    return torch.as_tensor(projector(moment.numpy(), threshold))


def _of_eigenvectors(way: Callable[[Floats, Floats, float], Floats]) -> Callable[..., Tensor]:
    """Of eigenvalues, eigenvectors as columns, and the threshold."""

    def answer(moment: Tensor, threshold: float) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(way(*np.linalg.eigh(moment.numpy()), threshold)))

    return answer


def _onto(columns: Floats) -> Floats:
    return np.asarray(columns @ columns.T)


FREE = Exercise(
    id="lab06-q6",
    title="Directions that are free",
    difficulty=2,
    minutes=15,
    signature="free_directions(moment, threshold)",
    cases=(
        Case(
            name="two directions are free",
            points=1,
            arguments=_moment(1.0, 2),
            expected=_free,
            relative=1e-5,
            hint="P is the sum of v vᵀ over the eigenvectors v of C whose eigenvalue is below the threshold.",
        ),
        Case(
            name="keys in other units, five directions free",
            points=1,
            arguments=_moment(1e-3, 5),
            expected=_free,
            relative=1e-5,
            hint="The threshold is in the units of C's eigenvalues, and is compared with them as it is.",
        ),
    ),
    mistakes=(
        Mistake(
            name="known-directions",
            hint="This projects to where keys *do* reach, the opposite: an edit there changes every answer.",
            answer=_of_eigenvectors(lambda values, vectors, threshold: _onto(vectors[:, values >= threshold])),
        ),
        Mistake(
            name="relative",
            hint="The threshold was multiplied by the largest eigenvalue. It is absolute.",
            answer=_of_eigenvectors(
                lambda values, vectors, threshold: _onto(vectors[:, values < threshold * values[-1]])
            ),
        ),
        Mistake(
            name="roots",
            hint="The square roots of the eigenvalues were compared. C is a mean of squares, and so is the threshold.",
            answer=_of_eigenvectors(
                lambda values, vectors, threshold: _onto(vectors[:, np.sqrt(values.clip(0)) < threshold])
            ),
        ),
        Mistake(
            name="basis",
            hint="These are the free directions themselves. P = V Vᵀ, (width, width), takes a key to its part in them.",
            answer=_of_eigenvectors(lambda values, vectors, threshold: vectors[:, values < threshold]),
        ),
        Mistake(
            name="part-of-c",
            hint="This is the part of C with small eigenvalues. In P each free direction counts 1.",
            answer=_of_eigenvectors(
                lambda values, vectors, threshold: (vectors * np.where(values < threshold, values, 0)) @ vectors.T
            ),
        ),
    ),
    hints=(
        "`values, vectors = torch.linalg.eigh(moment)`: eigenvalues ascending, eigenvectors as columns.",
        "`vectors[:, values < threshold]` has the free directions; times its transpose it is P.",
    ),
)

# Exercise 7


def _protected(count: int, earlier: int, penalty: float) -> Callable[[np.random.Generator], Arguments]:
    """Facts, keys of earlier edits, and a projector to four of seven directions."""

    def arguments(rng: np.random.Generator) -> Arguments:
        directions = np.linalg.qr(rng.normal(size=(_WIDTH, _WIDTH)))[0][:, :4]
        keys, before = rng.normal(size=(count, _WIDTH)), rng.normal(size=(earlier, _WIDTH))
        missing = rng.normal(size=(count, _OUTPUTS))
        return (*map(torch.as_tensor, (missing, keys, before, directions @ directions.T)), penalty)

    return arguments


def _in_basis(missing: Floats, keys: Floats, before: Floats, onto: Floats, penalty: float) -> Floats:
    """D = X V^T, V a basis, with the least |D k - r|^2 over facts, |D k|^2 over earlier ones and penalty |X|^2."""
    left, sizes, _ = np.linalg.svd(onto)
    basis = left[:, sizes > 0.5]
    rows = np.concatenate([keys @ basis, before @ basis, np.sqrt(penalty) * np.eye(basis.shape[1])])
    due = np.zeros((len(rows), missing.shape[1]))
    due[: len(keys)] = missing
    return np.asarray(np.linalg.lstsq(rows, due, rcond=None)[0].T @ basis.T)


def _by(way: Callable[[Floats, Floats, Floats, Floats, float], Floats]) -> Callable[..., Tensor]:
    def answer(missing: Tensor, keys: Tensor, earlier: Tensor, onto: Tensor, penalty: float) -> Tensor:
        found = way(missing.numpy(), keys.numpy(), earlier.numpy(), onto.numpy(), penalty)
        return torch.as_tensor(np.ascontiguousarray(found))

    return answer


def _plain(r: Floats, k: Floats, e: Floats, p: Floats, penalty: float) -> Floats:
    return _in_basis(r, k, e, np.eye(len(p)), penalty)


PROTECTED = Exercise(
    id="lab06-q7",
    title="A change that keeps what was",
    difficulty=3,
    minutes=25,
    signature="protected(missing, keys, earlier, onto, penalty)",
    cases=(
        Case(
            name="the first edit",
            points=1,
            arguments=_protected(2, 0, 0.5),
            expected=_by(_in_basis),
            relative=1e-5,
            hint="Project the keys first: inside = P K Kᵀ P + penalty · 1, and D = R Kᵀ P inside⁻¹.",
        ),
        Case(
            name="three edits were made before",
            points=2,
            arguments=_protected(2, 3, 0.5),
            expected=_by(_in_basis),
            relative=1e-5,
            hint="Keys of earlier edits, projected, stand in the brackets as well, with nothing missing at them.",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-earlier",
            hint="The keys of earlier edits are not in it: this edit may undo them.",
            answer=_by(lambda r, k, e, p, penalty: _in_basis(r, k, e[:0], p, penalty)),
        ),
        Mistake(
            name="not-projected",
            hint="P is not in it: the change goes also where ordinary keys are.",
            answer=_by(_plain),
        ),
        Mistake(
            name="projected-afterwards",
            hint="The change was found in all directions and projected at the end: what it lost there is missing at"
            " the facts. Project the keys first.",
            answer=_by(lambda r, k, e, p, penalty: _plain(r, k, e, p, penalty) @ p),
        ),
        Mistake(
            name="earlier-not-projected",
            hint="The keys of earlier edits were not projected. The change sees only their part in the free"
            " directions.",
            answer=_by(
                lambda r, k, e, p, penalty: (
                    r.T @ (k @ p) @ np.linalg.inv((k @ p).T @ (k @ p) + e.T @ e + penalty * np.eye(len(p)))
                )
            ),
        ),
        Mistake(
            name="no-penalty",
            hint="The penalty is missing: where keys are nearly alike the change becomes as large as it takes.",
            answer=_by(lambda r, k, e, p, penalty: _in_basis(r, k, e, p, 0.0)),
        ),
        Mistake(
            name="transposed",
            hint="The change is turned. It is added to W, (outputs, width).",
            answer=_by(lambda *given: _in_basis(*given).T),
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: what is missing would be taken away.",
            answer=_by(lambda *given: -_in_basis(*given)),
        ),
    ),
    hints=(
        "`inside = keys @ onto` are the projected keys, as rows; P is symmetric.",
        "`gram = inside.T @ inside`, the same of the earlier keys, and `penalty * torch.eye(...)`: their sum is what is"
        " inverted.",
        "`torch.linalg.solve(gram, inside.T @ missing).T` is D.",
    ),
)
