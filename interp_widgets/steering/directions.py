"""From the states of contrast pairs to one direction for each layer.

With p and n the states of the positive and the negative of each pair, and d = p - n:

mean            mean of d (Rimsky et al. 2024, equation 1; Turner et al. 2023 with many pairs)
pca_uncentred   first right singular vector of the matrix of d; keeps their common part (repeng's "pca_center")
pca_centred     first principal component of d, whose mean is subtracted before: what *differs* between pairs, so the
                trait itself may be lost (repeng's default "pca_diff")
logistic        coefficients of a logistic regression that tells p from n, in the states' own space (Alain & Bengio
                2016), with an L2 penalty on standardised states

Each is of unit length, its sign such that most pairs have p further along it than n; where as many have as have not,
such that the mean of d points along it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, not_one_of

Floats = NDArray[np.float64]


def mean(positive: Floats, negative: Floats) -> Floats:
    return np.asarray((positive - negative).mean(0))


def pca_uncentred(positive: Floats, negative: Floats) -> Floats:
    return _first_component(positive - negative)


def pca_centred(positive: Floats, negative: Floats) -> Floats:
    differences = positive - negative
    return _first_component(differences - differences.mean(0))


def logistic(positive: Floats, negative: Floats) -> Floats:
    from sklearn.linear_model import LogisticRegression

    states = np.concatenate([positive, negative])
    scale = states.std(0)
    scale[scale == 0] = 1.0
    labels = np.repeat([1, 0], len(positive))
    probe = LogisticRegression(C=1.0, max_iter=1_000, tol=1e-4).fit((states - states.mean(0)) / scale, labels)
    return np.asarray(probe.coef_[0] / scale)


METHODS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "mean": mean,
    "pca_uncentred": pca_uncentred,
    "pca_centred": pca_centred,
    "logistic": logistic,
}


def check_method(method: str) -> str:
    if method not in METHODS:
        raise not_one_of("method", method, METHODS)
    return method


def direction(method: str, positive: Floats, negative: Floats) -> Floats:
    """Unit direction (width,) from states (pairs, width) of one layer; row i of both is a pair.

    Raises ArgumentError where the states leave none: all differences zero, or, centred, all alike.
    """
    with np.errstate(invalid="ignore"):
        found = METHODS[method](positive, negative)
        length = float(np.linalg.norm(found))
    if not length > 0:
        raise ArgumentError(
            f"method={method!r} finds no direction in these {len(positive)} pairs: their differences are"
            + (" all alike" if method == "pca_centred" else " zero, or cancel")
        )
    differences = positive - negative
    along = differences @ found
    votes = int((along > 0).sum()) - int((along < 0).sum())
    sign = votes or float(along.sum()) or 1.0
    return np.asarray(found / length * np.sign(sign))


def unit_rows(matrix: NDArray[Any]) -> Floats:
    """Each row at unit length; rows of zeros stay."""
    rows = matrix.astype(np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 0))


def ordered(direction: Floats, positive: Floats, negative: Floats) -> float:
    """Share of the pairs whose positive lies further along the direction than its negative."""
    return float(((positive - negative) @ direction > 0).mean())


def separation(along_positive: Floats, along_negative: Floats) -> float:
    """d': the distance between the two means in units of the pooled standard deviation; 0 where it has no meaning."""
    spread = np.sqrt((along_positive.var() + along_negative.var()) / 2)
    gap = along_positive.mean() - along_negative.mean()
    return float(gap / spread) if spread > 0 else 0.0


def cross_validated(method: str, positive: Floats, negative: Floats, folds: int) -> tuple[float, float]:
    """(share of pairs ordered right, d') of pairs that the direction was not fitted to, over `folds` parts; nan where
    the pairs are too few to leave some out, or some leave the rest without a direction."""
    needed = 3 if method == "pca_centred" else 2
    if len(positive) - -(-len(positive) // folds) < needed - 1 or len(positive) < needed:
        return float("nan"), float("nan")
    parts = np.array_split(np.arange(len(positive)), min(folds, len(positive)))
    up, down = np.empty(len(positive)), np.empty(len(positive))
    for part in parts:
        rest = np.setdiff1d(np.arange(len(positive)), part)
        try:
            found = direction(method, positive[rest], negative[rest])
        except ArgumentError:
            return float("nan"), float("nan")
        up[part], down[part] = positive[part] @ found, negative[part] @ found
    return float((up > down).mean()), separation(up, down)


def _first_component(rows: Floats) -> Floats:
    """First right singular vector of rows (n, width), through the smaller of the two Gram matrices."""
    if len(rows) < rows.shape[1]:
        values, vectors = np.linalg.eigh(rows @ rows.T)
        found = rows.T @ vectors[:, -1]
        return found if values[-1] > 0 else np.zeros(rows.shape[1])
    values, vectors = np.linalg.eigh(rows.T @ rows)
    return np.asarray(vectors[:, -1]) if values[-1] > 0 else np.zeros(rows.shape[1])
