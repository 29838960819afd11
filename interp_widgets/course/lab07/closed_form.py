"""Exercises 4 and 5: LEACE's projection, and its use on states.

References: the oblique projection along Sxz, by the inverse of Sxx alone (exercise 4); state by state (5).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.compare import Miss, match
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab07.covariances import Floats, covariances, inverse_root, one_hot, stretched, tensors

_WIDTH = 6

# Exercise 4


def _to_erase(classes: int, rank: int) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        labels = one_hot(rng, 50, classes)
        states = stretched(rng, 50, rank=rank)
        inside = np.linalg.svd(states - states.mean(0))[2][:rank]  # where the classes move, states must vary
        states = states + labels @ rng.normal(size=(classes, rank)) @ inside
        sxx, sxz = covariances(states, labels)
        return tensors(inverse_root(sxx), sxz)

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
    return lambda whitening, sxz: tensors(way(whitening.numpy(), sxz.numpy()))[0]


def _in_white(way: Callable[[Floats, Floats, Floats], Floats]) -> Callable[[Tensor, Tensor], Tensor]:
    """Of W, its pseudo-inverse and U; gives what is taken away."""

    def of(w: Floats, sxz: Floats) -> Floats:
        return np.asarray(np.eye(len(w)) - way(w, np.asarray(np.linalg.pinv(w, rcond=1e-7), np.float64), span(w @ sxz)))

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
    title="The least projection",
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
        return tensors(stretched(rng, n), mean, projection)

    return arguments


def _one_by_one(states: Floats, mean: Floats, projection: Floats) -> Floats:
    return np.stack([mean + projection.dot(one - mean) for one in states])


def _apply(way: Callable[[Floats, Floats, Floats], Floats]) -> Callable[..., Tensor]:
    return lambda states, mean, projection: tensors(way(states.numpy(), mean.numpy(), projection.numpy()))[0]


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
