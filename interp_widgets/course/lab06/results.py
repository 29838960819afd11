"""Many facts at once: what each state should become, changes that bring it there, and how they are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.lab06.facts import LAYERS, facts, with_ripple
from interp_widgets.editing.editors import many
from interp_widgets.editing.editors.in_context import InContext
from interp_widgets.editing.evaluating.fluency import perplexity_of
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.contexts import Row, rows_of
from interp_widgets.editing.keys_values.statistics import key_statistics
from interp_widgets.editing.keys_values.subject_keys import subject_keys
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.editing.registry import Job
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.weight_size import relative_changes
from interp_widgets.models.answers import score_answers
from interp_widgets.models.hooks import Snapshot

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
# Written for the lab, so that everybody has the same numbers; the package lets the model write its own.
PREFIXES = ("", "I read about it. ", "Last year we moved. ")
STEPS = 15
COUNT = 20
WEIGHT, PUBLISHED = 1000.0, 15_000.0  # of C: this lab's, and that of MEMIT's code for models of its size and up
PARTS = ("fact", "paraphrase", "neighbour", "ripple")
COLUMNS = ("size", "first", "efficacy", "paraphrase", "neighbourhood", "score", "ripple", "perplexity")
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

    def changes(self, solve: Solve) -> dict[int, Tensor]:
        """D by layer, spread as in MEMIT."""
        return self.in_turn(lambda layer: solve)[0]

    def in_turn(
        self, form: Callable[[int], Solve], *, on: Mapping[int, Tensor] | None = None
    ) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """D and keys by layer, with a closed form for each layer, on top of changes that were made before."""
        done: dict[int, Tensor] = {}
        seen: dict[int, Tensor] = {}
        before = on or {}
        for turn, layer in enumerate(self.layers):
            acting = {at: _sum(before.get(at), done.get(at)) for at in sorted({*before, *done})}
            seen[layer], ends = self.read(acting, layer)
            missing = (self.states - ends) / (len(self.layers) - turn)
            done[layer] = form(layer)(missing, seen[layer], self.moment(layer))
        return done, seen

    def part(self, which: slice) -> Wanted:
        """Of some of the facts."""
        return replace(
            self,
            facts=self.facts[which],
            texts=self.texts[which],
            states=self.states[which],
            probability=self.probability[which],
        )

    def exchanged(self, solve: Solve) -> dict[int, Tensor]:
        """The same with each fact's state given to the next one, so that no subject gets its own."""
        return replace(self, states=self.states.roll(1, 0)).changes(solve)


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor:
    return other if one is None else one if other is None else one + other  # type: ignore[return-value]  # not both None


def parts_of(changes: Mapping[int, Tensor]) -> tuple[Intervention, ...]:
    """As interventions, one a layer."""
    return tuple(DenseDelta(change.float(), layer=layer) for layer, change in changes.items())


def wanted_of(
    lm: LanguageModel,
    chosen: Sequence[Fact] | None = None,
    *,
    count: int = COUNT,
    layers: Sequence[int] = LAYERS,
    steps: int = STEPS,
) -> Wanted:
    """The states that the first facts of the lab need, by the package's descent, behind the lab's own prefixes."""
    some = with_ripple(facts()[:count]) if chosen is None else tuple(chosen)
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
    """Shares in percent by name, the unedited model first; S is the harmonic mean of the first three.

    size: of the change over the weights in percent, the largest of a layer; first: of facts whose new answer is the
    model's first choice; ripple: of prompts whose answer follows, nan without any; perplexity: of the package's neutral
    texts
    """

    names: tuple[str, ...]
    size: Floats
    first: Floats
    efficacy: Floats
    paraphrase: Floats
    neighbourhood: Floats
    ripple: Floats
    perplexity: Floats

    @property
    def score(self) -> Floats:
        rows = zip(self.efficacy, self.paraphrase, self.neighbourhood, strict=True)
        return np.asarray([harmonic(row) for row in rows])

    def row(self, name: str) -> dict[str, float]:
        at = self.names.index(name)
        return {column: float(getattr(self, column)[at]) for column in COLUMNS}

    def table(self) -> str:
        wide = max(map(len, self.names)) + 2
        lines = [f"{'':{wide}}" + "".join(f"{title:>{max(len(title) + 2, 7)}}" for title in COLUMNS)]
        for name in self.names:
            cells = (f"{value:>{max(len(title) + 2, 7)}.1f}" for title, value in self.row(name).items())
            lines.append(f"{name:{wide}}" + "".join(cells))
        return "\n".join(lines)


def harmonic(shares: Sequence[float]) -> float:
    """0 where one of them is 0."""
    return len(shares) / sum(1 / one for one in shares) if all(shares) else 0.0


def judge(
    lm: LanguageModel,
    chosen: Sequence[Fact],
    changes: Mapping[str, Sequence[Intervention]],
    *,
    told: Sequence[str] = (),
) -> Judged:
    """Each change alone on the facts, their paraphrases and neighbours; the unedited model first.

    told: names of rows without a change, in which each fact stands ahead of its own prompts (`iw.editing.InContext`)
    """
    rows = []
    for name, active in {"unedited": (), **changes, **dict.fromkeys(told, ())}.items():
        asked = [
            (part, (InContext([fact]).before(prompt) if name in told else prompt), *both)
            for fact in chosen
            for part, prompt, *both in questions(fact)
        ]
        parts = np.asarray([part for part, *_ in asked])
        pairs = [(prompt, answer) for _, prompt, *both in asked for answer in both]
        with lm.using(*active):
            found = score_answers(lm, pairs)
            read = perplexity_of(lm)
        leads = np.subtract(*found.mean.reshape(-1, 2).T)
        first = float(found.first[::2][parts == "fact"].mean())
        grown = [size for _, _, size in relative_changes(active, lm.architecture)]
        held = [leads[parts == part] > 0 for part in PARTS]
        shares = [float(one.mean()) if len(one) else float("nan") for one in held]
        rows.append([100 * one for one in (max(grown, default=0.0), first, *shares)] + [read])
    return Judged(("unedited", *changes, *told), *np.asarray(rows).T)


def questions(fact: Fact) -> list[tuple[str, str, str, str]]:
    """(part, prompt, the answer that should lead, the other one)"""
    return [
        ("fact", fact.prompt, fact.target, fact.original),
        *(("paraphrase", prompt, fact.target, fact.original) for prompt in fact.paraphrases),
        *(("neighbour", prompt, answer, fact.target) for prompt, answer in fact.neighbour_answers()),
        *(("ripple", prompt, answer, before) for prompt, answer, before in fact.ripple_answers() if before),
    ]


def depth_table(tables: Sequence[Judged]) -> str:
    """From the exact prompt to other words to what follows, in percent, a line for each way of editing."""
    names = [(one, name) for one in tables for name in one.names if name != "unedited"]
    wide = max(len(name) for _, name in names) + 2
    lines = [f"{'':{wide}}{'exact':>8}{'other words':>13}{'what follows':>14}"]
    rows = [(tables[0], "unedited"), *names]
    for table, name in rows:
        row = table.row(name)
        lines.append(f"{name:{wide}}{row['efficacy']:>8.1f}{row['paraphrase']:>13.1f}{row['ripple']:>14.1f}")
    return "\n".join(lines)
