"""Probes: classifiers that are trained on states to find out what can be read from them.

linear   multinomial logistic regression with an L2 penalty, on standardised states
mlp      one hidden layer of 64, on standardised states, stopped early on a tenth of the training states

A probe can also learn by heart what a word is, which says nothing about the states.  The control task (Hewitt and Liang
2019, arXiv 1909.03368) gives every word a random label: what a probe reaches there on known words it reaches by
memory, and only what it is better at the real task (its selectivity) is read from the state.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure.labels import Floats, Integers
from interp_widgets.erasure.logistic import logistic_rows, scale_of

PROBES = ("linear", "mlp")
L2 = 1e-3
DRAWS = 1_000
_HIDDEN, _EPOCHS = 64, 60


def predictions(kind: str, train: Floats, of: Integers, test: Floats, *, l2: float = L2, seed: int = 0) -> Integers:
    """Classes that a probe, trained on states (n, width) of classes (n,), gives to other states."""
    if kind == "linear":
        rows, offsets = logistic_rows(train, of, l2=l2)
        return np.asarray((test @ rows.T + offsets).argmax(1))
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    mean, spread = scale_of(train)
    model = MLPClassifier((_HIDDEN,), alpha=l2, max_iter=_EPOCHS, early_stopping=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((train - mean) / spread, of)
    return np.asarray(model.predict((test - mean) / spread), np.int64)


def interval(right: NDArray[np.bool_], clusters: Integers, seed: int) -> Floats:
    """(accuracy, low, high), 95 %: bootstrap over clusters, for the states of one sentence are not independent, nor the
    sentences of one template.

    right: (n,); clusters: (n,), the number of each state's cluster
    """
    _, of = np.unique(clusters, return_inverse=True)
    good, total = np.bincount(of, weights=right), np.bincount(of)
    drawn = np.random.default_rng(seed).integers(0, len(total), (DRAWS, len(total)))
    shares = good[drawn].sum(1) / total[drawn].sum(1)
    return np.asarray([right.mean(), *np.percentile(shares, [2.5, 97.5])])


def control_accuracy(
    train: Floats, test: Floats, words: Integers, test_words: Integers, classes: int, *, l2: float = L2, seed: int = 0
) -> float:
    """Accuracy of a linear probe on random labels, one for each word, at test states whose word was in training; nan
    where there is none.

    words, test_words: (n,), numbers that are the same for the same word
    """
    kinds = np.unique(np.concatenate([words, test_words]))
    label = np.random.default_rng(seed).permutation(np.arange(len(kinds)) % classes)
    of, wanted = label[np.searchsorted(kinds, words)], label[np.searchsorted(kinds, test_words)]
    known = np.isin(test_words, words)
    if not known.any() or len(np.unique(of)) < 2:
        return float("nan")
    found = predictions("linear", train, of, test[known], l2=l2, seed=seed)
    return float((found == wanted[known]).mean())
