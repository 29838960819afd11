"""Exercises 9 and 10: two traits at once, and who gets which strength.

References: NumPy's pseudo-inverse, the shortest vector with the projections asked for (exercise 9); the hexadecimal
form of the hash, digit by digit (exercise 10).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab03.inputs import unit

# Exercise 9


def _two(rng: np.random.Generator, alike: float) -> Arguments:
    """Unit directions with a cosine of so much, and shifts of both signs."""
    a, other = unit(rng, 6), unit(rng, 6)
    other = other - (other @ a) * a
    b = alike * a + (1 - alike**2) ** 0.5 * other / other.norm()
    one, two = (float(x) for x in rng.uniform(0.5, 2.0, 2))
    return a, b, one, -two


def _pseudo_inverse(a: Tensor, b: Tensor, shift_a: float, shift_b: float) -> Tensor:
    rows = np.stack([a.numpy(), b.numpy()])
    shortest: Tensor = torch.as_tensor(np.linalg.pinv(rows) @ np.asarray([shift_a, shift_b]))
    return shortest


def _one_after_the_other(a: Tensor, b: Tensor, shift_a: float, shift_b: float) -> Tensor:
    """b without its part along a, scaled back to length 1: what is added for b leaves a alone, and not b itself."""
    rest: Tensor = b - (a @ b) * a
    composed: Tensor = shift_a * a + shift_b * rest / rest.norm()
    return composed


COMPOSE = Exercise(
    id="lab03-q9",
    title="Two traits at once",
    difficulty=3,
    minutes=20,
    signature="compose(a, b, shift_a, shift_b)",
    cases=(
        Case(
            name="directions with a cosine of 0.6",
            points=2,
            arguments=lambda rng: _two(rng, 0.6),
            expected=_pseudo_inverse,
            hint="Find weights x and y such that (x a + y b)·a = shift_a and (x a + y b)·b = shift_b.",
        ),
        Case(
            name="directions with a cosine of −0.3",
            points=1,
            arguments=lambda rng: _two(rng, -0.3),
            expected=_pseudo_inverse,
            hint="With c = a·b: x + c y = shift_a and c x + y = shift_b.",
        ),
        Case(
            name="directions at a right angle: plain addition",
            points=0.5,
            arguments=lambda rng: _two(rng, 0.0),
            expected=_pseudo_inverse,
            hint="Where a·b is 0, the weights are the shifts themselves.",
        ),
    ),
    mistakes=(
        Mistake(
            name="plain-sum",
            hint="Added as they are. But a has a part along b: each shift then carries cos(a, b) times the other one"
            " with it.",
            answer=lambda a, b, shift_a, shift_b: shift_a * a + shift_b * b,
        ),
        Mistake(
            name="one-corrected",
            hint="b was made perpendicular to a and its length was set to 1, so b itself gets another shift than asked"
            " for. Solve for both weights at once.",
            answer=_one_after_the_other,
        ),
        Mistake(
            name="unit-sum",
            hint="The sum was scaled to length 1, so the shifts are lost.",
            answer=lambda a, b, shift_a, shift_b: _unit(_pseudo_inverse(a, b, shift_a, shift_b)),
        ),
        Mistake(
            name="swapped",
            hint="The shifts are exchanged: shift_a is the one along a.",
            answer=lambda a, b, shift_a, shift_b: _pseudo_inverse(a, b, shift_b, shift_a),
        ),
        Mistake(
            name="wrong-sign-of-overlap",
            hint="The sign of the overlap is wrong: what the other direction brings along must be taken *off*.",
            answer=lambda a, b, shift_a, shift_b: (
                ((shift_a + (a @ b) * shift_b) * a + (shift_b + (a @ b) * shift_a) * b) / (1 - (a @ b) ** 2)
            ),
        ),
        Mistake(
            name="not-divided",
            hint="The overlap is taken off, and the division by 1 − c² is missing.",
            answer=lambda a, b, shift_a, shift_b: (shift_a - (a @ b) * shift_b) * a + (shift_b - (a @ b) * shift_a) * b,
        ),
    ),
    hints=(
        "Two equations for two weights: the matrix is [[1, c], [c, 1]] with c = a·b.",
        "`torch.linalg.solve(matrix, shifts)`, or by hand: x = (shift_a − c shift_b) / (1 − c²).",
    ),
)


def _unit(vector: Tensor) -> Tensor:
    scaled: Tensor = vector / vector.norm()
    return scaled


# Exercise 10

_USERS = 60
Take = Callable[[str, str], float]


def _people(rng: np.random.Generator) -> Arguments:
    users = [f"user-{int(i)}" for i in rng.choice(100_000, _USERS, replace=False)]
    return users, f"tone-{int(rng.integers(100, 999))}", float(rng.uniform(0.3, 0.4))


def _hexadecimal(text: str, digits: slice = slice(16), name: str = "sha256") -> float:
    place = 0.0
    for power, digit in enumerate(hashlib.new(name, text.encode()).hexdigest()[digits], 1):
        place += int(digit, 16) / 16.0**power
    return place


def _cohort(
    users: list[str],
    experiment: str,
    share: float,
    place: Take = lambda user, experiment: _hexadecimal(f"{experiment}\0{user}"),
) -> list[bool]:
    return [place(user, experiment) < share for user in users]


def _by(place: Take) -> Callable[..., list[bool]]:
    return lambda users, experiment, share: _cohort(users, experiment, share, place)


COHORT = Exercise(
    id="lab03-q10",
    title="Who is steered",
    difficulty=2,
    minutes=15,
    signature="steered_users(users, experiment, share)",
    partial=False,
    cases=(
        Case(
            name="sixty users, about a third of them steered",
            points=2,
            arguments=_people,
            expected=_cohort,
            hint="The SHA-256 of the experiment, a zero byte and the user; its first 8 bytes as a whole number (big end"
            " first), over 2 to the 64: True where that is below the share.",
        ),
        Case(
            name="nobody, and everybody",
            points=0,
            arguments=lambda rng: (["ada", "grace", "emmy"], "tone", 1.0),
            expected=_cohort,
            hint="With a share of 1 everybody is steered.",
        ),
    ),
    mistakes=(
        Mistake(
            name="python-hash",
            hint="Python's own `hash` of a text is another one in each process: after a restart the users would change"
            " their cohorts.",
            answer=_by(lambda user, experiment: hash(f"{experiment}\0{user}") % 2**64 / 2**64),
        ),
        Mistake(
            name="no-experiment",
            hint="The experiment is not in the hash: in every experiment the same people would be the ones that are"
            " steered.",
            answer=_by(lambda user, experiment: _hexadecimal(user)),
        ),
        Mistake(
            name="inverted",
            hint="It is the other way round: True where the number is *below* the share.",
            answer=lambda users, experiment, share: [not one for one in _cohort(users, experiment, share)],
        ),
        Mistake(
            name="user-first",
            hint="The experiment comes first, then the zero byte, then the user: another order is another hash.",
            answer=_by(lambda user, experiment: _hexadecimal(f"{user}\0{experiment}")),
        ),
        Mistake(
            name="by-place",
            hint="The first of the list are steered. Then it matters who else is in the list; a user's cohort must"
            " follow from the user alone.",
            answer=lambda users, experiment, share: [i < share * len(users) for i in range(len(users))],
        ),
        Mistake(
            name="nothing-between",
            hint="There is no zero byte between the two, so that user 11 of experiment 1 is user 1 of experiment 11.",
            answer=_by(lambda user, experiment: _hexadecimal(f"{experiment}{user}")),
        ),
        Mistake(
            name="little-end-first",
            hint='The bytes were read with the little end first. Use `int.from_bytes(..., "big")`.',
            answer=_by(
                lambda user, experiment: (
                    int.from_bytes(hashlib.sha256(f"{experiment}\0{user}".encode()).digest()[:8], "little") / 2**64
                )
            ),
        ),
    ),
    hints=(
        "`hashlib.sha256(text.encode()).digest()` has 32 bytes.",
        '`int.from_bytes(digest[:8], "big") / 2**64` lies between 0 and 1, evenly spread over users.',
    ),
)
