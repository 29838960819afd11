"""Exercise 5: where a new entry goes in GRACE's codebook, and how far entries reach.

Reference: the paper's rules in NumPy, as a choice between three outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Floats = NDArray[np.float64]
Answers = list[list[int]]
Book = tuple[Tensor, Tensor, Answers]
_WIDTH, _RADIUS, EDGE = 5, 1.0, 1e-5
_OWN, _OTHER, _SAME_MEAN = [3, 8], [5], [4, 7]


def _near(distance: float, answer: list[int], *, entries: int = 4, reach: float = 1.0) -> Callable[..., Arguments]:
    """A new key at a distance from an entry with the answer [3, 8], not the first one; all others are far away.

    reach: radius of that entry
    """

    def arguments(rng: np.random.Generator) -> Arguments:
        keys = 10 * rng.normal(size=(entries, _WIDTH)) + 100 * np.arange(entries)[:, None]
        at = int(rng.integers(1, entries))
        way = rng.normal(size=_WIDTH)
        radii, answers = np.full(entries, 0.8), [[one] for one in rng.choice(np.arange(20, 40), entries).tolist()]
        radii[at], answers[at] = reach, _OWN
        key = keys[at] + distance * way / np.linalg.norm(way)
        return torch.as_tensor(keys), torch.as_tensor(radii), answers, torch.as_tensor(key), answer, _RADIUS

    return arguments


def _between(rng: np.random.Generator) -> Arguments:
    """Two entries are near: the first one with another answer, the nearer one with the same."""
    keys, radii, answers, key, answer, radius = _near(1.4, _OWN)(rng)
    way = rng.normal(size=_WIDTH)
    keys[0] = key + torch.as_tensor(1.7 * way / np.linalg.norm(way))
    return keys, radii, answers, key, answer, radius


def _empty(rng: np.random.Generator) -> Arguments:
    none = torch.zeros(0, dtype=torch.float64)
    return none.reshape(0, _WIDTH), none, [], torch.as_tensor(rng.normal(size=_WIDTH)), _OWN, _RADIUS


def _book(keys: Sequence[Floats], radii: Sequence[float], answers: Answers) -> Book:
    rows = np.asarray(keys, np.float64).reshape(-1, _WIDTH)
    return torch.as_tensor(rows), torch.as_tensor(np.asarray(radii, np.float64)), answers


def _placed(
    keys: Tensor, radii: Tensor, answers: Answers, key: Tensor, answer: list[int], radius: float,
    *,
    far: Callable[[float, float, float], bool] = lambda d, e, radius: d > e + radius,
    alike: Callable[[list[int], list[int]], bool] = lambda one, other: one == other,
    shrunk: Callable[[float, float], float] = lambda e, d: min(e, d / 2 - EDGE),
    own: Callable[[float, float], float] = lambda radius, d: min(radius, d / 2),
    grown: Callable[[float, float], float] = max,
    nearest: Callable[[list[float]], int] = lambda distances: int(np.argmin(distances)),
) -> Book:  # fmt: skip
    """The paper's rules; each can be another one, for the mistakes."""
    old, sizes, new = list(keys.numpy()), radii.tolist(), key.numpy()
    added = ([*old, new], [*answers, answer])
    if not old:
        return _book(added[0], [radius], added[1])
    distances = [float(np.sqrt(((one - new) ** 2).sum())) for one in old]
    at = nearest(distances)
    d, e = distances[at], sizes[at]
    if far(d, e, radius):
        return _book(added[0], [*sizes, radius], added[1])
    if alike(answers[at], answer):
        return _book(old, [*sizes[:at], grown(e, d), *sizes[at + 1 :]], list(answers))
    return _book(added[0], [*sizes[:at], shrunk(e, d), *sizes[at + 1 :], own(radius, d)], added[1])


def _mean(ids: list[int]) -> float:
    return sum(ids) / len(ids)


def _always_new(keys: Tensor, radii: Tensor, answers: Answers, key: Tensor, answer: list[int], radius: float) -> Book:
    return _placed(keys, radii, answers, key, answer, radius, far=lambda d, e, radius: True)


PLACE = Exercise(
    id="lab06-q5",
    title="A new entry in the codebook",
    difficulty=3,
    minutes=30,
    signature="place(keys, radii, answers, key, answer, radius)",
    cases=(
        Case(
            name="the first entry",
            points=0.5,
            arguments=_empty,
            expected=_placed,
            hint="An empty book gets one entry, with the radius that is given.",
        ),
        Case(
            name="far from all",
            points=0.5,
            arguments=_near(2.3, _OTHER),
            expected=_placed,
            hint="d > e + radius: the two balls do not touch, and a new entry has room for its whole radius.",
        ),
        Case(
            name="near an entry with another answer",
            points=1,
            arguments=_near(1.4, _OTHER),
            expected=_placed,
            hint="Both balls end half way: the old one just before it, at d/2 − 0.00001, the new one at d/2.",
        ),
        Case(
            name="near, but both reach less than half way",
            points=0.5,
            arguments=_near(1.3, _OTHER, reach=0.5),
            expected=_placed,
            hint="A ball is made smaller where it must be, and never larger: the smaller of two numbers.",
        ),
        Case(
            name="near an entry with the same answer",
            points=0.5,
            arguments=_near(1.4, _OWN),
            expected=_placed,
            hint="No new entry: the old one grows until it holds the key, to d.",
        ),
        Case(
            name="inside an entry with the same answer",
            points=0.5,
            arguments=_near(0.4, _OWN),
            expected=_placed,
            hint="The key is held already; nothing changes.",
        ),
        Case(
            name="near two entries",
            points=0.5,
            arguments=_between,
            expected=_placed,
            hint="The nearest entry decides, by its answer.",
        ),
        Case(
            name="another answer with the same mean",
            points=1,
            arguments=_near(1.2, _SAME_MEAN),
            expected=_placed,
            hint="[3, 8] and [4, 7] are different answers. Compare all their tokens.",
        ),
    ),
    mistakes=(
        Mistake(
            name="mean-of-ids",
            hint="Answers were compared by the mean of their token numbers, as in the published code. [3, 8] and [4, 7]"
            " have the same mean, and are different answers.",
            answer=lambda *given: _placed(*given, alike=lambda one, other: _mean(one) == _mean(other)),
        ),
        Mistake(
            name="always-new",
            hint="There is always a new entry, even where an old one could hold it or must make room.",
            answer=_always_new,
        ),
        Mistake(
            name="never-shrinks",
            hint="The old entry was not made smaller: the two balls overlap, and the nearer one answers for both.",
            answer=lambda *given: _placed(*given, shrunk=lambda e, d: e),
        ),
        Mistake(
            name="new-one-whole",
            hint="The new entry has its whole radius, and reaches into the old one's half.",
            answer=lambda *given: _placed(*given, own=lambda radius, d: radius),
        ),
        Mistake(
            name="larger-than-before",
            hint="Half the distance was taken even where a ball was smaller than that. It must not grow here.",
            answer=lambda *given: _placed(*given, shrunk=lambda e, d: d / 2 - EDGE, own=lambda radius, d: d / 2),
        ),
        Mistake(
            name="own-radius-left-out",
            hint="Far means that the two *balls* do not touch: d > e + radius, with the radius that a new entry has.",
            answer=lambda *given: _placed(*given, far=lambda d, e, radius: d > e),
        ),
        Mistake(
            name="shrinks-to-the-key",
            hint="The same answer, inside the ball: its radius was set to d, and it became smaller. It only grows.",
            answer=lambda *given: _placed(*given, grown=lambda e, d: d),
        ),
        Mistake(
            name="first-entry",
            hint="The first entry was looked at, not the nearest one.",
            answer=lambda *given: _placed(*given, nearest=lambda distances: 0),
        ),
    ),
    hints=(
        "`(keys - key).norm(dim=1)` has the distance to each entry, and `argmin` the nearest.",
        "Three cases: far; near with another answer; near with the same answer. The empty book is like far.",
        "`torch.cat([keys, key[None]])` adds a row. Make copies of radii and of the list before you change them.",
    ),
)
