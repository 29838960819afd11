"""Exercises 6 and 7: the projector off some rows, and INLP's rounds.

References: least squares onto the rows (exercise 6); coordinates in a shrinking orthonormal basis (exercise 7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab07.covariances import stretched

Floats = NDArray[np.float64]
_WIDTH = 6

# Exercise 6


def _directions(count: int, *, again: int = 0) -> Callable[[np.random.Generator], Arguments]:
    """Rows of different lengths, that lie at small angles to each other; again: mixtures of them behind."""

    def arguments(rng: np.random.Generator) -> Arguments:
        rows = (rng.normal(size=_WIDTH) + 0.8 * rng.normal(size=(count, _WIDTH))) * rng.uniform(0.5, 3, (count, 1))
        return (torch.as_tensor(np.concatenate([rows, rng.normal(size=(again, count)) @ rows])),)

    return arguments


def off(rows: Floats) -> Floats:
    """The projector onto what is orthogonal to all rows: what least squares by the rows leaves of each axis."""
    if not len(rows):
        return np.eye(rows.shape[1])
    axes = np.eye(rows.shape[1])
    return np.asarray(axes - rows.T @ np.linalg.lstsq(rows.T, axes, rcond=1e-9)[0])


def _of_rows(way: Callable[[Floats], Floats]) -> Callable[[Tensor], Tensor]:
    return lambda rows: torch.as_tensor(np.ascontiguousarray(way(rows.numpy())))


def _units(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def product(rows: Floats) -> Floats:
    found = np.eye(rows.shape[1])
    for one in rows:
        found = found @ off(one[None])
    return found


NULL = Exercise(
    id="lab07-q6",
    title="Off all the rows",
    difficulty=2,
    minutes=15,
    signature="null_projector(rows)",
    cases=(
        Case(
            name="one row",
            points=0.5,
            arguments=_directions(1),
            expected=_of_rows(off),
            relative=1e-7,
            hint="I − w wᵀ / |w|²: the row's length must not matter.",
        ),
        Case(
            name="three rows at small angles",
            points=1,
            arguments=_directions(3),
            expected=_of_rows(off),
            relative=1e-7,
            hint="P w = 0 must hold for *every* row w, and P P = P.",
        ),
        Case(
            name="two rows and three mixtures of them",
            points=1,
            arguments=_directions(2, again=3),
            expected=_of_rows(off),
            relative=1e-7,
            hint="Rows that say nothing new must cost nothing: five rows, two dimensions.",
        ),
    ),
    mistakes=(
        Mistake(
            name="product",
            hint="This multiplies a projector for each row. Where the rows are not at right angles the product is no"
            " projector: the later ones bring back some of what the first have taken. Take the span of all rows.",
            answer=_of_rows(product),
        ),
        Mistake(
            name="sum",
            hint="A term w wᵀ for each row was subtracted. What two rows have in common is then taken twice.",
            answer=_of_rows(lambda rows: np.eye(rows.shape[1]) - _units(rows).T @ _units(rows)),
        ),
        Mistake(
            name="not-normalised",
            hint="Rᵀ R was subtracted from I. That projects only where the rows are orthonormal.",
            answer=_of_rows(lambda rows: np.eye(rows.shape[1]) - rows.T @ rows),
        ),
        Mistake(
            name="last-row",
            hint="Only the last row is taken away; what the rounds before it have found is back.",
            answer=_of_rows(lambda rows: off(rows[-1:])),
        ),
        Mistake(
            name="row-space",
            hint="This keeps the rows' span and throws the rest away: the opposite.",
            answer=_of_rows(lambda rows: np.eye(rows.shape[1]) - off(rows)),
        ),
    ),
    hints=(
        "`torch.linalg.pinv(rows) @ rows` is the projector *onto* the span of the rows.",
        "Or by `torch.linalg.svd(rows, full_matrices=False)`: the rows of the third that have a size.",
    ),
)

# Exercise 7


def finder(labels: NDArray[Any]) -> Callable[[Tensor], Tensor]:
    """A classifier's row (width,) for states: the difference of the class means, on standardised states.

    The division by the spreads turns it out of the space that is left, as it does with logistic regression.
    """

    def fit(states: Tensor) -> Tensor:
        of = torch.as_tensor(labels, dtype=torch.bool)
        spread: Tensor = states.std(0)
        return (states[of].mean(0) - states[~of].mean(0)) / (spread.square() + 0.1)

    return fit


def _rounds(rounds: int) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        labels = np.arange(40) % 2
        states = stretched(rng, 40) + labels[:, None] * rng.normal(size=_WIDTH)
        return torch.as_tensor(states), finder(labels), _project, rounds

    return arguments


def _project(rows: Tensor) -> Tensor:
    return torch.as_tensor(off(rows.detach().numpy()))


def inlp_by_basis(states: Tensor, fit: Any, project: Any, rounds: int) -> Tensor:
    """P = V V', V a basis of what is left; each round turns V so that the row's part in it is first, and drops it."""
    basis = np.eye(states.shape[1])
    for _ in range(rounds):
        left = torch.as_tensor(states.numpy() @ basis @ basis.T)
        inside = basis.T @ fit(left).numpy()
        basis = basis @ np.linalg.svd(inside[None])[2][1:].T
    return torch.as_tensor(np.ascontiguousarray(basis @ basis.T))


def _loop(step: Callable[[Tensor, Tensor, list[Tensor], Any], Tensor], *, more: int = 0) -> Callable[..., Tensor]:
    """step: the next P, of the states, P, the rows up to now, and fit."""

    def answer(states: Tensor, fit: Any, project: Any, rounds: int) -> Tensor:
        projector, rows = torch.eye(states.shape[1], dtype=states.dtype), []
        for _ in range(rounds + more):
            rows.append(fit(states @ projector))
            projector = step(states, projector, rows, fit)
        return projector

    return answer


def _never_projected(states: Tensor, fit: Any, project: Any, rounds: int) -> Tensor:
    return _project(fit(states)[None]) if rounds else torch.eye(states.shape[1], dtype=states.dtype)


ROUNDS = Exercise(
    id="lab07-q7",
    title="Round after round",
    difficulty=2,
    minutes=20,
    signature="inlp(states, fit, project, rounds)",
    cases=(
        Case(
            name="one round",
            points=0.5,
            arguments=_rounds(1),
            expected=inlp_by_basis,
            relative=1e-7,
            hint="One round: a classifier on the states as they are, and the projector off its row.",
        ),
        Case(
            name="three rounds",
            points=1,
            arguments=_rounds(3),
            expected=inlp_by_basis,
            relative=1e-6,
            hint="Each round fits on the states without what was found before, and projects off *all* rows found.",
        ),
        Case(
            name="five rounds of six dimensions",
            points=0.5,
            arguments=_rounds(5),
            expected=inlp_by_basis,
            relative=1e-6,
            hint="After five rounds one dimension of six is left: the trace of P is 1.",
        ),
    ),
    mistakes=(
        Mistake(
            name="never-projected",
            hint="Each round was fitted on the states as they came, so each found the same row again.",
            answer=_never_projected,
        ),
        Mistake(
            name="product",
            hint="Projectors were multiplied. Rows of standardised classifiers are not at right angles, so the product"
            " drifts away from a projector. Give all rows to `project`.",
            answer=_loop(lambda states, p, rows, fit: p @ _project(rows[-1][None])),
        ),
        Mistake(
            name="last-row",
            hint="P takes away the last row only: the concept that earlier rounds have taken is back.",
            answer=_loop(lambda states, p, rows, fit: _project(rows[-1][None])),
        ),
        Mistake(
            name="one-too-few",
            hint="One round too few: the last classifier's row is not in P.",
            answer=_loop(lambda states, p, rows, fit: _project(torch.stack(rows)), more=-1),
        ),
        Mistake(
            name="one-too-many",
            hint="One round too many: each costs a dimension.",
            answer=_loop(lambda states, p, rows, fit: _project(torch.stack(rows)), more=1),
        ),
    ),
    hints=(
        "Keep a list of rows and the projector as it stands, which begins as `torch.eye(width)` in the states' dtype.",
        "A round: `rows.append(fit(states @ projector))`, then `projector = project(torch.stack(rows))`.",
    ),
)
