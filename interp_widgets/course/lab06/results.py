"""Many facts at once: what each state should become, changes that bring it there, and how they are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.lab06.facts import LAYERS, facts
from interp_widgets.editing import many
from interp_widgets.editing.contexts import Row, rows_of
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.fluency import perplexity_of
from interp_widgets.editing.registry import Job
from interp_widgets.editing.statistics import key_statistics
from interp_widgets.editing.subject_keys import subject_keys
from interp_widgets.editing.value import ValueSettings
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.models.answers import score_answers
from interp_widgets.models.hooks import Snapshot

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
# Written for the lab, so that everybody has the same numbers; the package lets the model write its own.
PREFIXES = ("", "I read about it. ", "Last year we moved. ")
STEPS = 15
PARTS = ("fact", "paraphrase", "neighbour")
# Closed forms: (missing (facts, width), keys (facts, keys), C (keys, keys)) -> D (width, keys)
Solve = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Wanted:
    """Facts with the states that they need.

    states: float64, (facts, width), what the residual stream after the top layer should be at the subject
    probability: of the answers, where the states are put there by hand
    """

    lm: LanguageModel
    facts: tuple[Fact, ...]
    texts: list[list[Row]]
    layers: tuple[int, ...]
    states: Tensor
    probability: Floats
    _moments: dict[int, Tensor] = field(default_factory=dict)

    def read(self, changes: Mapping[int, Tensor], layer: int) -> tuple[Tensor, Tensor]:
        """With some matrices changed, by layer: keys of one layer (facts, keys), and states after the top one."""
        with self.lm.run(snapshot=Snapshot(parts_of(changes), self.lm.architecture)):
            found = subject_keys(self.lm, self.texts, layer, self.layers[-1])
        return torch.as_tensor(found.keys), torch.as_tensor(found.ends)

    def moment(self, layer: int) -> Tensor:
        """C of a layer, with the package's ridge."""
        if layer not in self._moments:
            self._moments[layer] = torch.as_tensor(key_statistics(self.lm, layer, progress=False).regularised())
        return self._moments[layer]

    def changes(self, solve: Solve, *, order: Sequence[int] | None = None) -> dict[int, Tensor]:
        """D by layer, spread as in MEMIT. order: facts whose states are taken in the place of the facts' own."""
        wanted = self.states if order is None else self.states[list(order)]
        done: dict[int, Tensor] = {}
        for turn, layer in enumerate(self.layers):
            keys, ends = self.read(done, layer)
            missing = (wanted - ends) / (len(self.layers) - turn)
            done[layer] = solve(missing, keys, self.moment(layer))
        return done


def parts_of(changes: Mapping[int, Tensor]) -> tuple[Intervention, ...]:
    """As interventions, one a layer."""
    return tuple(DenseDelta(change.float(), layer=layer) for layer, change in changes.items())


def wanted_of(
    lm: LanguageModel,
    chosen: Sequence[Fact] | None = None,
    *,
    count: int = 30,
    layers: Sequence[int] = LAYERS,
    steps: int = STEPS,
) -> Wanted:
    """The states that the first facts of the lab need, by the package's descent, behind the lab's own prefixes."""
    some = tuple(facts()[:count] if chosen is None else chosen)
    texts = [rows_of(lm, i, fact, PREFIXES) for i, fact in enumerate(some)]
    job = Job(lm, some, tuple(layers), None, (), None, None, lambda done, total, text: None)
    with lm.run():
        found = many.targets(job, texts, layers[-1], ValueSettings(steps=steps))
    return Wanted(lm, some, texts, tuple(layers), torch.as_tensor(found.states), found.probability)


def memit_form(weight: float) -> Solve:
    """R K^T (w C + K K^T)^-1."""
    return lambda missing, keys, moment: torch.linalg.solve(weight * moment + keys.T @ keys, keys.T @ missing).T


def identity_form(weight: float) -> Solve:
    """The same with the identity in the place of C, as large on average."""

    def solve(missing: Tensor, keys: Tensor, moment: Tensor) -> Tensor:
        return memit_form(weight)(missing, keys, moment.diagonal().mean() * torch.eye(len(moment)).to(moment))

    return solve


# How edits are judged


@dataclass(frozen=True)
class Judged:
    """Shares by name, the unedited model first; S is the harmonic mean of the first three, in percent.

    size: of the change over the weights, the largest of a layer; perplexity: of the package's neutral texts
    """

    names: tuple[str, ...]
    size: Floats
    efficacy: Floats
    paraphrase: Floats
    neighbourhood: Floats
    perplexity: Floats

    @property
    def score(self) -> Floats:
        return np.asarray(
            [harmonic(row) for row in zip(self.efficacy, self.paraphrase, self.neighbourhood, strict=True)]
        )

    def row(self, name: str) -> dict[str, float]:
        at = self.names.index(name)
        columns = ("size", "efficacy", "paraphrase", "neighbourhood", "score", "perplexity")
        return {column: float(getattr(self, column)[at]) for column in columns}

    def table(self) -> str:
        wide = max(map(len, self.names)) + 2
        lines = [
            f"{'':{wide}}{'size':>7}{'efficacy':>10}{'paraphrase':>12}{'neighbourhood':>15}{'S':>7}{'perplexity':>12}"
        ]
        for name in self.names:
            row = self.row(name)
            lines.append(
                f"{name:{wide}}{row['size']:>7.1%}{row['efficacy']:>10.1f}{row['paraphrase']:>12.1f}"
                f"{row['neighbourhood']:>15.1f}{row['score']:>7.1f}{row['perplexity']:>12.1f}"
            )
        return "\n".join(lines)


def harmonic(shares: Sequence[float]) -> float:
    """0 where one of them is 0."""
    return len(shares) / sum(1 / one for one in shares) if all(shares) else 0.0


def judge(
    lm: LanguageModel, chosen: Sequence[Fact], changes: Mapping[str, Mapping[int, Tensor] | Sequence[Intervention]]
) -> Judged:
    """Each change alone on the facts, their paraphrases and neighbours; the unedited model first. Shares in percent."""
    asked = [one for fact in chosen for one in questions(fact)]
    pairs = [(prompt, answer) for _, prompt, *both in asked for answer in both]
    parts = np.asarray([part for part, *_ in asked])
    rows = []
    for change in (None, *changes.values()):
        active = () if change is None else parts_of(change) if isinstance(change, Mapping) else tuple(change)
        with lm.using(*active):
            leads = np.subtract(*score_answers(lm, pairs).mean.reshape(-1, 2).T)
            read = perplexity_of(lm)
        size = (
            max((_size(lm, layer, one) for layer, one in change.items()), default=0.0)
            if isinstance(change, Mapping)
            else 0.0
        )
        rows.append((size, *(100 * float((leads[parts == part] > 0).mean()) for part in PARTS), read))
    return Judged(("unedited", *changes), *np.asarray(rows).T)


def questions(fact: Fact) -> list[tuple[str, str, str, str]]:
    """(part, prompt, the answer that should lead, the other one)"""
    return [
        ("fact", fact.prompt, fact.target, fact.original),
        *(("paraphrase", prompt, fact.target, fact.original) for prompt in fact.paraphrases),
        *(("neighbour", prompt, answer, fact.target) for prompt, answer in fact.neighbour_answers()),
    ]


def _size(lm: LanguageModel, layer: int, change: Tensor) -> float:
    weight: Any = lm.architecture.down_projection(layer).weight
    return float(change.double().norm() / weight.detach().double().norm())
