"""Iterated null-space projection (Ravfogel et al. 2020, arXiv 2004.07667): erase what a classifier found, and again.

    repeat: fit a linear classifier on P x; put its rows beside those found before; P = I - projector on their span

P is one orthogonal projector on the complement of all rows (Ben-Israel 2015, in the authors' code I - rowspace(sum of
the P_Wi)), not a product of projectors, which drifts and is none where the rows are not orthogonal.  Each round costs
rank: one for two classes, up to classes - 1 for more.  LEACE needs one round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure.closed_forms import basis
from interp_widgets.erasure.labels import Floats, Integers
from interp_widgets.erasure.logistic import logistic_rows

_SAME = 1e-6  # a row whose part outside the span is below this share of it adds nothing


@dataclass(frozen=True, eq=False)
class Rounds:
    """directions: (width, rank), orthonormal: what is erased; centre: (width,)
    history: float64, (rounds + 1, 2): the rank lost so far, and the accuracy of the next classifier on held-out states;
        the first row is before any round
    majority: accuracy of always saying the commonest class, on the same held-out states"""

    directions: Floats
    history: Floats
    majority: float


def iterate(
    states: Floats,
    classes: Integers,
    held_out: NDArray[np.bool_],
    *,
    rounds: int,
    margin: float,
    l2: float,
    advance: Callable[[int, int, str], None] | None = None,
) -> Rounds:
    """At most `rounds` rounds on the states that are not held out; it ends before a round whose classifier is within
    `margin` of the majority on those that are.

    states: (n, width), centred; they are overwritten
    """
    width = states.shape[1]
    k = int(classes.max()) + 1
    train, test = ~held_out, held_out
    majority = float(np.bincount(classes[test], minlength=k).max() / test.sum())
    found = np.zeros((width, 0))
    history = []
    for number in range(rounds + 1):
        rows, offsets = logistic_rows(states[train], classes[train], l2=l2)
        accuracy = float(((states[test] @ rows.T + offsets).argmax(1) == classes[test]).mean())
        history.append((found.shape[1], accuracy))
        if advance is not None:
            advance(number + 1, rounds + 1, "INLP rounds")
        if number == rounds or accuracy <= majority + margin or found.shape[1] == width:
            break
        new = rows.T - found @ (found.T @ rows.T)
        largest = float(np.linalg.norm(rows, 2))
        added = basis(new, _SAME * largest, k - 1)
        if not added.shape[1]:
            break
        # Once more against what was there: one pass of Gram and Schmidt loses digits when little is left.
        together = np.concatenate([found, added - found @ (found.T @ added)], axis=1)
        found = np.linalg.qr(together)[0]
        states -= (states @ found[:, -added.shape[1] :]) @ found[:, -added.shape[1] :].T
    return Rounds(found, np.asarray(history), majority)
