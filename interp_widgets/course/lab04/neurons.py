"""Exercises 9 and 10: the texts that a neuron likes best, and a name that is put to the test.

References: plain Python, text by text (exercise 9); scikit-learn's area under the ROC curve (exercise 10).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake

# Exercise 9

_TEXTS, _LONGEST = 9, 7


def _padded(rng: np.random.Generator) -> Arguments:
    """Padding that is larger than most, a text with several large entries, and entries far below zero."""
    lengths = torch.as_tensor(rng.permutation([2, 3, 4, 5, 6, 7, 4, 3, 5]))
    activations = torch.as_tensor(rng.normal(size=(_TEXTS, _LONGEST)))
    best, second, low = (int(i) for i in rng.permutation(_TEXTS)[:3])
    activations[best, : int(lengths[best])] += 4
    activations[second, int(lengths[second]) - 1] = 3.5 + float(rng.uniform(0, 0.4))
    activations[low, 0] = -9.0
    for text, length in enumerate(lengths.tolist()):
        activations[text, length:] = 2.0 + torch.as_tensor(rng.uniform(0, 6, _LONGEST - length))
    return activations, lengths, 4


def _all_negative(rng: np.random.Generator) -> Arguments:
    """A neuron below zero everywhere; the text where it is lowest is one token short, with a zero in its place."""
    low = int(rng.integers(4))
    activations = -torch.as_tensor(rng.uniform(0.1, 1.5, (4, 4)))
    activations[low] -= 2
    activations[low, 3] = 0
    lengths = torch.full((4,), 4)
    lengths[low] = 3
    return activations, lengths, 2


def _peaks(activations: Tensor, lengths: Tensor, value: Callable[[float], float] = float) -> list[tuple[float, int]]:
    """(largest, where) of each text."""
    found = []
    for row, length in zip(activations.tolist(), lengths.tolist(), strict=True):
        place = max(range(length), key=lambda i: value(row[i]))
        found.append((value(row[place]), place))
    return found


def _ordered(rows: list[tuple[float, int]], k: int, *, down: bool = True) -> list[tuple[int, int]]:
    order = sorted(range(len(rows)), key=lambda i: -rows[i][0] if down else rows[i][0])
    return [(i, rows[i][1]) for i in order[:k]]


def _top_texts(activations: Tensor, lengths: Tensor, k: int) -> list[tuple[int, int]]:
    return _ordered(_peaks(activations, lengths), k)


def _with_padding(activations: Tensor, lengths: Tensor, k: int) -> list[tuple[int, int]]:
    return _top_texts(activations, torch.full_like(lengths, activations.shape[1]), k)


def _by_mean(activations: Tensor, lengths: Tensor, k: int) -> list[tuple[int, int]]:
    places = [place for _, place in _peaks(activations, lengths)]
    means = [float(row[:length].mean()) for row, length in zip(activations, lengths.tolist(), strict=True)]
    return _ordered(list(zip(means, places, strict=True)), k)


def _by_token(activations: Tensor, lengths: Tensor, k: int) -> list[tuple[int, int]]:
    cells = [(float(activations[i, j]), i, j) for i, length in enumerate(lengths.tolist()) for j in range(length)]
    return [(i, j) for _, i, j in sorted(cells, reverse=True)[:k]]


def _without_last(activations: Tensor, lengths: Tensor, k: int) -> list[tuple[int, int]]:
    return _top_texts(activations, (lengths - 1).clamp(min=1), k)


def _zeroed_padding(activations: Tensor, lengths: Tensor, k: int) -> list[tuple[int, int]]:
    inside = torch.arange(activations.shape[1]) < lengths[:, None]
    return _with_padding(activations * inside, lengths, k)


TOP = Exercise(
    id="lab04-q9",
    title="The texts that a neuron likes best",
    difficulty=2,
    minutes=15,
    signature="top_texts(activations, lengths, k)",
    cases=(
        Case(
            name="nine texts of unequal length, padded with large numbers",
            points=2,
            arguments=_padded,
            expected=_top_texts,
            hint="Of each text its largest activation, padding aside; then the k texts with the largest ones.",
        ),
        Case(
            name="a neuron that is below zero everywhere, padded with zeros",
            points=1,
            arguments=_all_negative,
            expected=_top_texts,
            hint="Padding must lose against any real token: −infinity, not 0.",
        ),
    ),
    mistakes=(
        Mistake(
            name="padding",
            hint="Padding was counted: what stands past a text's length is not part of it.",
            answer=_with_padding,
        ),
        Mistake(
            name="padding-as-zero",
            hint="Padding was set to 0, which is *more* than a neuron below zero has. Set it to −infinity.",
            answer=_zeroed_padding,
        ),
        Mistake(
            name="mean",
            hint="Texts were put in the order of their means. A concept is a word or two in a text: take the largest.",
            answer=_by_mean,
        ),
        Mistake(
            name="tokens",
            hint="These are the best *tokens*, so that a text can be there several times. Each text counts once.",
            answer=_by_token,
        ),
        Mistake(
            name="lowest-first",
            hint="These are the lowest. Sorting ascends unless it is told otherwise.",
            answer=lambda activations, lengths, k: _ordered(_peaks(activations, lengths), k, down=False),
        ),
        Mistake(
            name="absolute",
            hint="The sign was dropped. A large negative activation takes away what a positive one adds: another"
            " thing.",
            answer=lambda activations, lengths, k: _ordered(_peaks(activations, lengths, abs), k),
        ),
        Mistake(
            name="last-token-left-out",
            hint="Each text's last token was left out: a text of length n has the tokens 0 to n − 1.",
            answer=_without_last,
        ),
    ),
    hints=(
        "`torch.arange(activations.shape[1]) < lengths[:, None]` is True at real tokens.",
        "`activations.masked_fill(~real, float('-inf')).max(1)` gives the largest values and where they are.",
        "`.topk(k).indices` of the values are the texts, best first.",
    ),
)

# Exercise 10


def _overlapping(rng: np.random.Generator) -> Arguments:
    return torch.as_tensor(rng.normal(0.8, 1, 11)), torch.as_tensor(rng.normal(0, 1, 17))


def _tied(rng: np.random.Generator) -> Arguments:
    """Many equal values, as where a neuron is silent."""
    return (
        torch.as_tensor(rng.permutation([0, 0, 1, 1, 2, 3, 3]).astype(float)),
        torch.as_tensor(rng.permutation([0, 0, 0, 0, 1, 1, 2, 2, 3]).astype(float)),
    )


def _below(rng: np.random.Generator) -> Arguments:
    named, others = _overlapping(rng)
    return named - 2.5, others


def _auc(named: Tensor, others: Tensor) -> float:
    from sklearn.metrics import roc_auc_score

    truth = [1] * len(named) + [0] * len(others)
    return float(roc_auc_score(truth, [*named.tolist(), *others.tolist()]))


def _pairs(tie: float) -> Callable[[Tensor, Tensor], float]:
    def answer(named: Tensor, others: Tensor) -> float:
        won = sum(1.0 if x > y else tie if x == y else 0.0 for x in named.tolist() for y in others.tolist())
        return won / (len(named) * len(others))

    return answer


def _above_median(named: Tensor, others: Tensor) -> float:
    return float((named > others.median()).double().mean())


def _accuracy(named: Tensor, others: Tensor) -> float:
    """Of the best threshold: fitted to the test."""
    everything = torch.cat([named, others])
    right = [float((named >= t).sum() + (others < t).sum()) for t in everything]
    return max(right) / len(everything)


NAME_TEST = Exercise(
    id="lab04-q10",
    title="A name put to the test",
    difficulty=2,
    minutes=15,
    signature="auc(named, others)",
    cases=(
        Case(
            name="eleven sentences with the concept, seventeen without",
            points=2,
            arguments=_overlapping,
            expected=_auc,
            hint="Of all pairs of one sentence with the concept and one without: the share in which the first is"
            " higher.",
        ),
        Case(
            name="many equal values",
            points=1,
            arguments=_tied,
            expected=_auc,
            hint="A pair of equal values counts as half.",
        ),
        Case(
            name="a neuron that is lower where the concept is",
            points=1,
            arguments=_below,
            expected=_auc,
            hint="Below one half: it says the opposite of the name, and that must be seen.",
        ),
    ),
    mistakes=(
        Mistake(
            name="ties-lost",
            hint="Equal values count as nothing here. They say neither yes nor no: half.",
            answer=_pairs(0.0),
        ),
        Mistake(
            name="ties-won",
            hint="Equal values count as won. A neuron that is always 0 would pass for perfect: they count half.",
            answer=_pairs(1.0),
        ),
        Mistake(
            name="reversed",
            hint="This is the share in which the sentence *without* the concept is higher.",
            answer=lambda named, others: _auc(others, named),
        ),
        Mistake(
            name="either-way",
            hint="A value below one half was turned round. A neuron that is *lower* where the concept is does not bear"
            " out the name.",
            answer=lambda named, others: max(_auc(named, others), 1 - _auc(named, others)),
        ),
        Mistake(
            name="best-threshold",
            hint="This is the accuracy at the best threshold, which was chosen on the very sentences that it is tested"
            " on. The share of pairs needs no threshold.",
            answer=_accuracy,
        ),
        Mistake(
            name="above-median",
            hint="The named sentences were held against one number, the middle of the others. Compare every pair.",
            answer=_above_median,
        ),
        Mistake(
            name="difference-of-means",
            hint="This is the difference of the means, which depends on the neuron's own scale. Count pairs.",
            answer=lambda named, others: float(named.mean() - others.mean()),
        ),
    ),
    hints=(
        "`named[:, None] > others` compares every pair, (named, others).",
        "Add half of `named[:, None] == others`, and take the mean over all pairs.",
    ),
)
