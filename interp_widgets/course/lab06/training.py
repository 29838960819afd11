"""Exercises 3 and 4: the loss of fine-tuning on an answer, and a step that no weight leaves its bounds by.

References: sums of exponentials, token by token (exercise 3); entry by entry (exercise 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

_VOCABULARY = 9

# Exercise 3


def _answered(prompt: int, answer: int) -> Callable[[np.random.Generator], Arguments]:
    """Logits at each token of a text of a prompt and an answer."""

    def arguments(rng: np.random.Generator) -> Arguments:
        logits = 2 * rng.normal(size=(prompt + answer, _VOCABULARY)) + rng.normal(size=(prompt + answer, 1))
        ids = rng.choice(_VOCABULARY, size=prompt + answer)
        return torch.as_tensor(logits), torch.as_tensor(ids), prompt

    return arguments


def _surprise(logits: Tensor, row: int, token: int) -> float:
    """-log p of a token, from a row of logits."""
    numbers = logits.tolist()[row]
    return math.log(math.fsum(math.exp(one) for one in numbers)) - float(numbers[token])


def _read(
    row: Callable[[int, int], int], over: Callable[[int, int], range], summed: bool = False
) -> Callable[..., float]:
    """The mean over some tokens of -log p; row: where a token is read, by its place and the prompt's length; over:
    which tokens, by the prompt's length and the text's."""

    def answer(logits: Tensor, ids: Tensor, prompt: int) -> float:
        each = [_surprise(logits, row(t, prompt), int(ids[t])) for t in over(prompt, len(ids))]
        return math.fsum(each) / (1 if summed else len(each))

    return answer


_answer_loss = _read(lambda t, prompt: t - 1, range)


def _mean_probability(logits: Tensor, ids: Tensor, prompt: int) -> float:
    each = [math.exp(-_surprise(logits, t - 1, int(ids[t]))) for t in range(prompt, len(ids))]
    return -math.log(math.fsum(each) / len(each))


def _logits_alone(logits: Tensor, ids: Tensor, prompt: int) -> float:
    each = [-float(logits[t - 1, int(ids[t])]) for t in range(prompt, len(ids))]
    return math.fsum(each) / len(each)


ANSWER_LOSS = Exercise(
    id="lab06-q3",
    title="The loss of an answer",
    difficulty=1,
    minutes=15,
    signature="answer_loss(logits, ids, prompt)",
    cases=(
        Case(
            name="an answer of three tokens",
            points=1,
            arguments=_answered(5, 3),
            expected=_answer_loss,
            hint="The token at place t is predicted at place t − 1. The answer's tokens are those from `prompt` on.",
        ),
        Case(
            name="an answer of one token",
            points=0.5,
            arguments=_answered(4, 1),
            expected=_answer_loss,
            hint="A single token is read at the prompt's last place, `prompt - 1`.",
        ),
        Case(
            name="an answer longer than its prompt",
            points=0.5,
            arguments=_answered(2, 5),
            expected=_answer_loss,
            hint="The mean is over the tokens of the answer.",
        ),
    ),
    mistakes=(
        Mistake(
            name="last-position",
            hint="All tokens of the answer were read at the prompt's last place, as in the code of 2022. Only the first"
            " one follows there.",
            answer=_read(lambda t, prompt: prompt - 1, range),
        ),
        Mistake(
            name="own-position",
            hint="Each token was read at its own place. A model predicts the *next* token: look one place before.",
            answer=_read(lambda t, prompt: t, range),
        ),
        Mistake(
            name="with-prompt",
            hint="The prompt's tokens are in it too. The model is to learn the answer, and not the question.",
            answer=_read(lambda t, prompt: t - 1, lambda prompt, end: range(1, end)),
        ),
        Mistake(
            name="first-token",
            hint="Only the answer's first token is in it. Then Bern and Berlin may be the same.",
            answer=_read(lambda t, prompt: t - 1, lambda prompt, end: range(prompt, prompt + 1)),
        ),
        Mistake(
            name="summed",
            hint="The sum was taken. With the mean, long answers and short ones pull alike.",
            answer=_read(lambda t, prompt: t - 1, range, summed=True),
        ),
        Mistake(
            name="mean-of-probabilities",
            hint="This is the logarithm of the mean probability. Take the mean of the logarithms.",
            answer=_mean_probability,
        ),
        Mistake(
            name="no-softmax",
            hint="These are logits. Without `log_softmax` they can fall for ever while every other token follows.",
            answer=_logits_alone,
        ),
        Mistake(
            name="wrong-sign",
            hint="The sign is turned: this loss is smallest where the answer is impossible.",
            answer=lambda *given: -_answer_loss(*given),
        ),
    ),
    hints=(
        "`logits[prompt - 1 : -1]` are the rows at which the answer's tokens are predicted.",
        "`torch.nn.functional.cross_entropy(rows, tokens)` takes the mean of −log p by itself.",
    ),
)

# Exercise 4


def _stepping(far: float) -> Callable[[np.random.Generator], Arguments]:
    """Weights that have moved from where they began, by up to `far` times the bound."""

    def arguments(rng: np.random.Generator) -> Arguments:
        start = rng.normal(size=(3, 5))
        weight = start + far * 0.01 * rng.uniform(-1, 1, size=start.shape)
        gradient = rng.uniform(-3, 3, size=start.shape)
        return (*map(torch.as_tensor, (weight, start, gradient)), 0.008, 0.01)

    return arguments


def _entries(
    way: Callable[[float, float, float, float, float], float],
) -> Callable[..., Tensor]:
    """Entry by entry: of weight, start, gradient, rate, bound."""

    def answer(weight: Tensor, start: Tensor, gradient: Tensor, rate: float, bound: float) -> Tensor:
        rows = zip(weight.tolist(), start.tolist(), gradient.tolist(), strict=True)
        return torch.tensor(
            [[way(*one, rate, bound) for one in zip(*row, strict=True)] for row in rows], dtype=torch.float64
        )

    return answer


def _within(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value


_bounded = _entries(lambda w, s, g, rate, bound: _within(w - rate * g, s - bound, s + bound))


def _scaled(weight: Tensor, start: Tensor, gradient: Tensor, rate: float, bound: float) -> Tensor:
    """Held by its length as a whole."""
    change = (weight - rate * gradient - start).numpy()
    return start + torch.as_tensor(change * min(1.0, bound / float(np.linalg.norm(change))))


BOUNDED = Exercise(
    id="lab06-q4",
    title="A step within bounds",
    difficulty=1,
    minutes=10,
    signature="bounded_step(weight, start, gradient, rate, bound)",
    cases=(
        Case(
            name="the first step",
            points=0.5,
            arguments=_stepping(0.0),
            expected=_bounded,
            hint="A step of gradient descent, weight − rate · gradient; then each entry is held within start ± bound.",
        ),
        Case(
            name="a later step",
            points=1,
            arguments=_stepping(0.9),
            expected=_bounded,
            hint="The bound is about where the weight *began*, so that many steps go no further than one.",
        ),
        Case(
            name="a bound that was made smaller",
            points=0.5,
            arguments=_stepping(1.8),
            expected=_bounded,
            hint="Some weights are out of bounds already. The step comes first, and then the bound for all of them.",
        ),
    ),
    mistakes=(
        Mistake(
            name="around-zero",
            hint="The weight itself was held within ± bound, which wipes it out. Its *change* is bounded.",
            answer=_entries(lambda w, s, g, rate, bound: _within(w - rate * g, -bound, bound)),
        ),
        Mistake(
            name="each-step",
            hint="Each step was bounded by itself. Twenty of them then go twenty times as far; bound the distance from"
            " the start.",
            answer=_entries(lambda w, s, g, rate, bound: w + _within(-rate * g, -bound, bound)),
        ),
        Mistake(
            name="before-the-step",
            hint="The bound came before the step, which then goes beyond it.",
            answer=_entries(lambda w, s, g, rate, bound: _within(w, s - bound, s + bound) - rate * g),
        ),
        Mistake(
            name="not-bounded",
            hint="Nothing is bounded. This is plain fine-tuning.",
            answer=_entries(lambda w, s, g, rate, bound: w - rate * g),
        ),
        Mistake(
            name="by-length",
            hint="The change was scaled down as a whole. L∞ is a bound for each entry.",
            answer=_scaled,
        ),
        Mistake(
            name="from-the-start",
            hint="The step was taken from where the weight began, so no step ever builds on the one before.",
            answer=_entries(lambda w, s, g, rate, bound: _within(s - rate * g, s - bound, s + bound)),
        ),
        Mistake(
            name="uphill",
            hint="The step goes up the gradient: the loss grows.",
            answer=_entries(lambda w, s, g, rate, bound: _within(w + rate * g, s - bound, s + bound)),
        ),
    ),
    hints=(
        "`torch.clamp(x, low, high)` takes tensors for its limits.",
        "`start + (stepped - start).clamp(-bound, bound)` does the same.",
    ),
)
