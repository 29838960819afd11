"""Exercises 6 and 8: how much is a strength of 0.1, and how far may one go.

References: a loop over tokens in NumPy (exercise 6); walking away from 0 one measured strength after the other, until
the first that is over the limit (exercise 8).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab03.inputs import normal

# Exercise 6


def _padded(rng: np.random.Generator) -> Arguments:
    """Three texts of 7, 2 and 4 tokens: the first state of each is enormous, and padding is not zero."""
    states, lengths = normal(rng, 3, 7, 5) + 1, torch.tensor([7, 2, 4])
    states[:, 0] *= 100
    for row, length in zip(states, lengths.tolist(), strict=True):
        row[length:] *= 9
    return states, lengths, float(rng.uniform(0.05, 0.15))


def _norms(states: Tensor, lengths: Tensor, first: int = 1, padding: bool = False) -> list[list[float]]:
    """The norms that count, by text."""
    found = []
    for row, length in zip(states.numpy(), lengths.tolist(), strict=True):
        end = row.shape[0] if padding else length
        found.append([float(np.sqrt((row[i] ** 2).sum())) for i in range(first, end)])
    return found


def _mean_of(rows: list[list[float]]) -> float:
    numbers = [number for row in rows for number in row]
    return sum(numbers) / len(numbers)


def _norm_of_mean(states: Tensor, lengths: Tensor, strength: float) -> float:
    rows = [row[1:length] for row, length in zip(states, lengths.tolist(), strict=True)]
    return strength * float(torch.cat(rows).mean(0).norm())


ALPHA = Exercise(
    id="lab03-q6",
    title="Strength in units of the residual norm",
    difficulty=2,
    minutes=15,
    signature="bare_factor(states, lengths, strength)",
    cases=(
        Case(
            name="three texts of 7, 2 and 4 tokens, padded on the right",
            points=2,
            arguments=_padded,
            expected=lambda states, lengths, strength: strength * _mean_of(_norms(states, lengths)),
            hint="strength times the mean norm of the states at all tokens that count: not the first of a text, and not"
            " those from its length on.",
        ),
    ),
    mistakes=(
        Mistake(
            name="sink-counted",
            hint="The first token of each text is counted. It is an attention sink whose norm is a hundred times that"
            " of the others, so the mean says nothing about them.",
            answer=lambda states, lengths, strength: strength * _mean_of(_norms(states, lengths, first=0)),
        ),
        Mistake(
            name="padding-counted",
            hint="Padding is counted: states from a text's length on belong to no token.",
            answer=lambda states, lengths, strength: strength * _mean_of(_norms(states, lengths, padding=True)),
        ),
        Mistake(
            name="both-counted",
            hint="The mean was taken over everything, the first tokens and the padding too.",
            answer=lambda states, lengths, strength: (
                strength * _mean_of(_norms(states, lengths, first=0, padding=True))
            ),
        ),
        Mistake(
            name="norm-of-mean",
            hint="This is the norm of the mean state. States point in many directions and cancel in a mean: take the"
            " norm of each state first.",
            answer=_norm_of_mean,
        ),
        Mistake(
            name="mean-of-means",
            hint="The mean was taken in each text and then over the texts, so that tokens of short texts weigh more."
            " Take one mean over all tokens.",
            answer=lambda states, lengths, strength: (
                strength * float(np.mean([np.mean(row) for row in _norms(states, lengths)]))
            ),
        ),
        Mistake(
            name="root-mean-square",
            hint="This is the root of the mean square, in which the longest states weigh most. The mean of the norms is"
            " asked for.",
            answer=lambda states, lengths, strength: (
                strength * float(np.sqrt(_mean_of([[number**2 for number in row] for row in _norms(states, lengths)])))
            ),
        ),
        Mistake(
            name="no-strength",
            hint="The mean norm is right. The bare factor is strength times it.",
            answer=lambda states, lengths, strength: _mean_of(_norms(states, lengths)),
        ),
    ),
    hints=(
        "`states.norm(dim=-1)` has the shape (texts, tokens).",
        "`place = torch.arange(states.shape[1])`; a token counts where `(place >= 1) & (place < lengths[:, None])`.",
        "`norms[counts].mean()` is one mean over all that count.",
    ),
)

# Exercise 8

Strengths = list[float]
_GRID = [-0.15, -0.1, -0.075, -0.05, -0.025, 0.0, 0.025, 0.05, 0.075, 0.1, 0.15]


def _curve(rng: np.random.Generator, kind: str) -> Arguments:
    """Ratios of perplexity by strength: lopsided; "bump": over the limit for a while, then under it again; "none": over
    it from the first step; "exact": just the limit; "all": never over it."""
    steep_low, steep_high = float(rng.uniform(30, 35)), float(rng.uniform(12, 14))
    ratios = [1 + (steep_low if s < 0 else steep_high) * s * s for s in _GRID]
    limit = 1.1
    if kind == "bump":
        ratios[8] = 1.3
        ratios[9] = 1.05
    if kind == "none":
        ratios = [1.0 if s == 0 else 1.2 + abs(s) for s in _GRID]
    if kind == "exact":
        ratios[3], ratios[2], ratios[8], ratios[9] = limit, 1.2, limit, 1.2
    if kind == "all":
        limit = 3.0
    return _GRID, ratios, limit


def _walk(strengths: Strengths, ratios: list[float], limit: float) -> tuple[float, float]:
    ends = []
    for step in (-1, 1):
        place = strengths.index(0.0)
        while 0 <= place + step < len(strengths) and not ratios[place + step] > limit:
            place += step
        ends.append(strengths[place])
    return ends[0], ends[1]


def _anywhere(strengths: Strengths, ratios: list[float], limit: float) -> tuple[float, float]:
    good = [strength for strength, ratio in zip(strengths, ratios, strict=True) if ratio <= limit]
    return min(good), max(good)


def _one_too_far(strengths: Strengths, ratios: list[float], limit: float) -> tuple[float, float]:
    low, high = (strengths.index(end) for end in _walk(strengths, ratios, limit))
    return strengths[max(low - 1, 0)], strengths[min(high + 1, len(strengths) - 1)]


def _both_sides(smaller: Callable[[float, float], float]) -> Callable[..., tuple[float, float]]:
    def bounds(strengths: Strengths, ratios: list[float], limit: float) -> tuple[float, float]:
        low, high = _walk(strengths, ratios, limit)
        end = smaller(-low, high)
        return -end, end

    return bounds


def _excluding(strengths: Strengths, ratios: list[float], limit: float) -> tuple[float, float]:
    return _walk(strengths, [ratio if ratio < limit else limit + 1 for ratio in ratios], limit)


BOUNDS = Exercise(
    id="lab03-q8",
    title="Recommended bounds",
    difficulty=2,
    minutes=15,
    signature="bounds(strengths, ratios, limit)",
    cases=(
        Case(
            name="damage that grows faster on one side",
            points=1,
            arguments=lambda rng: _curve(rng, "plain"),
            expected=_walk,
            hint="Go from 0 to each side as long as the ratio stays within the limit; the last strength that does is"
            " the end.",
        ),
        Case(
            name="over the limit, and further out under it again",
            points=1,
            arguments=lambda rng: _curve(rng, "bump"),
            expected=_walk,
            hint="Stop at the first strength that is over the limit: what lies beyond it cannot be recommended.",
        ),
        Case(
            name="over the limit at the first step",
            points=0.5,
            arguments=lambda rng: _curve(rng, "none"),
            expected=_walk,
            hint="Then nothing but 0 is left: (0.0, 0.0).",
        ),
        Case(
            name="never over the limit",
            points=0,
            arguments=lambda rng: _curve(rng, "all"),
            expected=_walk,
            hint="Then the ends are those of what was measured.",
        ),
        Case(
            name="just the limit",
            points=0.5,
            arguments=lambda rng: _curve(rng, "exact"),
            expected=_walk,
            hint="A ratio that equals the limit is within it.",
        ),
    ),
    mistakes=(
        Mistake(
            name="anywhere",
            hint="A strength beyond one that is over the limit was let in: on the way to it the model breaks, so its"
            " own good number is luck.",
            answer=_anywhere,
        ),
        Mistake(
            name="one-too-far",
            hint="These are the first strengths *over* the limit. The last ones within it are asked for.",
            answer=_one_too_far,
        ),
        Mistake(
            name="same-on-both-sides",
            hint="Both sides got the smaller bound. Damage need not be alike on both sides: walk each for itself.",
            answer=_both_sides(min),
        ),
        Mistake(
            name="larger-on-both-sides",
            hint="Both sides got the larger bound, which is over the limit on one of them.",
            answer=_both_sides(max),
        ),
        Mistake(
            name="just-the-limit",
            hint="A ratio that equals the limit was refused: compare with ≤.",
            answer=_excluding,
        ),
        Mistake(
            name="exchanged",
            hint="The two ends are exchanged: (low, high), and low is negative or 0.",
            answer=lambda strengths, ratios, limit: _walk(strengths, ratios, limit)[::-1],
        ),
    ),
    hints=(
        "`zero = strengths.index(0.0)`; the high side is `range(zero + 1, len(strengths))`, the low side"
        " `range(zero - 1, -1, -1)`.",
        "Leave the loop (`break`) at the first ratio above the limit.",
    ),
)
