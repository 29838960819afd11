"""Exercises 5 and 6: noise on the subject, and an average effect with its interval.

References: NumPy, sample by sample and token by token (exercise 5); scipy's standard error over facts (exercise 6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

# Exercise 5

_TOKENS, _WIDTH, _SAMPLES = 6, 4, 3


def _subject(first: int, last: int) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        embeddings = torch.as_tensor(rng.normal(size=(_TOKENS, _WIDTH)))
        noise = torch.as_tensor(rng.normal(size=(_SAMPLES, _TOKENS, _WIDTH)))
        return embeddings, first, last, noise, float(rng.uniform(0.1, 0.6))

    return arguments


def _added(scale: Callable[[float], float], chosen: Callable[[int, int, int], bool]) -> Callable[..., Tensor]:
    """Noise times a scale of sigma, at the tokens that are chosen (of token, first, last)."""

    def answer(embeddings: Tensor, first: int, last: int, noise: Tensor, sigma: float) -> Tensor:
        rows = np.tile(embeddings.numpy(), (len(noise), 1, 1))
        for sample in range(len(noise)):
            for token in range(len(embeddings)):
                if chosen(token, first, last):
                    rows[sample, token] += scale(sigma) * noise[sample, token].numpy()
        return torch.as_tensor(rows)

    return answer


def _inside(token: int, first: int, last: int) -> bool:
    return first <= token <= last


_noised = _added(lambda sigma: 3 * sigma, _inside)


def _replaced(embeddings: Tensor, first: int, last: int, noise: Tensor, sigma: float) -> Tensor:
    rows = _noised(embeddings, first, last, noise, sigma).numpy().copy()
    rows[:, first : last + 1] -= embeddings.numpy()[first : last + 1]
    return torch.as_tensor(rows)


def _one_sample(embeddings: Tensor, first: int, last: int, noise: Tensor, sigma: float) -> Tensor:
    return _noised(embeddings, first, last, noise[:1].expand(len(noise), -1, -1), sigma)


def _one_per_token(embeddings: Tensor, first: int, last: int, noise: Tensor, sigma: float) -> Tensor:
    return _noised(embeddings, first, last, noise[..., :1].expand(-1, -1, _WIDTH), sigma)


NOISED = Exercise(
    id="lab04-q5",
    title="Noise on the subject",
    difficulty=1,
    minutes=12,
    signature="noised(embeddings, first, last, noise, sigma)",
    cases=(
        Case(
            name="a subject of three tokens, three samples",
            points=2,
            arguments=_subject(1, 3),
            expected=_noised,
            hint="For each sample the embeddings, with 3 · sigma · noise added from token `first` to token `last`.",
        ),
        Case(
            name="a subject of one token, at the end",
            points=1,
            arguments=_subject(_TOKENS - 1, _TOKENS - 1),
            expected=_noised,
            hint="`last` belongs to the subject: a subject of one token has first = last.",
        ),
    ),
    mistakes=(
        Mistake(
            name="last-left-out",
            hint="The subject's last token was left as it is, and it is the one that matters most. `first : last + 1`.",
            answer=_added(lambda sigma: 3 * sigma, lambda token, first, last: first <= token < last),
        ),
        Mistake(
            name="everywhere",
            hint="All tokens were corrupted. Then nothing can be said about the subject; keep the others clean.",
            answer=_added(lambda sigma: 3 * sigma, lambda token, first, last: True),
        ),
        Mistake(
            name="all-but-the-subject",
            hint="The subject is clean and the rest is noise; it should be the other way round.",
            answer=_added(lambda sigma: 3 * sigma, lambda token, first, last: not _inside(token, first, last)),
        ),
        Mistake(
            name="one-sigma",
            hint="The noise is a third of what it should be: its standard deviation is 3 · sigma.",
            answer=_added(lambda sigma: sigma, _inside),
        ),
        Mistake(
            name="variance",
            hint="3 · sigma is the standard deviation, not the variance: there is no square root in it.",
            answer=_added(lambda sigma: float(np.sqrt(3 * sigma)), _inside),
        ),
        Mistake(
            name="replaced",
            hint="The subject's embeddings were replaced by noise. It is *added* to them.",
            answer=_replaced,
        ),
        Mistake(
            name="one-sample",
            hint="All samples got the same noise, so their mean is no better than one of them.",
            answer=_one_sample,
        ),
        Mistake(
            name="one-number-a-token",
            hint="Each token got one number for its whole embedding. Every entry has noise of its own.",
            answer=_one_per_token,
        ),
    ),
    hints=(
        "`embeddings.repeat(len(noise), 1, 1)` is a copy for each sample, (samples, tokens, width).",
        "`[:, first : last + 1]` are the subject's tokens in all of them; add there, and nowhere else.",
    ),
)

# Exercise 6


def _facts(rng: np.random.Generator) -> Arguments:
    """Probabilities of the answer for seven facts, ten samples each: facts differ by much more than samples do."""
    effect = rng.uniform(-0.05, 0.6, (7, 1))
    corrupted = rng.uniform(0.01, 0.2, (7, 1)) + rng.uniform(0, 0.04, (7, 10))
    return torch.as_tensor(corrupted + effect + rng.normal(0, 0.02, (7, 10))), torch.as_tensor(corrupted)


def _two_facts(rng: np.random.Generator) -> Arguments:
    restored, corrupted = _facts(rng)
    return restored[:2], corrupted[:2]


def _interval(units: Tensor) -> tuple[float, float]:
    values = units.numpy()
    return float(values.mean()), 1.96 * float(stats.sem(values))


def _by_fact(restored: Tensor, corrupted: Tensor) -> Tensor:
    return torch.as_tensor([float(np.mean(a.numpy() - b.numpy())) for a, b in zip(restored, corrupted, strict=True)])


def _average(restored: Tensor, corrupted: Tensor) -> tuple[float, float]:
    return _interval(_by_fact(restored, corrupted).double())


def _half_times(factor: Callable[[int], float]) -> Callable[[Tensor, Tensor], tuple[float, float]]:
    def answer(restored: Tensor, corrupted: Tensor) -> tuple[float, float]:
        mean, half = _average(restored, corrupted)
        return mean, half * factor(len(restored))

    return answer


def _ratio(restored: Tensor, corrupted: Tensor) -> tuple[float, float]:
    return _interval(restored.mean(1) / corrupted.mean(1))


AVERAGE = Exercise(
    id="lab04-q6",
    title="The average indirect effect",
    difficulty=2,
    minutes=15,
    signature="average_effect(restored, corrupted)",
    cases=(
        Case(
            name="seven facts, ten samples each",
            points=2,
            arguments=_facts,
            expected=_average,
            hint="One number for each fact: its mean effect over the samples. Then their mean, and 1.96 standard errors"
            " of that mean.",
        ),
        Case(
            name="two facts",
            points=1,
            arguments=_two_facts,
            expected=_average,
            hint="With two facts there are two independent numbers, however many samples each of them has.",
        ),
    ),
    mistakes=(
        Mistake(
            name="samples-counted",
            hint="Every sample was counted as if it were a fact of its own. Samples of one fact share its prompt: ten"
            " times the noise is not ten times the facts, and the interval comes out far too narrow.",
            answer=lambda restored, corrupted: _interval((restored - corrupted).flatten()),
        ),
        Mistake(
            name="over-samples",
            hint="The mean was taken over the facts first, so that the interval says how much the noise varies. Asked"
            " is how much facts do: take the mean over the samples, `mean(1)`.",
            answer=lambda restored, corrupted: _interval((restored - corrupted).mean(0)),
        ),
        Mistake(
            name="standard-deviation",
            hint="This is 1.96 standard *deviations*: where single facts lie. The mean of n facts varies less, by the"
            " square root of n.",
            answer=_half_times(lambda n: float(np.sqrt(n))),
        ),
        Mistake(
            name="divided-by-n",
            hint="The standard deviation divides by n − 1 here: these facts are a sample of all facts"
            " (`std(correction=1)`, torch's default).",
            answer=_half_times(lambda n: float(np.sqrt((n - 1) / n))),
        ),
        Mistake(
            name="one-standard-error",
            hint="This is one standard error. 95 of 100 intervals hold the true mean when they are 1.96 of them wide to"
            " each side.",
            answer=_half_times(lambda n: 1 / 1.96),
        ),
        Mistake(
            name="whole-width",
            hint="This is the whole width of the interval. Return the half: mean ± half.",
            answer=_half_times(lambda n: 2.0),
        ),
        Mistake(
            name="ratio",
            hint="The effect is a difference of probabilities, restored − corrupted, not their ratio.",
            answer=_ratio,
        ),
        Mistake(
            name="restored-alone",
            hint="This is the restored probability. What the noise had left of the answer was there without any"
            " restoring: take it off.",
            answer=lambda restored, corrupted: _interval(restored.mean(1)),
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: an effect is restored − corrupted, positive where the answer comes back.",
            answer=lambda restored, corrupted: _interval((corrupted - restored).mean(1)),
        ),
    ),
    hints=(
        "`(restored - corrupted).mean(1)` has one entry for each fact.",
        "The standard error of a mean of n numbers is their standard deviation over the square root of n.",
    ),
)
