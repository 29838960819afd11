"""How several editors change one value matrix so that given keys get what is missing: closed forms.

K (keys, n) holds the keys of n facts, R (width, n) what each has to get in addition, C the second moment of all keys.
Every update is returned as two factors, left (width, rank) and right (rank, keys), with W' = W + left right.

memit      R K^T (w C + K K^T)^-1: least squares between new facts and what C stands for, w facts' worth of it (Meng et
           al. 2023, equation 14)
emmet      R (K^T C^-1 K)^-1 K^T C^-1: the new facts hold exactly, the rest changes least (Gupta et al. 2024); of one
           fact it is ROME's change
alphaedit  as memit, but only along directions that C hardly knows, with the keys of earlier edits kept (Fang et al.
           2025, equation 14)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.keys_values.statistics import RIDGE, KeyStatistics
from interp_widgets.errors import ArgumentError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Update:
    """W' = W + left @ right; left (width, rank), right (rank, keys), float64."""

    left: Floats
    right: Floats

    def dense(self) -> Floats:
        """(width, keys)"""
        return np.asarray(self.left @ self.right)


def violation(given: Floats, wanted: Floats) -> float:
    """How far what the keys get in addition is from what they should get, relative to that.

    Where they should get nothing, as for a fact that holds already, it is the size of what they get.
    """
    return float(np.linalg.norm(given - wanted) / (np.linalg.norm(wanted) or 1.0))


def memit_update(
    missing: Floats, keys: Floats, statistics: KeyStatistics, *, weight: float, ridge: float = RIDGE
) -> Update:
    """MEMIT's update of one layer; `weight` multiplies C. By the identity of Woodbury it has rank n."""
    if not weight > 0:
        raise ArgumentError(f"weight={weight!r}: a number above 0; the papers take 15 000 to 20 000")
    solved = statistics.solve(keys, ridge) / weight
    inner = np.eye(keys.shape[1]) + keys.T @ solved
    return Update(np.asarray(np.linalg.solve(inner.T, missing.T).T), solved.T)


def emmet_update(
    missing: Floats, keys: Floats, statistics: KeyStatistics, *, gamma: float = 0.1, ridge: float = RIDGE
) -> Update:
    """EMMET's update; `gamma` is added to the small matrix's diagonal where there are several facts, in units of its
    mean, since keys that are nearly alike make it singular."""
    solved = statistics.solve(keys, ridge)
    inner = keys.T @ solved
    if len(inner) > 1:
        inner = inner + gamma * np.trace(inner) / len(inner) * np.eye(len(inner))
    return Update(np.asarray(np.linalg.solve(inner.T, missing.T).T), solved.T)


@dataclass(frozen=True, eq=False)
class NullSpace:
    """Directions in which ordinary keys hardly reach: basis (keys, directions), orthonormal.

    threshold: eigenvalues of C below it count as nothing
    """

    basis: Floats
    threshold: float

    @classmethod
    def of(cls, statistics: KeyStatistics, threshold: float = 2e-2) -> NullSpace:
        """Raises ArgumentError if no direction is left: the threshold is absolute, and models differ in scale."""
        values, vectors = statistics.decomposition
        basis = vectors[:, values < threshold]
        if basis.shape[1] == 0:
            raise ArgumentError(
                f"threshold={threshold}: the eigenvalues of C go from {values[0]:.2e} to {values[-1]:.2e}, so no"
                f" direction is left; take one of them, such as {np.quantile(values, 0.9):.2e}"
            )
        return cls(np.asarray(basis), threshold)


def alphaedit_update(
    missing: Floats, keys: Floats, space: NullSpace, *, earlier: Floats | None = None, penalty: float = 10.0
) -> Update:
    """AlphaEdit's update; `earlier` (keys, m) are the keys of edits made before, which stay as they are.

    It solves R K^T P (K K^T P + K_e K_e^T P + penalty I)^-1 within the null space, P = basis basis^T.
    """
    if not penalty > 0:
        raise ArgumentError(f"penalty={penalty!r}: a number above 0; the paper takes 10")
    basis = space.basis
    inside = basis.T @ keys
    kept = inside if earlier is None or earlier.shape[1] == 0 else np.concatenate([inside, basis.T @ earlier], axis=1)
    gram = kept @ kept.T + penalty * np.eye(len(inside))
    return Update(missing, np.linalg.solve(gram, inside).T @ basis.T)
