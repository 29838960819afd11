"""Exercises 1 and 8: a probe scored on sentences that it has not seen, and what is left where no line can see it.

References: group by group (exercise 1); an eigenvalue by powers of the matrix (exercise 8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

Floats = NDArray[np.float64]
Classifier = Callable[[Tensor], Tensor]

# Exercise 1


def by_neighbours(k: int) -> Callable[[Tensor, Tensor], Classifier]:
    """Learns by heart: the class of most of the k nearest states that it was trained on."""

    def fit(states: Tensor, labels: Tensor) -> Classifier:
        def predict(others: Tensor) -> Tensor:
            nearest = torch.cdist(others, states).topk(min(k, len(states)), largest=False).indices
            found: Tensor = labels[nearest].double().mean(1).gt(0.5).long()
            return found

        return predict

    return fit


def _sentences(groups: int, each: int, held: int, k: int) -> Callable[[np.random.Generator], Arguments]:
    """Sentences whose tokens are alike, half of either class, with some signal between them."""

    def arguments(rng: np.random.Generator) -> Arguments:
        labels = rng.permutation(np.arange(groups) % 2)
        centres = 1.2 * rng.normal(size=(groups, 3)) + labels[:, None]
        sizes = each + rng.integers(0, 4, groups)
        of = rng.permutation(np.repeat(np.arange(groups), sizes))
        states = centres[of] + 0.5 * rng.normal(size=(len(of), 3))
        flipped = rng.random(len(of)) < 0.2  # so that not even what was learnt by heart is always right
        marks = np.where(flipped, 1 - labels[of], labels[of])
        kept = [int(one) for one in rng.permutation(groups)[:held]]
        return (*map(torch.as_tensor, (states, marks, of)), kept, by_neighbours(k))

    return arguments


def _score(x: Tensor, z: Tensor, groups: Tensor, held: list[int], fit: Any) -> float:
    rows = [i for i, one in enumerate(groups.tolist()) if one in held]
    rest = [i for i in range(len(groups)) if i not in rows]
    found = fit(x[rest], z[rest])(x[rows])
    return sum(int(a) == int(b) for a, b in zip(found, z[rows], strict=True)) / len(rows)


def _rows(which: Callable[[NDArray[np.bool_], Any], tuple[Any, Any]]) -> Callable[..., float]:
    """Of (rows that are held, all numbers): what to train on, and what to score."""

    def answer(x: Tensor, z: Tensor, groups: Tensor, held: list[int], fit: Any) -> float:
        train, test = which(np.isin(groups.numpy(), held), held)
        return float((fit(x[train], z[train])(x[test]) == z[test]).double().mean())

    return answer


def _by_number(mask: NDArray[np.bool_], held: list[int]) -> tuple[Any, Any]:
    own = np.isin(np.arange(len(mask)), held)
    return ~own, own


def _by_sentence(x: Tensor, z: Tensor, groups: Tensor, held: list[int], fit: Any) -> float:
    predict = fit(x[~torch.isin(groups, torch.tensor(held))], z[~torch.isin(groups, torch.tensor(held))])
    return float(np.mean([float((predict(x[groups == g]) == z[groups == g]).double().mean()) for g in held]))


SCORE = Exercise(
    id="lab07-q1",
    title="A probe scored properly",
    difficulty=1,
    minutes=15,
    signature="held_out_score(states, labels, groups, held, fit)",
    partial=False,
    cases=(
        Case(
            name="a classifier that learns by heart",
            points=1,
            arguments=_sentences(24, 5, 9, 3),
            expected=_score,
            hint="Train on the states whose group is not in `held`, and count on the others how many are right.",
        ),
        Case(
            name="one that smooths",
            points=1,
            arguments=_sentences(30, 7, 12, 9),
            expected=_score,
            hint="Group and row are two things: all the states of a group are on the same side.",
        ),
    ),
    mistakes=(
        Mistake(
            name="never-split",
            hint="It was trained on all states and scored on all of them: what it learnt by heart counts as found. This"
            " is what the printed code does.",
            answer=_rows(lambda mask, held: (slice(None), slice(None))),
        ),
        Mistake(
            name="trained-on-all",
            hint="The states that it is scored on were in its training. Train on the others only.",
            answer=_rows(lambda mask, held: (slice(None), mask)),
        ),
        Mistake(
            name="scored-on-all",
            hint="It was scored on all states, so most of them are those that it was trained on.",
            answer=_rows(lambda mask, held: (~mask, slice(None))),
        ),
        Mistake(
            name="training-score",
            hint="It was scored on the states that it was trained on.",
            answer=_rows(lambda mask, held: (~mask, ~mask)),
        ),
        Mistake(
            name="sides-exchanged",
            hint="The sides are exchanged: `held` are the groups to score on, not to train on.",
            answer=_rows(lambda mask, held: (mask, ~mask)),
        ),
        Mistake(
            name="rows-for-groups",
            hint="`held` was taken for numbers of rows. Then states of one sentence are on both sides, and a sentence"
            " that was learnt by heart counts as found.",
            answer=_rows(_by_number),
        ),
        Mistake(
            name="errors",
            hint="This is the share that is wrong.",
            answer=lambda *given: 1 - _score(*given),
        ),
        Mistake(
            name="mean-of-groups",
            hint="The groups' own shares were averaged. Each *state* counts alike here, so long ones count more.",
            answer=_by_sentence,
        ),
    ),
    hints=(
        "`test = torch.isin(groups, torch.tensor(held))` is True at each state to score on, and `~test` elsewhere.",
        "`predict = fit(states[~test], labels[~test])`, then compare `predict(states[test])` with `labels[test]`.",
    ),
)

# Exercise 8


def _spreads(first: tuple[float, ...], second: tuple[float, ...], apart: float) -> Callable[..., Arguments]:
    """Two classes of equal or different means, each with its spread along some turned axes."""

    def arguments(rng: np.random.Generator) -> Arguments:
        turned = np.linalg.qr(rng.normal(size=(len(first), len(first))))[0]
        parts = [rng.normal(size=(n, len(first))) * np.sqrt(s) for n, s in ((60, first), (40, second))]
        parts[1] = parts[1] + apart
        order = rng.permutation(100)
        states = (np.concatenate(parts) @ turned + rng.normal(size=len(first)))[order]
        return torch.as_tensor(states), torch.as_tensor((np.arange(100) >= 60).astype(np.int64)[order])

    return arguments


def _difference(x: Floats, of: NDArray[np.int64], ddof: int = 1) -> Floats:
    return np.asarray(np.cov(x[of == 1].T, ddof=ddof) - np.cov(x[of == 0].T, ddof=ddof))


def largest(matrix: Floats) -> float:
    """The eigenvalue of a symmetric matrix that is furthest from 0: from powers of it, without a decomposition."""
    power = matrix / np.linalg.norm(matrix)
    for _ in range(40):
        power = power @ power
        power /= np.linalg.norm(power)
    vector = power[:, np.argmax(np.abs(np.diag(power)))]
    return float(vector @ matrix @ vector / (vector @ vector))


def _gap(way: Callable[[Floats, NDArray[np.int64]], float]) -> Callable[[Tensor, Tensor], float]:
    return lambda states, labels: float(way(states.numpy(), labels.numpy()))


def _second(x: Floats, of: NDArray[np.int64]) -> float:
    one, other = (x[of == c].T @ x[of == c] / ((of == c).sum() - 1) for c in (1, 0))
    return largest(one - other)


GAP = Exercise(
    id="lab07-q8",
    title="What no line can see",
    difficulty=2,
    minutes=20,
    signature="spread_gap(states, labels)",
    cases=(
        Case(
            name="class 1 is the wider one",
            points=1,
            arguments=_spreads((1, 1, 2, 0.5), (6, 1, 2, 0.3), 0.0),
            expected=_gap(lambda x, of: largest(_difference(x, of))),
            relative=1e-6,
            hint="The covariance of class 1 less that of class 0, and of this symmetric matrix the extreme eigenvalue.",
        ),
        Case(
            name="class 1 is the narrower one, with another mean",
            points=1,
            arguments=_spreads((1, 9, 2, 1), (3, 1, 2, 1), 1.5),
            expected=_gap(lambda x, of: largest(_difference(x, of))),
            relative=1e-6,
            hint="The eigenvalue that is furthest from 0 may be the smallest one, and is then returned with its minus.",
        ),
    ),
    mistakes=(
        Mistake(
            name="largest-only",
            hint="The largest eigenvalue was taken. Where class 1 is the narrower one the telling eigenvalue is"
            " negative: take the one furthest from 0.",
            answer=_gap(lambda x, of: float(np.linalg.eigvalsh(_difference(x, of))[-1])),
        ),
        Mistake(
            name="sign-lost",
            hint="The sign is lost, and with it which class is the wider one.",
            answer=_gap(lambda x, of: abs(largest(_difference(x, of)))),
        ),
        Mistake(
            name="sides-exchanged",
            hint="It is the covariance of class 1 less that of class 0.",
            answer=_gap(lambda x, of: -largest(_difference(x, of))),
        ),
        Mistake(
            name="own-axes",
            hint="Only the spreads of single numbers were compared, the diagonal. The direction in which classes differ"
            " most is hardly ever one of the axes.",
            answer=_gap(lambda x, of: (d := np.diag(_difference(x, of)))[np.abs(d).argmax()]),
        ),
        Mistake(
            name="common-mean",
            hint="The mean of *all* states was subtracted. Then a difference of means counts as one of spreads: centre"
            " each class on its own mean.",
            answer=_gap(lambda x, of: _second(x - x.mean(0), of)),
        ),
        Mistake(
            name="not-centred",
            hint="The classes' means were not subtracted: these are second moments about 0.",
            answer=_gap(_second),
        ),
        Mistake(
            name="total",
            hint="The traces were compared: how much wider one class is in all. One direction was asked for.",
            answer=_gap(lambda x, of: float(np.trace(_difference(x, of)))),
        ),
        Mistake(
            name="of-each",
            hint="The classes' largest variances were compared, each in its own direction. Subtract first, so that both"
            " are seen along the same one.",
            answer=_gap(
                lambda x, of: float(np.subtract(*(np.linalg.eigvalsh(np.cov(x[of == c].T))[-1] for c in (1, 0))))
            ),
        ),
    ),
    hints=(
        "`torch.cov` wants each *column* to be a state: `torch.cov(states[labels == 1].T)`.",
        "`torch.linalg.eigvalsh` gives the eigenvalues of a symmetric matrix; `values[values.abs().argmax()]` keeps the"
        " sign.",
    ),
)
