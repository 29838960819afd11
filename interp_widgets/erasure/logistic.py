"""Logistic regression as probes and INLP use it: on standardised states, given back in the states' own units."""

from __future__ import annotations

import warnings

import numpy as np

from interp_widgets.erasure.labels import Floats, Integers

_ITERATIONS = 300


def scale_of(states: Floats) -> tuple[Floats, Floats]:
    """(mean, spread) of each number, (width,); the spread of a constant one is 1."""
    mean, spread = states.mean(0), states.std(0)
    constant = spread <= np.abs(mean) * 1e-12
    return np.asarray(mean), np.where(constant, 1.0, spread)


def logistic_rows(states: Floats, classes: Integers, *, l2: float) -> tuple[Floats, Floats]:
    """(rows (classes, width), offsets (classes,)) of a multinomial logistic regression: states @ rows.T + offsets.

    l2: weight of the squared norm of the rows, on standardised states, against the mean loss over the states: a number
    that means the same for few and many states
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, spread = scale_of(states)
    model = LogisticRegression(C=1 / (l2 * len(states)), max_iter=_ITERATIONS, tol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a classifier that stops early is one all the same
        model.fit((states - mean) / spread, classes)
    rows, offsets = np.asarray(model.coef_) / spread, np.asarray(model.intercept_)
    offsets = offsets - rows @ mean
    if len(rows) == 1:  # of two classes only the difference is kept
        rows, offsets = np.concatenate([-rows / 2, rows / 2]), np.concatenate([-offsets / 2, offsets / 2])
    return rows, offsets
