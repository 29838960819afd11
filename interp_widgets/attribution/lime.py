"""LIME (Ribeiro, Singh and Guestrin 2016, equations 1 and 2): a weighted linear model around the prompt.

    minimise over w, c:  sum_z pi(z) (F(z) - c - w . z)^2 + penalty |w|^2

z: which units are kept (0 or 1), drawn as in the authors' text explainer: a size evenly from 1 to n - 1, then which
units to delete; pi(z) = exp(-D^2 / width^2) with D = 100 (1 - cosine(z, 1)) and width = 25; ridge penalty 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.diagnostics import stability
from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.question import Question

KERNEL_WIDTH = 25.0
PENALTY = 1.0
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def draw(units: int, samples: int, seed: int) -> Bools:
    """Which units are deleted, (samples, units); the first row deletes none, as the authors' explainer does."""
    chance = np.random.default_rng(seed)
    gone = np.zeros((samples, units), dtype=bool)
    for row in gone[1:]:
        row[chance.permutation(units)[: chance.integers(1, max(units, 2))]] = True
    return gone


def weights(gone: Bools) -> Floats:
    """pi(z) for each row; cosine(z, 1) = sqrt(kept / all)."""
    kept = (~gone).mean(1)
    pi: Floats = np.exp(-((100 * (1 - np.sqrt(kept))) ** 2) / KERNEL_WIDTH**2)
    return pi


def fit(gone: Bools, values: Floats, pi: Floats, penalty: float = PENALTY) -> tuple[Floats, float, float]:
    """w (units,), c, and the weighted R^2 of the fit; the constant is not penalised."""
    z = (~gone).astype(np.float64)
    z_mean, y_mean = (pi @ z) / pi.sum(), float(pi @ values / pi.sum())
    centred, y = z - z_mean, values - y_mean
    w = np.linalg.solve((centred.T * pi) @ centred + penalty * np.eye(z.shape[1]), (centred.T * pi) @ y)
    rest, total = float(pi @ (y - centred @ w) ** 2), float(pi @ y**2)
    varies = total > 1e-24 * float(pi @ values**2)  # beyond rounding
    return w, y_mean - float(z_mean @ w), 1 - rest / total if varies else 1.0


def _samples(settings: dict[str, Any]) -> int:
    return int(settings["samples"] or 500)


def _run(question: Question, work: Work) -> Scores:
    gone = draw(len(work.units), _samples(work.settings), work.seed)
    values = work.without(gone)
    w, _, fitted = fit(gone, values, weights(gone))
    pi = weights(gone)
    halves = [fit(gone[half::2], values[half::2], pi[half::2])[0] for half in (0, 1)]
    stable = stability(*halves) if len(gone) >= 8 and len(w) > 1 else None
    return Scores(w, diagnostics={"r_squared": fitted}, stability=stable)


LIME = register(
    Method(
        name="lime",
        label="LIME",
        settings=("delete", "samples"),
        random=True,
        by_units=True,
        explains="log-probability",
        cost="samples forward (500)",
        promises="the best linear model near the prompt, as far as a linear model fits (r_squared)",
        source="Ribeiro, Singh and Guestrin 2016, equations 1 and 2",
        passes=lambda units, settings: min(_samples(settings), 2**units),
        run=_run,
    )
)
