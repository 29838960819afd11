"""Exercise 7: LIME from scratch (Ribeiro, Singh and Guestrin 2016, equations 1 and 2).

References: scikit-learn's Ridge with `sample_weight` and its cosine distance; in a linear game, the weights themselves.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab02.inputs import any_game, linear, random_sets

Floats = NDArray[np.float64]
Answer = tuple[Tensor, float]
_TOKENS = 6


def _random(rng: np.random.Generator) -> Arguments:
    kept = random_sets(rng, 40, _TOKENS)
    return kept, any_game(rng, _TOKENS)(kept), float(rng.uniform(15, 40)), float(rng.uniform(0.5, 3))


def _linear(rng: np.random.Generator) -> Arguments:
    kept = random_sets(rng, 40, _TOKENS)
    return kept, linear(rng, _TOKENS)(kept), 25.0, 0.0


def _cosine(kept: Tensor) -> Floats:
    from sklearn.metrics import pairwise_distances

    distances = pairwise_distances(kept.double().numpy(), np.ones((1, kept.shape[1])), metric="cosine")
    found: Floats = distances[:, 0]
    return found


def _kernel(kept: Tensor, width: float) -> Floats:
    return np.exp(-((100 * _cosine(kept)) ** 2) / width**2)


def _ridge(z: Floats, values: Tensor, pi: Floats, penalty: float, intercept: bool = True) -> Answer:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=penalty, fit_intercept=intercept, solver="svd")
    model.fit(z, values.numpy(), sample_weight=pi)
    return torch.as_tensor(model.coef_), float(model.intercept_)


def _lime(kept: Tensor, values: Tensor, width: float, penalty: float) -> Answer:
    return _ridge(kept.double().numpy(), values, _kernel(kept, width), penalty)


def _other_kernel(kept: Tensor, values: Tensor, pi: Floats, penalty: float) -> Answer:
    return _ridge(kept.double().numpy(), values, pi, penalty)


def _penalised_constant(kept: Tensor, values: Tensor, width: float, penalty: float) -> Answer:
    z = np.column_stack([kept.double().numpy(), np.ones(len(kept))])
    w, _ = _ridge(z, values, _kernel(kept, width), penalty, intercept=False)
    return w[:-1], float(w[-1])


LIME = Exercise(
    id="lab02-q7",
    title="The weighted fit of LIME",
    difficulty=3,
    minutes=30,
    signature="lime(kept, values, width, penalty)",
    cases=(
        Case(
            name="forty sets of six tokens, against scikit-learn's Ridge",
            points=3,
            arguments=_random,
            expected=_lime,
            relative=1e-6,
            hint="Weights exp(−D²/width²) with D = 100 (1 − cosine(z, 1)); then the weighted ridge with a constant that"
            " is not penalised.",
        ),
        Case(
            name="a linear game without a penalty: what each token is worth",
            points=1,
            arguments=_linear,
            expected=_lime,
            relative=1e-6,
            hint="Where a linear model fits exactly, it must be found, whatever the weights.",
        ),
    ),
    mistakes=(
        Mistake(
            name="gone-for-kept",
            hint="The model was fitted to which tokens are gone, which turns every sign. z is 1 where a token is kept.",
            answer=lambda kept, values, width, penalty: _ridge(
                1 - kept.double().numpy(), values, _kernel(kept, width), penalty
            ),
        ),
        Mistake(
            name="penalised-constant",
            hint="The constant was penalised too, which pulls it to 0 and spoils the rest. Penalise the tokens alone:"
            " a 0 on the diagonal for the column of ones, or subtract the weighted means first.",
            answer=_penalised_constant,
        ),
        Mistake(
            name="number-not-cosine",
            hint="D was made from the share of tokens that are gone. The cosine of z and all ones is the *root* of the"
            " share that is kept.",
            answer=lambda kept, values, width, penalty: _other_kernel(
                kept, values, np.exp(-((100 * (1 - kept.double().mean(1).numpy())) ** 2) / width**2), penalty
            ),
        ),
        Mistake(
            name="not-times-hundred",
            hint="Without the factor 100 in D all weights are nearly 1, and nothing is local.",
            answer=lambda kept, values, width, penalty: _other_kernel(
                kept, values, np.exp(-(_cosine(kept) ** 2) / width**2), penalty
            ),
        ),
        Mistake(
            name="root-of-kernel",
            hint="The root of the kernel was taken. The authors' code does so; their equation, and this exercise, do"
            " not.",
            answer=lambda kept, values, width, penalty: _other_kernel(
                kept, values, np.sqrt(_kernel(kept, width)), penalty
            ),
        ),
        Mistake(
            name="no-weights",
            hint="Every set counts the same here: the kernel was not used.",
            answer=lambda kept, values, width, penalty: _other_kernel(kept, values, np.ones(len(kept)), penalty),
        ),
        Mistake(
            name="weights-twice",
            hint="The weights came in twice, squared. Put pi into the sums once, or its *root* into both z and the"
            " values.",
            answer=lambda kept, values, width, penalty: _other_kernel(kept, values, _kernel(kept, width) ** 2, penalty),
        ),
        Mistake(
            name="no-penalty",
            hint="The penalty is missing: add it to the diagonal of the left-hand side.",
            answer=lambda kept, values, width, penalty: _ridge(
                kept.double().numpy(), values, _kernel(kept, width), 1e-12
            ),
        ),
        Mistake(
            name="no-constant",
            hint="There is no constant in the model, so the tokens have to explain what is there without any.",
            answer=lambda kept, values, width, penalty: _ridge(
                kept.double().numpy(), values, _kernel(kept, width), penalty, intercept=False
            ),
        ),
    ),
    hints=(
        "`cosine = kept.double().mean(1).sqrt()`: for zeros and ones, z·1 / (|z| |1|) comes to that.",
        "With a column of ones added to z: solve (ZᵀΠZ + penalty·J) w = ZᵀΠy, where J is the identity with a 0 for that"
        " column. `(z.T * pi) @ z` is ZᵀΠZ.",
        "`torch.linalg.solve(left, right)`; the last entry is the constant, as a float.",
    ),
)
