"""Exercises 3 and 4: a direction from the states of pairs, by the mean and by principal components.

References: NumPy, layer by layer and pair by pair (exercise 3); scikit-learn's TruncatedSVD, which does not centre, and
for the mistakes its PCA, which does (exercise 4).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab03.inputs import differences_of, normal, states_of_pairs, unit

# Exercise 3


def _states(rng: np.random.Generator) -> Arguments:
    return states_of_pairs(rng, 7, 4, 6)


def _known_gap(rng: np.random.Generator) -> Arguments:
    """The same difference in every pair: its direction is the answer."""
    negative = normal(rng, 5, 3, 4)
    return negative + normal(rng, 1, 3, 4), negative


def _layer_by_layer(positive: Tensor, negative: Tensor) -> Tensor:
    rows = []
    for layer in range(positive.shape[1]):
        total = np.zeros(positive.shape[2])
        for i in range(len(positive)):
            total += positive[i, layer].numpy() - negative[i, layer].numpy()
        rows.append(total / np.sqrt((total**2).sum()))
    return torch.as_tensor(np.asarray(rows))


def _unit(rows: Tensor) -> Tensor:
    scaled: Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return scaled


MEAN = Exercise(
    id="lab03-q3",
    title="The difference of means at every layer",
    difficulty=1,
    minutes=12,
    signature="directions(positive, negative)",
    cases=(
        Case(
            name="seven pairs, four layers, width 6",
            points=2,
            arguments=_states,
            expected=_layer_by_layer,
            hint="At each layer the mean over the pairs of positive − negative, divided by its own length.",
        ),
        Case(
            name="the same difference in every pair",
            points=1,
            arguments=_known_gap,
            expected=lambda positive, negative: _unit((positive - negative)[0]),
            hint="Where all pairs have one difference, its direction is the answer, from negative to positive.",
        ),
    ),
    mistakes=(
        Mistake(
            name="not-unit",
            hint="The means were not divided by their lengths. Each layer's direction has length 1, or strengths could"
            " not be compared.",
            answer=lambda positive, negative: (positive - negative).mean(0),
        ),
        Mistake(
            name="wrong-sign",
            hint="It points from positive to negative: adding it would do the opposite.",
            answer=lambda positive, negative: _unit((negative - positive).mean(0)),
        ),
        Mistake(
            name="one-length",
            hint="All layers were divided by one length. Each row is divided by its own: `norm(dim=-1, keepdim=True)`.",
            answer=lambda positive, negative: (positive - negative).mean(0) / (positive - negative).mean(0).norm(),
        ),
        Mistake(
            name="over-layers",
            hint="The mean was taken over the layers. The first axis is the pairs: `mean(0)`.",
            answer=lambda positive, negative: _unit((positive - negative).mean(1)),
        ),
        Mistake(
            name="unit-first",
            hint="Each pair's difference was scaled to length 1 before the mean. Take the mean first, then its length.",
            answer=lambda positive, negative: _unit(_unit(positive - negative).mean(0)),
        ),
        Mistake(
            name="positive-only",
            hint="The negative prompts are not in it: this is where texts lie, not what tells the two sides apart.",
            answer=lambda positive, negative: _unit(positive.mean(0)),
        ),
    ),
    hints=(
        "`(positive - negative).mean(0)` has the shape (layers, width).",
        "`rows.norm(dim=-1, keepdim=True)` has the shape (layers, 1), so that a division goes row by row.",
    ),
)

# Exercise 4

_WIDTH = 5


def _shift_and_noise(rng: np.random.Generator) -> Arguments:
    """All differences have a common part, which is large, and differ along another direction."""
    common, other = unit(rng, _WIDTH), unit(rng, _WIDTH)
    rows = 0.45 * common + 0.2 * normal(rng, 12, 1) * other + 0.03 * normal(rng, 12, _WIDTH)
    return differences_of(rng, rows)


def _outliers(rng: np.random.Generator) -> Arguments:
    """Most pairs point one way, and a few much further the other way."""
    along = unit(rng, _WIDTH)
    sizes = torch.tensor([0.4] * 6 + [-2.4] * 4, dtype=torch.float64)
    rows = sizes[torch.as_tensor(rng.permutation(10))][:, None] * along + 0.04 * normal(rng, 10, _WIDTH)
    return differences_of(rng, rows)


def _truncated(rows: Tensor, components: int = 1) -> Tensor:
    from sklearn.decomposition import TruncatedSVD

    found = TruncatedSVD(components, algorithm="arpack", random_state=0).fit(rows.numpy())
    return torch.as_tensor(found.components_[-1])


def _centred(rows: Tensor) -> Tensor:
    from sklearn.decomposition import PCA

    return torch.as_tensor(PCA(1, svd_solver="full").fit(rows.numpy()).components_[0])


def _by_votes(direction: Tensor, rows: Tensor) -> Tensor:
    ahead = sum(float(row @ direction) > 0 for row in rows)
    return direction if 2 * ahead > len(rows) else -direction


def _by_mean(direction: Tensor, rows: Tensor) -> Tensor:
    return direction if float((rows @ direction).sum()) > 0 else -direction


def _pca(positive: Tensor, negative: Tensor) -> Tensor:
    rows = positive - negative
    return _by_votes(_truncated(rows), rows)


def _of_differences(found: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda positive, negative: _by_votes(found(positive - negative), positive - negative)


def _of_all_states(positive: Tensor, negative: Tensor) -> Tensor:
    return _by_votes(_centred(torch.cat([positive, negative])), positive - negative)


PCA = Exercise(
    id="lab03-q4",
    title="The first component, not centred",
    difficulty=2,
    minutes=18,
    signature="first_component(positive, negative)",
    cases=(
        Case(
            name="twelve pairs with a common shift, and much that differs between them",
            points=2,
            arguments=_shift_and_noise,
            expected=_pca,
            relative=1e-5,
            hint="The right singular vector of the differences, (pairs, width), with the largest singular value. Their"
            " mean stays in.",
        ),
        Case(
            name="four outliers point the other way",
            points=1,
            arguments=_outliers,
            expected=_pca,
            relative=1e-5,
            hint="The sign: more than half of the pairs have their positive further along. Count pairs, do not add up.",
        ),
        Case(
            name="twelve other pairs",
            points=0.5,
            arguments=_shift_and_noise,
            expected=_pca,
            relative=1e-5,
            hint="A singular vector has no sign of its own: fix it by the pairs.",
        ),
        Case(
            name="four outliers, other pairs",
            points=0.5,
            arguments=_outliers,
            expected=_pca,
            relative=1e-5,
            hint="A singular vector has no sign of its own: fix it by the pairs.",
        ),
    ),
    mistakes=(
        Mistake(
            name="centred",
            hint="The mean of the differences was taken out first (scikit-learn's PCA does so by itself). But the mean"
            " is what the pairs have in common: what is left is how they differ from each other.",
            answer=_of_differences(_centred),
        ),
        Mistake(
            name="sign-by-mean",
            hint="The sign follows the sum of the projections here, so that a few outliers decide. Let each pair have"
            " one vote.",
            answer=lambda positive, negative: _by_mean(_truncated(positive - negative), positive - negative),
        ),
        Mistake(
            name="wrong-sign",
            hint="It points the other way: for most pairs the positive must lie further along it than the negative. A"
            " decomposition leaves the sign to chance.",
            answer=lambda positive, negative: -_pca(positive, negative),
        ),
        Mistake(
            name="all-states",
            hint="This is the first component of all states, positive and negative in one heap: it finds what the"
            " topics differ in. Take the differences within pairs.",
            answer=_of_all_states,
        ),
        Mistake(
            name="second-component",
            hint="This is the second component. Singular values come in descending order: the first row of Vh. (`eigh`"
            " sorts the other way.)",
            answer=_of_differences(lambda rows: _truncated(rows, 2)),
        ),
    ),
    hints=(
        "`torch.linalg.svd(differences, full_matrices=False)` gives U, S, Vh; row 0 of Vh is what is asked for.",
        "`(differences @ direction > 0).double().mean()` is the share of pairs that agree with the sign.",
    ),
)
