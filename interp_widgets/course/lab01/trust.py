"""Exercises 9 to 11: why the integral fails, whether an order of tokens holds up, and what the picture says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from interp_widgets.attribution.api import attribute
from interp_widgets.course.default_model import default_lm
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab01.functions import Known, Normalised
from interp_widgets.course.lab01.inputs import quadratic, random_numbers
from interp_widgets.course.lab01.on_model import FOIL, PROMPT, TARGET

# Exercise 9


def _along_a_path(f: Known, rng: np.random.Generator) -> Arguments:
    alphas = torch.as_tensor(np.sort(rng.uniform(0.01, 1.0, 5)))
    return f, random_numbers(rng, *f.shape), random_numbers(rng, *f.shape), alphas


def _from_zero(rng: np.random.Generator) -> Arguments:
    f, x, baseline, alphas = _along_a_path(Normalised((4,), random_numbers(rng, 4)), rng)
    return f, x, torch.zeros_like(baseline), alphas


def _one_over_alpha(f: Known, x: Tensor, baseline: Tensor, alphas: Tensor) -> Tensor:
    """From zero the direction stays and the size is alpha |x|, so the gradient is that at x divided by alpha."""
    size: Tensor = torch.linalg.vector_norm(f.gradient(x))
    return size / alphas


def _norms(f: Known, x: Tensor, baseline: Tensor, alphas: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(f.along(x, baseline, alphas).flatten(1), dim=1)
    return norms


NORMS = Exercise(
    id="lab01-q9",
    title="The steepness of the path",
    difficulty=2,
    minutes=12,
    signature="gradient_norms(f, x, baseline, alphas)",
    cases=(
        Case(
            name="features that act together, x of the shape (2, 3), from a baseline that is not zero",
            points=1,
            arguments=lambda rng: _along_a_path(quadratic(rng, (2, 3)), rng),
            expected=_norms,
            hint="The Euclidean norm of the gradient at each point baseline + alpha (x − baseline).",
        ),
        Case(
            name="a norm: f(x) = w·x / |x|, from zero: it grows as 1 / alpha",
            points=1,
            arguments=_from_zero,
            expected=_one_over_alpha,
            hint="From zero, the gradient of a function of the direction alone is that at x, divided by alpha.",
        ),
    ),
    mistakes=(
        Mistake(
            name="no-baseline",
            hint="Your points are alpha x. They should start at the baseline: baseline + alpha (x − baseline).",
            answer=lambda f, x, baseline, alphas: _norms(f, x, torch.zeros_like(x), alphas),
        ),
        Mistake(
            name="squared",
            hint="These are squared: the norm is the square root of the sum of squares.",
            answer=lambda f, x, baseline, alphas: _norms(f, x, baseline, alphas) ** 2,
        ),
        Mistake(
            name="absolute-sum",
            hint="This is the sum of the sizes. The Euclidean norm is asked for, the square root of the sum of"
            " squares.",
            answer=lambda f, x, baseline, alphas: f.along(x, baseline, alphas).flatten(1).abs().sum(1),
        ),
        Mistake(
            name="times-difference",
            hint="The gradients were multiplied by x − baseline first. The gradient alone is asked for.",
            answer=lambda f, x, baseline, alphas: (
                (f.along(x, baseline, alphas) * (x - baseline)).flatten(1).norm(dim=1)
            ),
        ),
        Mistake(
            name="one-norm",
            hint="This is one norm over all points together: give one for each alpha.",
            answer=lambda f, x, baseline, alphas: f.along(x, baseline, alphas).norm(),
        ),
    ),
    hints=(
        "The first lines are those of exercise 2, with the alphas given.",
        "`gradients.flatten(1).norm(dim=1)` gives one norm for each point, whatever the shape of x.",
    ),
)

# Exercise 10

Value = Callable[[Tensor], Tensor]


def _prompt(rng: np.random.Generator) -> Arguments:
    """A model that adds up what each token is worth, and a bonus where two stand together."""
    n, filler = 6, 0
    ids = torch.as_tensor(rng.choice(np.arange(1, 50), n, replace=False))
    worth = torch.as_tensor(rng.uniform(0.5, 3.0, 50) * rng.choice([-1.0, 1.0], 50))
    worth[filler] = 0.0
    pair = ids[torch.as_tensor(rng.choice(n, 2, replace=False))]

    def value(rows: Tensor) -> Tensor:
        if rows.dim() != 2 or rows.shape[1] != n:
            raise ValueError(f"value takes token ids of the shape (rows, {n}), and got {tuple(rows.shape)}")
        both = (rows == pair[0]).any(1) & (rows == pair[1]).any(1)
        return worth[rows].sum(1) + 2.0 * both

    return value, ids, torch.as_tensor(rng.normal(size=n)), filler


def _drops(value: Value, ids: Tensor, order: Tensor, filler: int) -> Tensor:
    """One prompt after the other, in plain loops."""
    whole = value(ids[None])[0]
    drops = []
    for k in range(1, len(ids) + 1):
        left = [filler if i in order[:k].tolist() else int(token) for i, token in enumerate(ids)]
        drops.append(whole - value(torch.tensor([left]))[0])
    return torch.stack(drops)


def _by_score(value: Value, ids: Tensor, scores: Tensor, filler: int) -> Tensor:
    return _drops(value, ids, scores.argsort(descending=True), filler)


def _one_by_one(value: Value, ids: Tensor, scores: Tensor, filler: int) -> Tensor:
    whole, drops = value(ids[None])[0], []
    for i in scores.argsort(descending=True).tolist():
        left = ids.clone()
        left[i] = filler
        drops.append(whole - value(left[None])[0])
    return torch.stack(drops)


def _kept(value: Value, ids: Tensor, scores: Tensor, filler: int) -> Tensor:
    """The other test, sufficiency: only the top k are kept."""
    whole, drops = value(ids[None])[0], []
    order = scores.argsort(descending=True)
    for k in range(1, len(ids) + 1):
        left = torch.full_like(ids, filler)
        left[order[:k]] = ids[order[:k]]
        drops.append(whole - value(left[None])[0])
    return torch.stack(drops)


DELETION = Exercise(
    id="lab01-q10",
    title="Take the top tokens away",
    difficulty=3,
    minutes=20,
    signature="deletion_drops(value, ids, scores, filler)",
    cases=(
        Case(
            name="six tokens, of which two belong together",
            points=3,
            arguments=_prompt,
            expected=_by_score,
            hint="Entry k − 1 is value(whole prompt) less value(prompt with the k highest tokens replaced by the"
            " filler).",
        ),
    ),
    mistakes=(
        Mistake(
            name="ascending",
            hint="The lowest tokens were taken away first. The highest score comes first.",
            answer=lambda value, ids, scores, filler: _drops(value, ids, scores.argsort(), filler),
        ),
        Mistake(
            name="by-magnitude",
            hint="Tokens were ordered by the size of their scores. A token against the answer must not be taken away"
            " first: order by the score with its sign.",
            answer=lambda value, ids, scores, filler: _drops(value, ids, scores.abs().argsort(descending=True), filler),
        ),
        Mistake(
            name="one-by-one",
            hint="Each token was put back before the next was taken away. The k highest are gone together.",
            answer=_one_by_one,
        ),
        Mistake(
            name="wrong-sign",
            hint="The signs are turned: a drop is the whole prompt's value less the value of what is left.",
            answer=lambda value, ids, scores, filler: -_by_score(value, ids, scores, filler),
        ),
        Mistake(
            name="kept",
            hint="You kept the top tokens and deleted the rest: that is sufficiency, the other test.",
            answer=_kept,
        ),
        Mistake(
            name="from-zero",
            hint="The first entry is for nothing deleted, and that for all is missing: k runs from 1 to the number"
            " of tokens.",
            answer=lambda value, ids, scores, filler: torch.cat(
                [torch.zeros(1, dtype=torch.float64), _by_score(value, ids, scores, filler)[:-1]]
            ),
        ),
    ),
    hints=(
        "`order = scores.argsort(descending=True)`; the first k of it are deleted.",
        "Put all prompts into one batch, (tokens, tokens): row k − 1 has the first k of the order replaced.",
        "value takes a batch of token ids and gives one number for each row; the whole prompt is `ids[None]`.",
    ),
)

# Exercise 11


@lru_cache(maxsize=8)
def _seen(target: str, foil: str | None) -> tuple[str, str, str]:
    """The highest token, the lowest one, and the verdict."""
    result = attribute(default_lm(), PROMPT, target, foil, method="integrated_gradients")
    high, low = int(np.argmax(result.scores)), int(np.argmin(result.scores))
    return result.tokens[high].strip(), result.tokens[low].strip(), result.verdict.word


def _reading(first: tuple[str, str | None], second: tuple[str, str | None]) -> dict[str, str]:
    high, low, word = _seen(*second)
    return {"alone": _seen(*first)[0], "for": high, "against": low, "verdict": word}


READING = Exercise(
    id="lab01-q11",
    title="Ask the picture",
    difficulty=1,
    minutes=8,
    signature="reading()",
    cases=(
        Case(
            name="what the highlight shows",
            points=1,
            expected=lambda: _reading((TARGET, None), (TARGET, FOIL)),
            hint="'alone': the token with the highest score without a foil; 'for' and 'against': the highest and the"
            " lowest with ·Sydney as the foil; 'verdict': the words above that second picture.",
        ),
    ),
    mistakes=(
        Mistake(
            name="exchanged",
            hint="This is the picture for ·Sydney against ·Canberra: exchange target and foil.",
            answer=lambda: _reading((TARGET, None), (FOIL, TARGET)),
        ),
        Mistake(
            name="no-foil",
            hint="Both are read from the picture without a foil. Choose ·Sydney as the foil for 'for' and 'against'.",
            answer=lambda: _reading((TARGET, None), (TARGET, None)),
        ),
        Mistake(
            name="trusting",
            hint="Look at the verdict again: the picture is drawn muted, and the line above it says why.",
            answer=lambda: {**_reading((TARGET, None), (TARGET, FOIL)), "verdict": "trust"},
        ),
    ),
    hints=(
        "`widget.result.tokens` and `widget.result.scores` hold what the picture shows, and"
        " `widget.result.verdict.word` the verdict.",
    ),
    seconds=60.0,
)

TRUST = (NORMS, DELETION, READING)
