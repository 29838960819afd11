"""Test states as points, before and after erasing, on three axes that are the same for both.

The first two are the principal axes of the states before; the third is the concept's own: the direction in which the
means of the classes lie furthest apart, in the states that the probes were trained on.  Erasing may leave the first two
as they were, and must bring the classes together on the third.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interp_widgets.erasure.labels import Floats, Integers

MOST = 400  # points of a picture
_FITTED = 2_000  # states that the principal axes are of


@dataclass(frozen=True, eq=False)
class Points:
    """coordinates: float64, (points, 2, 3): before and after, on the three axes, from the mean of the states before, in
    their own units
    rows: int64, (points,), which of the test states they are
    shares: float64, (3,), of the variance before, on each axis
    """

    coordinates: Floats
    rows: Integers
    shares: Floats


def points_of(
    train: Floats, of: Integers, before: Floats, after: Floats, classes: Integers, *, seed: int = 0, most: int = MOST
) -> Points:
    """train: (n, width), states before of classes (n,); before, after: (m, width), test states of classes (m,).

    Points are drawn from the test states, every class alike.
    """
    chance = np.random.default_rng(seed)
    mean = train.mean(0)
    fitted = train[np.sort(chance.permutation(len(train))[:_FITTED])] - mean
    axes = np.linalg.svd(fitted, full_matrices=False)[2][:2]
    axes = np.concatenate([axes, np.zeros((2 - len(axes), train.shape[1]))])
    means = np.stack([train[of == c].mean(0) for c in np.unique(of)])
    axes = np.concatenate([axes, np.linalg.svd(means - means.mean(0), full_matrices=False)[2][:1]])
    kinds = np.unique(classes)
    rows = np.sort(
        np.concatenate([chance.permutation(np.flatnonzero(classes == c))[: most // len(kinds)] for c in kinds])
    )
    moved = np.stack([before[rows] - mean, after[rows] - mean], axis=1)
    total = float(fitted.var(0).sum()) or 1.0
    return Points(np.asarray(moved @ axes.T), rows.astype(np.int64), (fitted @ axes.T).var(0) / total)
