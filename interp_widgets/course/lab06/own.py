"""The learner's own functions put to work: MEMIT by hand, two halves of the facts, the verdict of a suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.borrowing import Borrower
from interp_widgets.course.lab06.results import WEIGHT, Solve, Wanted, memit_form, parts_of
from interp_widgets.editing.evaluating.verification import Verification
from interp_widgets.models.answers import score_answers

THRESHOLD, PENALTY = 2e-2, 10.0  # AlphaEdit's own


@dataclass(frozen=True, eq=False)
class ByHand:
    """changes: by layer; told: what was borrowed for them"""

    changes: dict[int, Tensor]
    told: str


def by_hand(wanted: Wanted, memit: Callable[..., Any], spread: Callable[..., Any]) -> ByHand:
    """All facts at once, by the learner's closed form and spread."""
    borrower = Borrower()

    def solve(missing: Tensor, keys: Tensor, layer: int) -> Tensor:
        given = (missing, keys, wanted.moment(layer))
        found: Tensor = borrower.call(memit, lambda: memit_form(WEIGHT)(*given), *given, WEIGHT)
        return found

    def instead() -> dict[int, Tensor]:
        return wanted.changes(memit_form(WEIGHT))

    changes = borrower.call(spread, instead, wanted.states, list(wanted.layers), wanted.read, solve)
    return ByHand(dict(changes), "\n".join(borrower.told) or "by hand: memit and spread are yours")


# Two halves


@dataclass(frozen=True)
class Halves:
    """By way of editing: facts of both halves that hold after both; how far the second half moved the states of the
    first, over how far they had been moved; and the root mean square of what ordinary keys get, over that of what the
    facts' keys get. free: directions by layer, of how many. told: what was borrowed"""

    names: tuple[str, ...]
    held: tuple[tuple[int, int], ...]
    moved: tuple[float, ...]
    ordinary: tuple[float, ...]
    size: int
    free: tuple[int, ...]
    width: int
    told: str

    def table(self) -> str:
        lines = [f"{'':30}{'first half':>12}{'second half':>13}{'moved again':>13}{'ordinary keys':>15}"]
        for name, (one, two), moved, ordinary in zip(self.names, self.held, self.moved, self.ordinary, strict=True):
            cells = f"{f'{one} of {self.size}':>12}{f'{two} of {self.size}':>13}{moved:>13.1%}{ordinary:>15.2%}"
            lines.append(f"{name:30}{cells}")
        free = ", ".join(f"{one:,}" for one in self.free)
        lines.append(f"free directions by layer: {free} of {self.width:,}")
        return "\n".join([*lines, *([self.told] if self.told else [])])


def two_halves(wanted: Wanted, free_directions: Callable[..., Any], protected: Callable[..., Any]) -> Halves:
    """The first half of the facts, then the second on top: by MEMIT, by AlphaEdit, by one that forgets the first."""
    borrower, half = Borrower(), len(wanted.facts) // 2
    one, two = wanted.part(slice(0, half)), wanted.part(slice(half, None))
    onto: dict[int, Tensor] = {}
    for layer in wanted.layers:
        given = (wanted.moment(layer), THRESHOLD)
        onto[layer] = borrower.call(free_directions, partial(_free, given[0]), *given)

    free = tuple(round(float(one.trace())) for one in onto.values())

    def kept(earlier: Mapping[int, Tensor]) -> Callable[[int], Solve]:
        def of(layer: int) -> Solve:
            def solve(missing: Tensor, keys: Tensor, moment: Tensor) -> Tensor:
                before = earlier.get(layer, keys[:0])
                given = (missing, keys, before, onto[layer], PENALTY)
                found: Tensor = borrower.call(protected, lambda: _protected(*given), *given)
                return found

            return solve

        return of

    def memit(layer: int) -> Solve:
        return memit_form(WEIGHT)

    names = ("MEMIT", "AlphaEdit", "without the first half's keys")
    held, moved, ordinary = [], [], []
    for name in names:
        start = memit if name == "MEMIT" else kept({})
        first, keys = one.in_turn(start)
        second, _ = two.in_turn(memit if name == "MEMIT" else kept(keys if name == "AlphaEdit" else {}), on=first)
        both = {layer: first[layer] + second[layer] for layer in wanted.layers}
        with wanted.lm.using(*parts_of(both)):
            pairs = [(fact.prompt, answer) for fact in wanted.facts for answer in (fact.target, fact.original)]
            leads = np.subtract(*score_answers(wanted.lm, pairs).mean.reshape(-1, 2).T)
        held.append((int((leads[:half] > 0).sum()), int((leads[half:] > 0).sum())))
        plain, after, end = (one.read(changes, wanted.layers[-1])[1] for changes in ({}, first, both))
        moved.append(float((end - after).norm() / (after - plain).norm()))
        top = wanted.layers[-1]
        own = (wanted.read(both, top)[0] @ both[top].T).square().sum(1).mean()
        others = ((both[top] @ wanted.moment(top)) * both[top]).sum()
        ordinary.append(float((others / own).sqrt()))
    return Halves(
        names,
        tuple(held),
        tuple(moved),
        tuple(ordinary),
        half,
        free,
        wanted.lm.architecture.mlp_width,
        "\n".join(borrower.told),
    )


def _free(moment: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(moment)
    kept = vectors[:, values < THRESHOLD]
    found: Tensor = kept @ kept.T
    return found


def _protected(missing: Tensor, keys: Tensor, earlier: Tensor, onto: Tensor, penalty: float) -> Tensor:
    inside = torch.cat([keys, earlier]) @ onto
    gram = inside.T @ inside + penalty * torch.eye(len(onto)).to(onto)
    found: Tensor = torch.linalg.solve(gram, (keys @ onto).T @ missing).T
    return found


# A suite


def verdict(found: Verification, failed: Callable[..., Any]) -> str:
    """What the learner's function says of a suite's cases, and whose function it is if it is not theirs."""
    borrower = Borrower()
    cases = [(case.part, case.lead) for case in found.cases]
    parts = borrower.call(failed, lambda: list(found.short), cases, dict(found.at_least))
    return "\n".join([f"    your verdict: {parts}", *borrower.told])
