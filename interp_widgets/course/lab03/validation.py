"""Exercise 7: whether a direction tells apart pairs that it was not fitted to.

Reference: scikit-learn's accuracy of the guesses within each new pair, one layer after the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab03.inputs import normal, unit

_PAIRS, _NEW, _WIDTH = 8, 40, 30


def _layers(rng: np.random.Generator) -> Arguments:
    """Three layers: nothing but noise, a weak trait, a strong one. With fewer pairs than dimensions the fitting pairs
    are told apart at all of them. Texts lie far from the origin, and in one place for new pairs, in another for old."""
    gap = torch.tensor([0.0, 1.5, 5.0], dtype=torch.float64)[:, None]
    trait = torch.stack([unit(rng, _WIDTH) for _ in range(3)]) * gap

    def sides(pairs: int, away: float) -> tuple[Tensor, Tensor]:
        topic = 2 * normal(rng, pairs, 3, _WIDTH) + away
        noise = 0.8 * normal(rng, 2, pairs, 3, _WIDTH)
        return topic + trait / 2 + noise[0], topic - trait / 2 + noise[1]

    return *sides(_PAIRS, 0.0), *sides(_NEW, 1.0)


def _reversed(rng: np.random.Generator) -> Arguments:
    """At the layer with the strong trait the new pairs are the other way round."""
    positive, negative, new_positive, new_negative = _layers(rng)
    strong = torch.tensor([False, False, True])[:, None]
    swapped = torch.where(strong, new_negative, new_positive), torch.where(strong, new_positive, new_negative)
    return positive, negative, *swapped


Ahead = Callable[[Tensor, Tensor, Tensor], float]


def _pairwise(direction: Tensor, up: Tensor, down: Tensor) -> float:
    from sklearn.metrics import accuracy_score

    guesses = [int(float(direction @ one) > float(direction @ other)) for one, other in zip(up, down, strict=True)]
    return float(accuracy_score([1] * len(guesses), guesses))


def _above_zero(direction: Tensor, up: Tensor, down: Tensor) -> float:
    return float(((up @ direction > 0).double().mean() + (down @ direction < 0).double().mean()) / 2)


def _held_out(
    positive: Tensor, negative: Tensor, new_positive: Tensor, new_negative: Tensor, ahead: Ahead = _pairwise
) -> Tensor:
    rows = []
    for layer in range(positive.shape[1]):
        direction = torch.as_tensor(np.average((positive - negative)[:, layer].numpy(), axis=0))
        rows.append(ahead(direction, new_positive[:, layer], new_negative[:, layer]))
    return torch.tensor(rows, dtype=torch.float64)


HELD_OUT = Exercise(
    id="lab03-q7",
    title="Pairs that it has not seen",
    difficulty=2,
    minutes=15,
    signature="held_out_accuracy(positive, negative, new_positive, new_negative)",
    cases=(
        Case(
            name="fitted to eight pairs, tested on forty, at three layers",
            points=2,
            arguments=_layers,
            expected=_held_out,
            hint="Fit on the first two, count on the last two: the share of the new pairs whose positive has the larger"
            " projection, at each layer.",
        ),
        Case(
            name="new pairs that are reversed at one layer",
            points=1,
            arguments=_reversed,
            expected=_held_out,
            hint="The sign comes from the fitting pairs. Where new pairs are the other way round, the share is near 0,"
            " and that must be seen.",
        ),
    ),
    mistakes=(
        Mistake(
            name="trained-on-test",
            hint="The new pairs were used to fit the direction too. They must not be: with fewer pairs than dimensions"
            " a direction tells apart whatever it was fitted to, noise included.",
            answer=lambda a, b, c, d: _held_out(torch.cat([a, c]), torch.cat([b, d]), c, d),
        ),
        Mistake(
            name="fitting-pairs",
            hint="This is the accuracy on the fitting pairs. Count on the new ones.",
            answer=lambda a, b, c, d: _held_out(a, b, a, b),
        ),
        Mistake(
            name="fitted-to-new",
            hint="The direction was fitted to the new pairs themselves.",
            answer=lambda a, b, c, d: _held_out(c, d, c, d),
        ),
        Mistake(
            name="threshold-zero",
            hint="States were held against 0. Where 0 lies has no meaning; compare the two sides of each pair.",
            answer=lambda a, b, c, d: _held_out(a, b, c, d, _above_zero),
        ),
        Mistake(
            name="either-sign",
            hint="Whichever sign does better was taken (or the size of the difference). The sign comes from the fitting"
            " pairs: choosing it afterwards is fitting to the test.",
            answer=lambda a, b, c, d: torch.maximum(_held_out(a, b, c, d), 1 - _held_out(a, b, c, d)),
        ),
        Mistake(
            name="reversed",
            hint="The share of pairs that are the wrong way round was counted.",
            answer=lambda a, b, c, d: 1 - _held_out(a, b, c, d),
        ),
    ),
    hints=(
        "`(positive - negative).mean(0)` is the direction, (layers, width); its length does not matter here.",
        "`((new_positive - new_negative) * direction).sum(-1)` are differences of projections, (pairs, layers).",
        "`(... > 0).double().mean(0)`",
    ),
)
