"""What lab 05 measures of changes: whether the fact holds, and what else they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.lab05.facts import FACT, LAYER, value_of
from interp_widgets.course.lab05.forms import FORMS
from interp_widgets.course.lab05.studies import key_at
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.fluency import perplexity_of
from interp_widgets.editing.keys_values.statistics import KeyStatistics
from interp_widgets.editing.keys_values.value import Values
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.models.answers import score_answers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


def change_of(delta: Tensor) -> DenseDelta:
    """A change D, (width, keys), of the lab's layer, as an intervention."""
    return DenseDelta(delta.detach().float().numpy(), layer=LAYER)


def least_change(value: Values, moment: Tensor) -> Tensor:
    """D of the fact, float64, (width, keys): the mean key on both sides."""
    mean, plain, delta = (part[0].double().cpu() for part in (value.keys, value.plain_keys, value.delta))
    return FORMS["C"](moment, mean, plain, delta)


def moment_of(statistics: KeyStatistics) -> Tensor:
    """C with the package's ridge, float64."""
    return torch.as_tensor(statistics.regularised())


# The repair and its controls


def controls(lm: LanguageModel, value: Values, moment: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
    """The repair, then what must fail, each of the same size as the repair or made in the same way: u or delta by
    chance, and u from the key of another country or of another token."""
    delta, least = value.delta[0].double().cpu(), least_change(value, moment)
    rng = np.random.default_rng(seed)
    u, other = (torch.as_tensor(rng.normal(size=n)) for n in (least.shape[1], len(delta)))
    keys = {
        "key of France": torch.as_tensor(key_at(lm, FACT.template.replace("{}", "France"), "France")),
        "key of 'is'": torch.as_tensor(key_at(lm, FACT.prompt, "is")),
    }
    return {
        "repair": least,
        "random u": torch.outer(delta, u / u.norm()) * (least.norm() / delta.norm()),
        "random delta": torch.outer(other / other.norm(), delta @ least / delta.norm()),
        **{name: FORMS["C"](moment, key, key, delta) for name, key in keys.items()},
    }


@dataclass(frozen=True)
class Judged:
    """Changes by what they do. names: "unedited" first; size: |D| / |W|
    target: P(Canberra) at the fact's own prompt; paraphrases, neighbours: shares whose answer is first, token by token;
    perplexity: of neutral text"""

    names: tuple[str, ...]
    size: Floats
    target: Floats
    paraphrases: Floats
    neighbours: Floats
    perplexity: Floats

    def row(self, name: str) -> dict[str, float]:
        i = self.names.index(name)
        columns = ("size", "target", "paraphrases", "neighbours", "perplexity")
        return {column: float(getattr(self, column)[i]) for column in columns}

    def table(self) -> str:
        n, m = len(FACT.paraphrases), len(FACT.neighbours)
        lines = [f"{'':18}{'size':>7}{'Canberra':>10}{'paraphrases':>13}{'neighbours':>12}{'perplexity':>12}"]
        for i, name in enumerate(self.names):
            held = f"{round(self.paraphrases[i] * n)} of {n}", f"{round(self.neighbours[i] * m)} of {m}"
            lines.append(
                f"{name:18}{self.size[i]:>7.1%}{self.target[i]:>10.3f}{held[0]:>13}{held[1]:>12}"
                f"{self.perplexity[i]:>12.2f}"
            )
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Three bars for each change: the answer's probability, paraphrases that hold, neighbours that stay."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(6.4, 0.55 * len(self.names) + 0.9), layout="constrained")
        at = np.arange(len(self.names))
        for offset, shares, name, hatch in (
            (-0.27, self.target, "probability of Canberra", ""),
            (0.0, self.paraphrases, "paraphrases that say Canberra", "...."),
            (0.27, self.neighbours, "neighbours that stay", "////"),
        ):
            axes.barh(at + offset, shares, 0.24, label=name, hatch=hatch, edgecolor="white")
        axes.set_yticks(at, self.names)
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), xlabel="probability, share")
        axes.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
        return figure


def judge(lm: LanguageModel, changes: Mapping[str, Tensor]) -> Judged:
    """Each change alone, on the lab's prompts; the unedited model first."""
    rows = []
    for change in (None, *changes.values()):
        row = _first_choices(lm, change)
        with lm.using(*_active(change)):
            rows.append((*row, perplexity_of(lm)))
    return Judged(("unedited", *changes), *np.asarray(rows).T)


def _active(change: Tensor | None) -> list[Intervention]:
    return [] if change is None else [change_of(change)]


def _first_choices(lm: LanguageModel, change: Tensor | None) -> tuple[float, float, float, float]:
    """A row of `Judged` but for the perplexity."""
    weight: Any = lm.architecture.down_projection(LAYER).weight
    asked = [(prompt, FACT.target) for prompt in (FACT.prompt, *FACT.paraphrases)]
    with lm.using(*_active(change)):
        found = score_answers(lm, [*asked, *FACT.neighbour_answers()])
    return (
        0.0 if change is None else float(change.norm() / weight.detach().double().cpu().norm()),
        float(np.exp(found.log_probability[0])),
        float(found.first[1 : len(asked)].mean()),
        float(found.first[len(asked) :].mean()),
    )


# How strong


def strengths(lm: LanguageModel, moment: Tensor, clamps: Sequence[float], *, steps: int = 20) -> str:
    """The repair with delta held below some multiples of |v0|, and what it does to two prompts that it should leave."""
    city, zealand = "The largest city of Australia is", FACT.template.replace("{}", "New Zealand")
    pairs = [(city, FACT.original), (city, FACT.target), (zealand, FACT.target)]
    n, m = len(FACT.paraphrases), len(FACT.neighbours)
    lines = [
        f"{'':33}{'':25}{'largest city':>20}{'New Zealand':>13}",
        f"{'':14}{'size':>7}{'Canberra':>12}{'paraphrases':>13}{'neighbours':>12}"
        f"{'Sydney':>10}{'Canberra':>10}{'Canberra':>13}",
    ]
    for clamp in (0.0, *clamps):
        change = least_change(value_of(lm, clamp=clamp, steps=steps), moment) if clamp else None
        size, target, paraphrases, neighbours = _first_choices(lm, change)
        with lm.using(*_active(change)):
            sydney, canberra, other = np.exp(score_answers(lm, pairs).log_probability)
        held, kept = f"{round(paraphrases * n)} of {n}", f"{round(neighbours * m)} of {m}"
        lines.append(
            f"{f'clamp {clamp:g}' if clamp else 'unedited':14}{size:>7.1%}{target:>12.3f}{held:>13}{kept:>12}"
            f"{sydney:>10.2f}{canberra:>10.2f}{other:>13.2f}"
        )
    return "\n".join(lines)


# What is left when a change is added and subtracted


def bits_lost(lm: LanguageModel, change: Tensor) -> tuple[int, int]:
    """(entries of (W + D) - D that are not W's, entries of W), in the dtype of the weight."""
    weight: Any = lm.architecture.down_projection(LAYER).weight
    kept = weight.detach().cpu()
    back = (kept + change.to(kept)) - change.to(kept)
    return int((back != kept).sum()), kept.numel()


def dense_of(edit: Edit) -> Tensor:
    """D of an edit of rank one, float64, (width, keys)."""
    (part,) = edit.parts
    assert isinstance(part, LowRank)
    return part.left.double() @ part.right.double()


def cosines(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Of two changes of rank one: the cosine of the directions that they read, and of those that they write."""
    found = []
    for d in (one, other):
        read = d[d.norm(dim=1).argmax()]  # each row of such a matrix is a multiple of what it reads
        write = d @ read
        found.append((read / read.norm(), write / write.norm()))
    (read, write), (other_read, other_write) = found
    sign = torch.sign(read @ other_read)  # of a pair (read, write) both may be turned
    return float(sign * (read @ other_read)), float(sign * (write @ other_write))
