"""The covariance that is used where the measured one is poor: measured from few states, or from dependent ones."""

from __future__ import annotations

import numpy as np

from interp_widgets.erasure.labels import Floats


def shrunk(covariance: Floats, n: int) -> tuple[Floats, float]:
    """(estimate, weight of the multiple of the identity in it, 0 to 1).

    Optimal linear shrinkage towards tr(S)/p I (Bodnar, Gupta and Parolya 2014, arXiv 1308.2608, section 2): with S the
    covariance of n states of width p, divided by n,

        a = 1 - (tr(S)^2 |S0|^2 / n) / (|S|^2 |S0|^2 - tr(S S0)^2),   S0 = tr(S)/p I

    and a S + (1 - a) S0.  Where n is small beside the concentration of S the formula gives a negative weight; the
    weight is then left as it is only down to 0, for a covariance must not become negative.
    """
    p = len(covariance)
    trace = float(np.trace(covariance))
    target = trace / p
    size, own = float((covariance**2).sum()), p * target**2  # |S|^2 and |S0|^2
    eps = float(np.finfo(np.float64).eps)
    weight = 1 - (trace**2 * own / n + eps) / (size * own - (trace * target) ** 2 + eps)
    weight = min(max(weight, 0.0), 1.0)
    estimate = weight * covariance
    estimate[np.diag_indices(p)] += (1 - weight) * target
    return estimate, 1 - weight
