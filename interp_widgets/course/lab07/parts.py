"""The lab's states and its probe: sentences with "she" or "he" in three parts that share no template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from interp_widgets.erasure.texts import LabelledTexts
    from interp_widgets.models.language_model import LanguageModel

LAYER, EACH = 8, 12
PENALTY = 0.1  # of the probe, on standardised states
Classifier = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Part:
    """states: float64, (n, width); labels: int64, (n,), 1 for "she"; groups: int64, (n,), templates"""

    states: Tensor
    labels: Tensor
    groups: Tensor

    def __len__(self) -> int:
        return len(self.states)

    @property
    def one_hot(self) -> Tensor:
        """float64, (n, 2)"""
        return torch.nn.functional.one_hot(self.labels, 2).double()

    def first(self, n: int) -> Part:
        """n states drawn at random, the same each time."""
        rows = torch.randperm(len(self), generator=torch.Generator().manual_seed(0))[:n]
        return Part(self.states[rows], self.labels[rows], self.groups[rows])


@dataclass(frozen=True, eq=False)
class Data:
    """fit: to fit erasers on; train, test: for probes, together `fresh`; texts: of the three. None share a template."""

    fit: Part
    train: Part
    test: Part
    texts: tuple[LabelledTexts, ...]

    @property
    def fresh(self) -> Part:
        both = (self.train, self.test)
        return Part(
            torch.cat([one.states for one in both]),
            torch.cat([one.labels for one in both]),
            torch.cat([one.groups for one in both]),
        )

    @property
    def held(self) -> list[int]:
        """Templates of the test part."""
        return [int(one) for one in self.test.groups.unique()]


def data(lm: LanguageModel) -> Data:
    """States of the words from "she" or "he" to the sentence's end, in the residual stream after layer 8."""
    from interp_widgets.erasure.sets import labelled_set
    from interp_widgets.erasure.states import labelled_states

    texts = labelled_set("grammatical_gender", each=EACH).split()
    parts = []
    for one in texts:
        found = labelled_states(lm, one, layer=LAYER, progress=False, confirm=True)
        parts.append(
            Part(
                torch.as_tensor(found.states).double(),
                torch.as_tensor(found.labels == "feminine").long(),
                torch.as_tensor(found.template),
            )
        )
    fit, train, test = parts
    return Data(fit, train, test, texts)


def linear_probe(states: Tensor, labels: Tensor) -> Classifier:
    """Least squares of the labels on standardised states, with a penalty: a linear classifier without iterations."""
    row, offset = linear_row(states, labels)

    def predict(others: Tensor) -> Tensor:
        return (others @ row + offset > 0).long()

    return predict


def linear_row(states: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """(width,) and (): states @ row + offset is above 0 for class 1. Directions that do not vary get no weight."""
    mean, spread = states.mean(0), states.std(0).clamp_min(1e-12)
    x, signs = (states - mean) / spread, labels.double() * 2 - 1
    inside = x.T @ x + PENALTY * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    row = torch.linalg.solve(inside, x.T @ (signs - signs.mean())) / spread
    return row, signs.mean() - mean @ row


def mlp_probe(states: Tensor, labels: Tensor) -> Classifier:
    """The package's: one hidden layer of 64, stopped early."""

    def predict(others: Tensor) -> Tensor:
        from interp_widgets.erasure.probes import predictions

        return torch.as_tensor(predictions("mlp", states.numpy(), labels.numpy(), others.numpy(), seed=0))

    return predict


def right(predict: Classifier, part: Part) -> float:
    """Share of a part's states that a classifier gets right."""
    return float((predict(part.states) == part.labels).double().mean())
