"""Exercises 2 to 5: covariances, whitening, LEACE's projection, and its use on states.

References: covariances by NumPy (exercise 2); a singular value decomposition (3); the oblique projection along Sxz, by
the inverse of Sxx alone (4); state by state (5).
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
    return np.eye(classes)[np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])]


def covariances(states: Floats, labels: Floats) -> tuple[Floats, Floats]:
    whole = np.cov(np.concatenate([states, labels], axis=1).T)
    width = states.shape[1]
    return whole[:width, :width], whole[:width, width:]


def _tensors(*found: Floats) -> tuple[Tensor, ...]:
    return tuple(torch.as_tensor(np.ascontiguousarray(one)) for one in found)


def _both(way: Callable[[Floats, Floats], tuple[Floats, Floats]]) -> Callable[[Tensor, Tensor], tuple[Tensor, ...]]:
    return lambda states, labels: _tensors(*way(states.numpy(), labels.numpy()))


# Exercise 2


def _labelled(n: int, classes: int) -> Callable[[np.random.Generator], Arguments]:
    return lambda rng: _tensors(stretched(rng, n), one_hot(rng, n, classes))


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
        return _tensors(np.cov(stretched(rng, 40, rank=rank, scale=scale).T))

    return arguments


def _edge(rng: np.random.Generator) -> Arguments:
    """One eigenvalue a little above the limit, one a little below it."""
    turned = np.linalg.qr(rng.normal(size=(_WIDTH, _WIDTH)))[0]
    return _tensors((turned * np.asarray([4, 1, 0.3, 0.1, 6e-9, 2.4e-9])) @ turned.T)


def inverse_root(sxx: Floats) -> Floats:
    u, sizes, _ = np.linalg.svd(sxx, hermitian=True)
    kept = sizes > 1e-9 * sizes.max()
    return np.asarray((u[:, kept] / np.sqrt(sizes[kept])) @ u[:, kept].T)


def _of_matrix(way: Callable[[Floats], Floats]) -> Callable[[Tensor], Tensor]:
    return lambda sxx: _tensors(way(sxx.numpy()))[0]


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

# Exercise 4


def _to_erase(classes: int, rank: int) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        labels = one_hot(rng, 50, classes)
        states = stretched(rng, 50, rank=rank)
        inside = np.linalg.svd(states - states.mean(0))[2][:rank]  # where the classes move, states must vary
        states = states + labels @ rng.normal(size=(classes, rank)) @ inside
        sxx, sxz = covariances(states, labels)
        return _tensors(inverse_root(sxx), sxz)

    return arguments


def oblique(whitening: Floats, sxz: Floats) -> Floats:
    """I - Sxz (Sxz' Sxx+ Sxz)+ Sxz' Sxx+: along the columns of Sxz, orthogonal in the metric of Sxx+."""
    inverse = whitening @ whitening
    return np.asarray(np.eye(len(inverse)) - sxz @ np.linalg.pinv(sxz.T @ inverse @ sxz, rcond=1e-9) @ sxz.T @ inverse)


def span(columns: Floats) -> Floats:
    """An orthonormal basis of the columns."""
    u, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(u[:, sizes > 1e-9 * sizes.max()])


def _by(way: Callable[[Floats, Floats], Floats]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda whitening, sxz: _tensors(way(whitening.numpy(), sxz.numpy()))[0]


def _in_white(way: Callable[[Floats, Floats, Floats], Floats]) -> Callable[[Tensor, Tensor], Tensor]:
    """Of W, its pseudo-inverse and U; gives what is taken away."""

    def of(w: Floats, sxz: Floats) -> Floats:
        return np.asarray(np.eye(len(w)) - way(w, np.linalg.pinv(w, rcond=1e-7), span(w @ sxz)))

    return _by(of)


def _judge(value: object, whitening: Tensor, sxz: Tensor) -> None:
    """Equal to the oblique projection; a column too many, whose direction rounding has chosen, is told by its rank."""
    expected = torch.as_tensor(oblique(whitening.numpy(), sxz.numpy()))
    try:
        match(value, expected, relative=1e-6, absolute=1e-9)
    except Miss as miss:
        if isinstance(value, Tensor) and value.shape == expected.shape:
            gone = float((expected.trace() - value.trace()).detach())
            if abs(gone - 1) < 1e-6 and torch.linalg.norm(value @ sxz) < 1e-6 * torch.linalg.norm(sxz):
                raise Miss(miss.what, expected=miss.expected, given=miss.given, mistake="one-too-many") from None
        raise


LEACE = Exercise(
    id="lab07-q4",
    title="LEACE",
    difficulty=3,
    minutes=30,
    signature="leace(whitening, sxz)",
    cases=(
        Case(
            name="two classes",
            points=1,
            arguments=_to_erase(2, _WIDTH),
            judge=_judge,
            hint="P = I − W⁺ U Uᵀ W, with U an orthonormal basis of the columns of W Sxz.",
        ),
        Case(
            name="four classes",
            points=1,
            arguments=_to_erase(4, _WIDTH),
            judge=_judge,
            hint="Four classes cost three dimensions: the columns of Sxz add up to 0.",
        ),
        Case(
            name="a direction that does not vary",
            points=1,
            arguments=_to_erase(3, _WIDTH - 1),
            judge=_judge,
            hint="W has no inverse here. `torch.linalg.pinv` takes back what W has done where it did something.",
        ),
    ),
    mistakes=(
        Mistake(
            name="orthogonal",
            hint="This takes the columns of Sxz away at a right angle, without whitening. It erases as well, but"
            " changes the states more than it must.",
            answer=_by(lambda w, sxz: np.eye(len(w)) - span(sxz) @ span(sxz).T),
        ),
        Mistake(
            name="stays-white",
            hint="I − U Uᵀ is right for *whitened* states. Go there by W first, and come back by W⁺.",
            answer=_in_white(lambda w, back, u: u @ u.T),
        ),
        Mistake(
            name="no-way-back",
            hint="The way back is missing: what U Uᵀ W finds is in whitened units. W⁺ takes it back.",
            answer=_in_white(lambda w, back, u: u @ u.T @ w),
        ),
        Mistake(
            name="whitened-twice",
            hint="W stands on both sides. On the left it has to be W⁺, which undoes it.",
            answer=_in_white(lambda w, back, u: w @ u @ u.T @ w),
        ),
        Mistake(
            name="turned",
            hint="P is turned: W and W⁺ have changed places. It acts on states as columns.",
            answer=_in_white(lambda w, back, u: w @ u @ u.T @ back),
        ),
        Mistake(
            name="not-orthonormal",
            hint="The columns of W Sxz were used as they are. U Uᵀ is a projection only where U's columns have length 1"
            " and stand at right angles.",
            answer=_by(lambda w, sxz: np.eye(len(w)) - np.linalg.pinv(w, rcond=1e-7) @ (w @ sxz) @ (w @ sxz).T @ w),
        ),
        Mistake(
            name="what-is-taken",
            hint="This is what is taken away. P is the identity less that.",
            answer=_in_white(lambda w, back, u: np.eye(len(w)) - back @ u @ u.T @ w),
        ),
        Mistake(
            name="one-too-many",
            hint="One dimension too many is taken. W Sxz has a column for each class, but they add up to 0: the last"
            " direction that a decomposition gives for them is rounding, and has to be left out.",
        ),
    ),
    hints=(
        "`u, sizes, _ = torch.linalg.svd(whitening @ sxz, full_matrices=False)`; keep the columns of u whose size is"
        " above, say, 1e-9 times the largest.",
        "`back = torch.linalg.pinv(whitening, rtol=1e-7)`; then P = I − back @ u @ u.T @ whitening.",
    ),
)

# Exercise 5


def _states(n: int) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        mean, along, across = stretched(rng, 1)[0], rng.normal(size=(_WIDTH, 1)), rng.normal(size=(1, _WIDTH))
        projection = np.eye(_WIDTH) - along @ across / (across @ along)
        return _tensors(stretched(rng, n), mean, projection)

    return arguments


def _one_by_one(states: Floats, mean: Floats, projection: Floats) -> Floats:
    return np.stack([mean + projection.dot(one - mean) for one in states])


def _apply(way: Callable[[Floats, Floats, Floats], Floats]) -> Callable[..., Tensor]:
    return lambda states, mean, projection: _tensors(way(states.numpy(), mean.numpy(), projection.numpy()))[0]


ERASE = Exercise(
    id="lab07-q5",
    title="Erasing",
    difficulty=1,
    minutes=10,
    signature="erased(states, mean, projection)",
    cases=(
        Case(
            name="some states",
            points=0.5,
            arguments=_states(7),
            expected=_apply(_one_by_one),
            hint="r(x) = μ + P (x − μ), for each row x.",
        ),
        Case(
            name="one state",
            points=0.5,
            arguments=_states(1),
            expected=_apply(_one_by_one),
            hint="The mean is the one of the states that the eraser was fitted on. It is given.",
        ),
    ),
    mistakes=(
        Mistake(
            name="turned",
            hint="P acts on columns, states are rows: (x − μ) @ P.T. P is not symmetric, so this matters.",
            answer=_apply(lambda x, m, p: (x - m) @ p + m),
        ),
        Mistake(
            name="not-centred",
            hint="P was applied to x itself. Then the mean loses its part along the concept too, and the states move"
            " more than they must.",
            answer=_apply(lambda x, m, p: x @ p.T),
        ),
        Mistake(
            name="mean-lost",
            hint="The mean was subtracted and not added again.",
            answer=_apply(lambda x, m, p: (x - m) @ p.T),
        ),
        Mistake(
            name="own-mean",
            hint="The mean of *these* states was taken. Fresh states must be moved by the mean that the eraser was"
            " fitted with: otherwise the answer for one state depends on its neighbours.",
            answer=_apply(lambda x, m, p: _one_by_one(x, x.mean(0), p)),
        ),
    ),
    hints=("With states as rows, P (x − μ) is `(states - mean) @ projection.T`.",),
)
