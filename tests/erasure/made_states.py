"""States with a concept in them, made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def make_states(
    n: int = 400, width: int = 12, classes: int = 2, *, seed: int = 0, shift: float = 2.0, mean: float = 3.0
) -> tuple[Floats, NDArray[Any]]:
    """(states (n, width), labels (n,) from 0): dependent numbers of unequal size, the classes' means apart."""
    chance = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), chance.integers(0, classes, n - classes)])
    mixing = chance.normal(size=(width, width)) * np.linspace(0.3, 3, width)
    centres = chance.normal(size=(classes, width)) * shift
    return chance.normal(size=(n, width)) @ mixing + centres[labels] + mean, labels


def cross_covariance(states: Floats, labels: NDArray[Any]) -> Floats:
    """(width, classes), between states and one-hot labels."""
    one_hot = (labels[:, None] == np.unique(labels)).astype(float)
    return np.asarray((states - states.mean(0)).T @ (one_hot - one_hot.mean(0)) / (len(states) - 1))
