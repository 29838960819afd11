"""The learner's own functions put to work: scores, LEACE by hand, INLP by hand, what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from interp_widgets.course.borrowing import Borrower
from interp_widgets.course.lab07.closed_form import oblique
from interp_widgets.course.lab07.covariances import inverse_root
from interp_widgets.course.lab07.null_space import off
from interp_widgets.course.lab07.parts import Classifier, Data, Part, linear_probe, linear_row, mlp_probe, right
from interp_widgets.course.lab07.scoring import largest

Change = Callable[[Tensor], Tensor]


def _package_score(x: Tensor, z: Tensor, groups: Tensor, held: list[int], fit: Callable[..., Classifier]) -> float:
    test = torch.isin(groups, torch.tensor(held))
    return right(fit(x[~test], z[~test]), Part(x[test], z[test], groups[test]))


def printed(data: Data) -> str:
    """As textbooks print it: eraser and probe fitted on all states at hand, the probe scored on the same ones."""
    from interp_widgets.erasure import Eraser

    erase = Eraser.fit(data.fit.states, data.fit.labels, shrinkage=False).transform
    lines = [f"{'':34}{'before':>8}{'after':>8}"]
    own = [
        right(linear_probe(x, data.fit.labels), Part(x, data.fit.labels, data.fit.groups))
        for x in both(erase, data.fit)
    ]
    fresh = [
        right(linear_probe(x, data.train.labels), Part(y, data.test.labels, data.test.groups))
        for x, y in zip(both(erase, data.train), both(erase, data.test), strict=True)
    ]
    for name, (one, other) in (("scored as printed", own), ("a fresh probe, on fresh sentences", fresh)):
        lines.append(f"{name:34}{one:8.1%}{other:8.1%}")
    return "\n".join(lines)


def both(erase: Change, part: Part) -> tuple[Tensor, Tensor]:
    return part.states, erase(part.states)


def scores(data: Data, held_out_score: Callable[..., float]) -> str:
    """What one probe seems to find in the same states, by what it is scored on; and a probe of shuffled labels."""
    borrower, part = Borrower(), data.fresh
    mixed = part.labels[torch.randperm(len(part), generator=torch.Generator().manual_seed(0))]
    lines = [f"{'':24}{'its own states':>16}{'other sentences':>17}"]
    for name, labels in (("she or he", part.labels), ("shuffled labels", mixed)):
        given = (part.states, labels, part.groups, data.held, linear_probe)
        proper = float(borrower.call(held_out_score, lambda given=given: _package_score(*given), *given))  # type: ignore[misc]
        own = right(linear_probe(part.states, labels), Part(part.states, labels, part.groups))
        lines.append(f"{name:24}{own:16.1%}{proper:17.1%}")
    return "\n".join([*lines, *borrower.told])


@dataclass(frozen=True, eq=False)
class ByHand:
    """erase: of states; projection: (width, width); sxz: (width, 2); told: what was borrowed"""

    erase: Change
    projection: Tensor
    sxz: Tensor
    told: str


def by_hand(part: Part, covariances: Any, whitening: Any, leace: Any, erased: Any) -> ByHand:
    """LEACE from the learner's four functions."""
    borrower = Borrower()

    def own() -> tuple[Tensor, Tensor]:
        x, z = part.states - part.states.mean(0), part.one_hot - part.one_hot.mean(0)
        return x.T @ x / (len(x) - 1), x.T @ z / (len(x) - 1)

    sxx, sxz = borrower.call(covariances, own, part.states, part.one_hot)
    w = borrower.call(whitening, lambda: torch.as_tensor(inverse_root(sxx.numpy())), sxx)
    p = borrower.call(leace, lambda: torch.as_tensor(oblique(w.numpy(), sxz.numpy())), w, sxz)
    mean = part.states.mean(0)

    def erase(states: Tensor) -> Tensor:
        found: Tensor = borrower.call(erased, lambda: mean + (states - mean) @ p.T, states, mean, p)
        return found

    erase(part.states[:1])
    return ByHand(erase, p, sxz, "\n".join(borrower.told) or "all four functions are yours")


def against_library(mine: ByHand, data: Data) -> str:
    """By hand beside `iw.erasure.Eraser`, on states that neither was fitted on."""
    from interp_widgets.erasure import Eraser

    theirs = Eraser.fit(data.fit.states, data.fit.labels, shrinkage=False)
    x, y = mine.erase(data.test.states), theirs.transform(data.test.states)
    after = mine.erase(data.fit.states)
    left = (after - after.mean(0)).T @ (data.fit.one_hot - data.fit.one_hot.mean(0)) / (len(after) - 1)
    size = (data.test.states - y).norm(dim=1).max()
    gone, before = len(mine.projection) - float(mine.projection.trace()), float(mine.sxz.abs().max())
    return "\n".join(
        [
            f"dimensions taken: {gone:.3f}; by the package {theirs.rank}",
            f"the same as the package's, within 1e-6 of the change: {bool((x - y).abs().max() < 1e-6 * size)}",
            f"largest |Sxz| before {before:.2g}; below 1e-8 after: {bool(left.abs().max() < 1e-8)}",
            mine.told,
        ]
    )


# INLP


@dataclass(frozen=True)
class Rounds:
    """By number of rounds: the rank that is left, a fresh probe's accuracy, and the share of length that was taken.
    leace: the same three. told: what was borrowed"""

    rounds: tuple[int, ...]
    rank: tuple[int, ...]
    accuracy: tuple[float, ...]
    taken: tuple[float, ...]
    leace: tuple[int, float, float]
    told: str

    def table(self) -> str:
        lines = [f"{'':10}{'dimensions taken':>18}{'fresh probe':>13}{'change':>9}"]
        rows = [
            (f"round {n}", *rest) for n, *rest in zip(self.rounds, self.rank, self.accuracy, self.taken, strict=True)
        ]
        for name, rank, accuracy, taken in [*rows, ("LEACE", *self.leace)]:
            lines.append(f"{name:10}{rank:18}{accuracy:13.1%}{taken:9.1%}")
        return "\n".join([*lines, *([self.told] if self.told else [])])


def rounds_of(data: Data, inlp: Any, null_projector: Any, counts: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32)) -> Rounds:
    """INLP on the states of `fit`; a fresh probe is trained and tested on the two other parts."""
    from interp_widgets.erasure import Eraser

    borrower = Borrower()
    mean = data.fit.states.mean(0)
    x = data.fit.states - mean
    turn = 0
    cached: list[Tensor] = []  # a run of 8 rounds begins like one of 4: the same rows need not be found again

    def project(rows: Tensor) -> Tensor:
        found: Tensor = borrower.call(null_projector, lambda: torch.as_tensor(off(rows.numpy())), rows)
        return found

    def own(rounds: int) -> Tensor:
        p, rows = torch.eye(x.shape[1], dtype=x.dtype), []
        for _ in range(rounds):
            rows.append(fit(x @ p))
            p = project(torch.stack(rows))
        return p

    def fit(states: Tensor) -> Tensor:
        nonlocal turn
        if turn == len(cached):
            cached.append(linear_row(states, data.fit.labels)[0])
        turn += 1
        return cached[turn - 1]

    rank, accuracy, taken = [], [], []
    for count in counts:
        turn = 0
        p = borrower.call(inlp, lambda count=count: own(count), x, fit, project, count)  # type: ignore[misc]
        rank.append(round(len(p) - float(p.trace())))
        one, two = _fresh(data, lambda states, p=p: mean + (states - mean) @ p)  # type: ignore[misc]
        accuracy.append(one)
        taken.append(two)
    eraser = Eraser.fit(data.fit.states, data.fit.labels, shrinkage=False)
    last = (eraser.rank, *_fresh(data, eraser.transform))
    return Rounds(counts, tuple(rank), tuple(accuracy), tuple(taken), last, "\n".join(borrower.told))


def _fresh(data: Data, erase: Change) -> tuple[float, float]:
    """Accuracy of a fresh linear probe, and mean length of the change over that of the centred states."""
    train, test = erase(data.train.states), erase(data.test.states)
    found = right(linear_probe(train, data.train.labels), Part(test, data.test.labels, data.test.groups))
    return found, change_of(data, test)


def change_of(data: Data, after: Tensor) -> float:
    before = data.test.states
    return float((before - after).norm(dim=1).mean() / (before - data.fit.states.mean(0)).norm(dim=1).mean())


# What is left


def left_over(data: Data, erase: Change, spread_gap: Any) -> str:
    """Two probes before and after, and how far the spreads of the classes lie apart along one direction."""
    borrower = Borrower()
    lines = [f"{'':8}{'linear':>8}{'MLP':>8}{'spread gap':>12}{'of':>12}"]
    for name, change in (("before", lambda states: states), ("after", erase)):
        train, test = change(data.train.states), change(data.test.states)
        found = [
            right(fit(train, data.train.labels), Part(test, data.test.labels, data.test.groups))
            for fit in (linear_probe, mlp_probe)
        ]
        x = train - train.mean(0)
        gap = float(borrower.call(spread_gap, lambda x=x: _gap(x, data.train.labels), x, data.train.labels))  # type: ignore[misc]
        lines.append(f"{name:8}{found[0]:8.1%}{found[1]:8.1%}{gap:12.1f}{float(x.square().sum() / len(x)):12.1f}")
    return "\n".join([*lines, *borrower.told])


def _gap(x: Tensor, labels: Tensor) -> float:
    return largest((torch.cov(x[labels == 1].T) - torch.cov(x[labels == 0].T)).numpy())
