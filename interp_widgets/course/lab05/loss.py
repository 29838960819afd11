"""Exercise 4: what the value at the subject is asked for, as a loss.

Reference: plain Python, number by number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

_VOCABULARY = 9
Loss = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, float, float]


def _log_p(rng: np.random.Generator, *shape: int) -> Tensor:
    found: Tensor = torch.as_tensor(2 * rng.normal(size=(*shape, _VOCABULARY))).log_softmax(-1)
    return found


def _parts(texts: int, tokens: int, *, moved: bool = True) -> Callable[[np.random.Generator], Arguments]:
    def arguments(rng: np.random.Generator) -> Arguments:
        before = _log_p(rng)
        answer = torch.as_tensor(rng.permutation(_VOCABULARY)[:tokens])
        delta, v0 = (torch.as_tensor(rng.normal(size=5)) for _ in range(2))
        after = _log_p(rng) if moved else before.clone()
        factors = float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.3, 1.5))
        return _log_p(rng, texts, tokens), answer, before, after, delta, 0.4 * v0, *factors

    return arguments


def _length(vector: Tensor) -> float:
    return math.sqrt(sum(float(x) ** 2 for x in vector))


def _surprise(log_p: Tensor, answer: Tensor) -> list[list[float]]:
    """-log p of each token of the answer, in each text."""
    return [[-float(row[int(token)]) for row, token in zip(text, answer, strict=True)] for text in log_p]


def _kl(of: Tensor, against: Tensor) -> float:
    return sum(math.exp(float(a)) * (float(a) - float(b)) for a, b in zip(of, against, strict=True))


def _terms(given: Loss) -> tuple[list[list[float]], float, float]:
    """The three terms, the last two with their factors."""
    log_p, answer, before, after, delta, v0, kl_factor, decay = given
    size = decay * _length(delta) / _length(v0) ** 2
    return _surprise(log_p, answer), kl_factor * _kl(after, before), size


def _mean(rows: Sequence[Sequence[float]]) -> float:
    return sum(sum(row) / len(row) for row in rows) / len(rows)


def _value_loss(*given: Any) -> float:
    rows, moved, size = _terms(given)
    return _mean(rows) + moved + size


def _turned(*given: Any) -> float:
    _, _, before, after, *_, kl_factor, _ = given
    rows, _, size = _terms(given)
    return _mean(rows) + float(kl_factor) * _kl(before, after) + size


def _chance(*given: Any) -> float:
    rows, moved, size = _terms(given)
    return -math.log(_mean([[math.exp(-x) for x in row] for row in rows])) + moved + size


def _squared(*given: Any) -> float:
    _, _, _, _, delta, v0, _, decay = given
    rows, moved, _ = _terms(given)
    return _mean(rows) + moved + float(decay) * (_length(delta) / _length(v0)) ** 2


def _by_length(*given: Any) -> float:
    rows, moved, size = _terms(given)
    return _mean(rows) + moved + size * _length(given[5])


def _with(weights: tuple[float, float, float], tokens: bool = False) -> Callable[..., float]:
    """The terms with these weights; tokens: their surprises summed over the answer."""

    def answer(*given: Any) -> float:
        rows, moved, size = _terms(given)
        said = _mean(rows) * (len(rows[0]) if tokens else 1)
        return weights[0] * said + weights[1] * moved + weights[2] * size

    return answer


VALUE_LOSS = Exercise(
    id="lab05-q4",
    title="What the value is asked for",
    difficulty=2,
    minutes=15,
    signature="value_loss(log_p, answer, before, after, delta, v0, kl_factor, decay)",
    cases=(
        Case(
            name="three texts, an answer of two tokens",
            points=2,
            arguments=_parts(3, 2),
            expected=_value_loss,
            hint="−log p of the answer's tokens, the mean over tokens and texts; plus kl_factor times the divergence;"
            " plus decay · |delta| / |v0|².",
        ),
        Case(
            name="an answer of one token, nothing moved",
            points=1,
            arguments=_parts(2, 1, moved=False),
            expected=_value_loss,
            hint="Where `after` is `before`, the divergence is 0, and the other two terms are left.",
        ),
    ),
    mistakes=(
        Mistake(
            name="wrong-sign",
            hint="The answer's log-probability came in with a plus. A loss is made small: −log p.",
            answer=_with((-1, 1, 1)),
        ),
        Mistake(
            name="tokens-summed",
            hint="The tokens of the answer were summed. Answers of different length are on one scale only as a mean a"
            " token.",
            answer=_with((1, 1, 1), tokens=True),
        ),
        Mistake(
            name="mean-probability",
            hint="This is −log of the mean probability. Take the log of each first: a text in which the answer is"
            " improbable should weigh heavily.",
            answer=_chance,
        ),
        Mistake(
            name="divergence-turned",
            hint="The divergence is the other way round: asked is KL(after ‖ before), weighed by what the model says"
            " *with* delta.",
            answer=_turned,
        ),
        Mistake(
            name="divergence-subtracted",
            hint="The divergence was subtracted: what the subject *is* would be pushed away from what it was.",
            answer=_with((1, -1, 1)),
        ),
        Mistake(
            name="no-divergence",
            hint="The divergence is missing. It keeps what the subject is: without it Australia may become a city.",
            answer=_with((1, 0, 1)),
        ),
        Mistake(
            name="no-decay",
            hint="The term with delta's length is missing.",
            answer=_with((1, 1, 0)),
        ),
        Mistake(
            name="decay-squared",
            hint="Here is (|delta| / |v0|)². Asked is |delta| / |v0|²: only the length in the denominator is squared.",
            answer=_squared,
        ),
        Mistake(
            name="decay-by-length",
            hint="delta's length was divided by |v0|. In the papers' code it is |v0|².",
            answer=_by_length,
        ),
    ),
    hints=(
        "`log_p[:, torch.arange(len(answer)), answer]` are the answer's own log-probabilities, (texts, tokens).",
        "KL(after ‖ before) is the sum over the vocabulary of exp(after) · (after − before).",
    ),
)
