"""Exercises 2 and 3: two covariances, and the whitening that follows from one of them.

References: covariances by NumPy (exercise 2); a singular value decomposition (exercise 3).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.compare import Miss, match
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Floats = NDArray[np.float64]
_WIDTH = 6


def stretched(rng: np.random.Generator, n: int, *, width: int = _WIDTH, rank: int = _WIDTH, scale: float = 1) -> Floats:
    """States that reach further in some directions than in others, off the origin, in `rank` dimensions."""
    turned = np.linalg.qr(rng.normal(size=(width, width)))[0][:rank]
    return np.asarray(
        scale * (rng.normal(size=(n, rank)) * np.geomspace(0.3, 3, rank) @ turned + rng.normal(size=width))
    )


def one_hot(rng: np.random.Generator, n: int, classes: int) -> Floats:
    """Each class at least once."""
    of = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    return np.asarray(np.eye(classes)[of])


def covariances(states: Floats, labels: Floats) -> tuple[Floats, Floats]:
    whole = np.cov(np.concatenate([states, labels], axis=1).T)
    width = states.shape[1]
    return whole[:width, :width], whole[:width, width:]


def tensors(*found: Floats) -> tuple[Tensor, ...]:
    return tuple(torch.as_tensor(np.ascontiguousarray(one)) for one in found)


def _both(way: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> Callable[[Tensor, Tensor], tuple[Tensor, ...]]:
    return lambda states, labels: tensors(*way(states.numpy(), labels.numpy()))


# Exercise 2


def _labelled(n: int, classes: int) -> Callable[[np.random.Generator], Arguments]:
    return lambda rng: tensors(stretched(rng, n), one_hot(rng, n, classes))


def _uncentred(x: Floats, z: Floats) -> tuple[Floats, Floats]:
    return x.T @ x / (len(x) - 1), x.T @ z / (len(x) - 1)


MOMENTS = Exercise(
    id="lab07-q2",
    title="Two covariances",
    difficulty=1,
    minutes=10,
    signature="covariances(states, labels)",
    cases=(
        Case(
            name="two classes",
            points=0.5,
            arguments=_labelled(30, 2),
            expected=_both(covariances),
            hint="Subtract the mean of each column first, then Xᵀ X / (n − 1) and Xᵀ Z / (n − 1).",
        ),
        Case(
            name="four classes, few states",
            points=0.5,
            arguments=_labelled(9, 4),
            expected=_both(covariances),
            hint="The labels come one-hot: Sxz has a column for each class.",
        ),
    ),
    mistakes=(
        Mistake(
            name="not-centred",
            hint="The means were not subtracted. Without that these are second moments, and the mean of the states,"
            " which says nothing of the label, is the largest part of them.",
            answer=_both(_uncentred),
        ),
        Mistake(
            name="by-n",
            hint="It was divided by n; n − 1 was asked for, as the mean is estimated from the same states.",
            answer=_both(lambda x, z: tuple(one * (len(x) - 1) / len(x) for one in covariances(x, z))),  # type: ignore[arg-type,return-value]  # two of them
        ),
        Mistake(
            name="sums",
            hint="These are sums over the states; divide by n − 1.",
            answer=_both(lambda x, z: tuple(one * (len(x) - 1) for one in covariances(x, z))),  # type: ignore[arg-type,return-value]  # two of them
        ),
        Mistake(
            name="states-against-states",
            hint="Rows and columns are exchanged: this compares states with states. Each *row* is a state here.",
            answer=lambda x, z: (torch.cov(x), torch.cov(z)),
        ),
        Mistake(
            name="correlation",
            hint="These are correlations: each column was divided by its spread. LEACE needs covariances; whitening,"
            " next, does more than that division.",
            answer=_both(
                lambda x, z: covariances((x - x.mean(0)) / x.std(0, ddof=1), (z - z.mean(0)) / z.std(0, ddof=1))
            ),
        ),
        Mistake(
            name="cross-turned",
            hint="Sxz is turned. It has a row for each number of a state and a column for each class.",
            answer=_both(lambda x, z: (covariances(x, z)[0], covariances(x, z)[1].T)),
        ),
    ),
    hints=("`x = states - states.mean(0)`, and the same of the labels.", "Then it is two products and a division."),
)

# Exercise 3


def _covariance(rank: int, scale: float) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        return tensors(np.cov(stretched(rng, 40, rank=rank, scale=scale).T))

    return arguments


def _edge(rng: np.random.Generator) -> Arguments:
    """One eigenvalue a little above the limit, one a little below it."""
    turned = np.linalg.qr(rng.normal(size=(_WIDTH, _WIDTH)))[0]
    return tensors((turned * np.asarray([4, 1, 0.3, 0.1, 6e-9, 2.4e-9])) @ turned.T)


def inverse_root(sxx: Floats) -> Floats:
    u, sizes, _ = np.linalg.svd(sxx, hermitian=True)
    kept = sizes > 1e-9 * sizes.max()
    return np.asarray((u[:, kept] / np.sqrt(sizes[kept])) @ u[:, kept].T)


def _of_matrix(way: Callable[[Floats], Floats]) -> Callable[[Tensor], Tensor]:
    return lambda sxx: tensors(way(sxx.numpy()))[0]


def _power(exponent: float, cut: float = 1e-9, absolute: float = 0.0) -> Callable[[Floats], Floats]:
    def of(sxx: Floats) -> Floats:
        values, vectors = np.linalg.eigh(sxx)
        kept = values > max(absolute, cut * values[-1])
        return np.asarray((vectors[:, kept] * values[kept] ** exponent) @ vectors[:, kept].T)

    return of


def _judge_root(value: object, sxx: Tensor) -> None:
    """Equal to the symmetric root; another one, whose rows may have any sign, is told by its square."""
    expected = torch.as_tensor(inverse_root(sxx.numpy()))
    try:
        match(value, expected, relative=1e-6, absolute=1e-9)
    except Miss as miss:
        if isinstance(value, Tensor) and value.shape == expected.shape and value.dtype == expected.dtype:
            goal = expected @ expected
            square = value.detach().T @ value.detach()
            if torch.linalg.norm(square - goal) < 1e-6 * torch.linalg.norm(goal):
                raise Miss(miss.what, expected=miss.expected, given=miss.given, mistake="not-turned-back") from None
        raise


WHITEN = Exercise(
    id="lab07-q3",
    title="Whitening",
    difficulty=2,
    minutes=20,
    signature="whitening(sxx)",
    cases=(
        Case(
            name="all directions vary",
            points=1,
            arguments=_covariance(_WIDTH, 1.0),
            judge=_judge_root,
            relative=1e-6,
            hint="W Sxx W must be the identity, and W = Wᵀ: V diag(λ^(−1/2)) Vᵀ.",
        ),
        Case(
            name="a direction that hardly varies, and one that counts as still",
            points=1,
            arguments=_edge,
            judge=_judge_root,
            relative=1e-6,
            hint="Where Sxx has no spread there is nothing to divide by: leave those eigenvectors out of the sum.",
        ),
        Case(
            name="states in very small units",
            points=1,
            arguments=_covariance(_WIDTH - 1, 1e-5),
            judge=_judge_root,
            relative=1e-6,
            hint="What counts as 0 depends on the units: compare with the largest eigenvalue, not with a fixed number.",
        ),
    ),
    mistakes=(
        Mistake(
            name="root",
            hint="This is the root of Sxx itself. It stretches what is long already; whitening divides by the root.",
            answer=_of_matrix(_power(0.5)),
        ),
        Mistake(
            name="inverse",
            hint="This is the inverse without the root: after it the covariance is Sxx⁻¹, not the identity.",
            answer=_of_matrix(_power(-1)),
        ),
        Mistake(
            name="not-turned-back",
            hint="diag(λ^(−1/2)) Vᵀ whitens too, but leaves the states in the basis of eigenvectors. Multiply by V from"
            " the left, so that W is symmetric.",
        ),
        Mistake(
            name="each-number-alone",
            hint="Each number was divided by its own spread. Whitening also undoes what they have in common.",
            answer=_of_matrix(lambda sxx: np.diag(np.diag(sxx) ** -0.5)),
        ),
        Mistake(
            name="fixed-cut",
            hint="Eigenvalues were compared with a fixed number. In small units all of them are below it: compare with"
            " the largest one.",
            answer=_of_matrix(_power(-0.5, absolute=1e-9)),
        ),
    ),
    hints=(
        "`values, vectors = torch.linalg.eigh(sxx)`: eigenvalues ascending, eigenvectors as columns.",
        "`kept = values > 1e-9 * values[-1]`; then `(vectors[:, kept] / values[kept].sqrt()) @ vectors[:, kept].T`.",
    ),
)
