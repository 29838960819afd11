"""Means and covariances of labelled states, batch by batch, in float64.

Batches are merged by the formula of Chan, Golub and LeVeque 1983: each is centred on its own mean first, so nothing is
lost where the mean is large beside the spread, as in the residual stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure.labels import Floats, Integers, Label
from interp_widgets.errors import ArgumentError

_ROWS = 4_096  # of a batch: its centred copy stays in the cache of the processor


class Moments:
    """Running statistics of states (n, width) whose class is known.

    classes: in the order in which they were first seen; counts: (classes,); means: (classes, width)
    scatter: (width, width), the sum of (x - mean)(x - mean)^T over all states
    scatters: (classes, width, width), the same within each class, about its own mean; only with `within`
    """

    def __init__(self, width: int, *, within: bool = False) -> None:
        self.width, self.within = width, within
        self.classes: list[Label] = []
        self.counts = np.zeros(0, np.int64)
        self.means: Floats = np.zeros((0, width))
        self.scatter: Floats = np.zeros((width, width))
        self.scatters: Floats = np.zeros((0, width, width) if within else (0, 0, 0))
        self._n, self._mean = 0, np.zeros(width)

    @property
    def n(self) -> int:
        return self._n

    @property
    def mean(self) -> Floats:
        """(width,), of all states."""
        return self._mean

    def update(self, states: Floats, labels: NDArray[Any]) -> None:
        """Count in some states (n, width) with their labels (n,)."""
        kinds, index = np.unique(labels, return_inverse=True)
        for one in kinds:
            self._know(one.item())
        of = np.asarray([self.classes.index(one.item()) for one in kinds], np.int64)[index.reshape(-1)]
        for start in range(0, len(states), _ROWS):
            self._add(states[start : start + _ROWS], of[start : start + _ROWS])

    def _know(self, label: Label) -> None:
        if label in self.classes:
            return
        if self.classes and type(label) is not type(self.classes[0]):
            raise ArgumentError(f"labels has {label!r}; those before were of type {type(self.classes[0]).__name__}")
        self.classes.append(label)
        self.counts = np.append(self.counts, 0)
        self.means = np.vstack([self.means, np.zeros(self.width)])
        if self.within:
            self.scatters = np.concatenate([self.scatters, np.zeros((1, self.width, self.width))])

    def _add(self, states: Floats, of: Integers) -> None:
        k, n = len(self.classes), len(states)
        counts = np.bincount(of, minlength=k)
        one_hot = np.zeros((n, k))
        one_hot[np.arange(n), of] = 1
        mean = states.mean(0)
        states = states - mean
        offsets = (one_hot.T @ states) / np.maximum(counts, 1)[:, None]  # of the class means from the batch's mean
        if self.within:
            self._add_within(states, of, counts, mean, offsets)
        else:
            delta = mean - self._mean
            self.scatter += states.T @ states
            self.scatter += np.outer(delta, delta) * (self._n * n / (self._n + n))
        self._mean = self._mean + (mean - self._mean) * (n / (self._n + n))
        self._n += n
        share = np.divide(counts, self.counts + counts, out=np.zeros(k), where=counts > 0)[:, None]
        self.means = self.means + (mean + offsets - self.means) * share
        self.counts = self.counts + counts

    def _add_within(self, states: Floats, of: Integers, counts: Integers, mean: Floats, offsets: Floats) -> None:
        for c in np.flatnonzero(counts):
            own = states[of == c] - offsets[c]
            delta = mean + offsets[c] - self.means[c]
            both = self.counts[c] * counts[c] / (self.counts[c] + counts[c])
            self.scatters[c] += own.T @ own + np.outer(delta, delta) * both

    def sorted(self) -> Moments:
        """The same with the classes in their own order. Raises ArgumentError for fewer than two classes."""
        if len(self.classes) < 2:
            seen = f"only {self.classes[0]!r}" if self.classes else "none"
            raise ArgumentError(f"labels: {seen} was seen; erasing needs states of two classes or more")
        order = sorted(range(len(self.classes)), key=lambda i: self.classes[i])
        found = Moments(self.width, within=self.within)
        found.classes = [self.classes[i] for i in order]
        found.counts, found.means = self.counts[order], self.means[order]
        found.scatter, found._n, found._mean = self.scatter, self._n, self._mean
        found.scatters = self.scatters[order] if self.within else self.scatters
        return found

    @property
    def cross_covariance(self) -> Floats:
        """(width, classes), between the states and the one-hot labels."""
        return self.cross_covariance_within([0] * len(self.classes))

    def cross_covariance_within(self, strata: Sequence[object]) -> Floats:
        """The same within strata: with the one-hot labels less their share in the stratum, and 0 elsewhere.

        strata: (classes,), of what stratum each class is a part
        """
        columns = np.empty((self.width, len(self.classes)))
        for one in set(strata):
            own = [i for i, other in enumerate(strata) if other == one]
            counts = self.counts[own][:, None]
            centre = (self.means[own] * counts).sum(0) / counts.sum()
            columns[:, own] = ((self.means[own] - centre) * counts).T
        return columns / max(self._n - 1, 1)
