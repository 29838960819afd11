"""What the lab shows beside the learner's own work: controls, how many states it takes, the concept in the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interp_widgets.course.lab07.own import Change, Rounds, change_of
from interp_widgets.course.lab07.parts import LAYER, Data, Part, linear_probe, mlp_probe, right

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.erasure.result import ErasureResult
    from interp_widgets.interventions.erased import Erased
    from interp_widgets.models.language_model import LanguageModel

SIZES = (600, 1_200, 2_400)
SCRUBBED = tuple(range(LAYER, 30))
TEXTS, TESTED = 300, 300  # to fit erasers in the model on; of each part, for probes there


def controls(data: Data, mine: Change) -> str:
    """The learner's eraser beside a shrunk one, the right-angled one, and two that must fail."""
    from interp_widgets.erasure import Eraser

    x, z = data.fit.states, data.fit.labels
    mixed = z[torch.randperm(len(z), generator=torch.Generator().manual_seed(0))]
    changes: Mapping[str, Change] = {
        "nothing": lambda states: states,
        "LEACE by hand": mine,
        "LEACE, shrunk": Eraser.fit(x, z).transform,
        "difference of means": Eraser.fit(x, z, "mean_difference").transform,
        "random direction": Eraser.fit(x, z, "random").transform,
        "shuffled labels": Eraser.fit(x, mixed, shrinkage=False).transform,
    }
    lines = [f"{'':22}{'its own states':>16}{'fresh sentences':>17}{'change':>9}"]
    for name, change in changes.items():
        own, train, test = change(x), change(data.train.states), change(data.test.states)
        seen = right(linear_probe(own, z), Part(own, z, data.fit.groups))
        fresh = right(linear_probe(train, data.train.labels), Part(test, data.test.labels, data.test.groups))
        lines.append(f"{name:22}{seen:16.1%}{fresh:17.1%}{change_of(data, test):9.1%}")
    return "\n".join(lines)


def by_size(data: Data) -> str:
    """A fresh probe after LEACE that was fitted on few states and on many."""
    from interp_widgets.erasure import Eraser

    lines = [f"{'states':>8}{'its own states':>16}{'fresh sentences':>17}"]
    for n in (*SIZES, len(data.fit)):
        part = data.fit.first(n)
        erase = Eraser.fit(part.states, part.labels, shrinkage=False).transform
        own, train, test = erase(part.states), erase(data.train.states), erase(data.test.states)
        seen = right(linear_probe(own, part.labels), Part(own, part.labels, part.groups))
        fresh = right(linear_probe(train, data.train.labels), Part(test, data.test.labels, data.test.groups))
        lines.append(f"{n:8,}{seen:16.1%}{fresh:17.1%}")
    return "\n".join(lines)


def crossed(n: int = 2_000) -> str:
    """Two numbers whose product tells the class.

    Each point stands there with its mirror image, which is of the same class: both classes have mean 0 exactly.
    """
    from interp_widgets.erasure import Eraser

    chance = torch.Generator().manual_seed(0)
    half = torch.randn(2, n // 4, 2, generator=chance, dtype=torch.float64)
    train, test = torch.cat([half, -half], dim=1)
    marks = [(one.prod(1) > 0).long() for one in (train, test)]
    eraser = Eraser.fit(train, marks[0])
    found = [
        right(fit(eraser.transform(train), marks[0]), Part(eraser.transform(test), marks[1], marks[1]))
        for fit in (linear_probe, mlp_probe)
    ]
    return f"dimensions taken by LEACE: {eraser.rank}; after it: linear {found[0]:.1%}, MLP {found[1]:.1%}"


# In the model

PROMPTS = (
    ("The singer said that she had lost", "The singer said that he had lost"),
    ("The doctor said that she would visit", "The doctor said that he would visit"),
    ("The pilot hoped that she could sell", "The pilot hoped that he could sell"),
    ("The baker knew that she had forgotten", "The baker knew that he had forgotten"),
)


def leads(lm: LanguageModel, changes: Mapping[str, tuple[Erased, ...]]) -> str:
    """By change: how far " her" is ahead of " his" after a sentence with she, and with he; mean of log-odds."""
    words = [lm.encode(word).ids[-1] for word in (" her", " his")]
    lines = [f"{'':26}{'after she':>11}{'after he':>10}{'apart':>8}"]
    for name, active in changes.items():
        with lm.using(*active):
            found = [sum(_lead(lm, pair[i], words) for pair in PROMPTS) / len(PROMPTS) for i in (0, 1)]
        lines.append(f"{name:26}{found[0]:11.2f}{found[1]:10.2f}{found[0] - found[1]:8.2f}")
    return "\n".join(lines)


def _lead(lm: LanguageModel, prompt: str, words: list[int]) -> float:
    with torch.no_grad():
        row: Tensor = lm.next_logits(torch.as_tensor(lm.encode(prompt).ids)[None])[0]
    return float(row[words[0]] - row[words[1]])


def erasers(lm: LanguageModel, data: Data) -> dict[str, tuple[Erased, ...]]:
    """Nothing; LEACE at one layer; at every layer from there on; random directions at the same ones."""
    from interp_widgets.erasure.scrubbing import scrub

    found: dict[str, tuple[Erased, ...]] = {"nothing": ()}
    few = data.texts[0].take(TEXTS)
    for name, texts, layers, method in (
        ("LEACE at layer 8", data.texts[0], (LAYER,), "leace"),
        ("LEACE at layers 8 to 29", few, SCRUBBED, "leace"),
        ("random at layers 8 to 29", few, SCRUBBED, "random"),
    ):
        one = scrub(lm, texts, layers=layers, method=method, progress=False, confirm=True)
        one.undo()
        found[name] = (one,)
    return found


def seen_by(lm: LanguageModel, data: Data, x: Erased) -> ErasureResult:
    """The package's evaluation of an eraser on sentences that it was not fitted on."""
    from interp_widgets.erasure.evaluation import evaluate

    train, test = (part.take(TESTED) for part in data.texts[1:])
    return evaluate(lm, x, train, test, probes=["linear"], control=False, progress=False, confirm=True)


def plot_rounds(found: Rounds) -> Figure:
    """Accuracy of a fresh probe over the dimensions that were taken; LEACE as one point."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(found.rank, [100 * one for one in found.accuracy], "o-", label="INLP")
    axes.plot([found.leace[0]], [100 * found.leace[1]], "s", label="LEACE")
    axes.axhline(50, color="0.5", linestyle=":", label="always one class")
    axes.set_xscale("symlog", base=2)
    axes.set_xlabel("dimensions taken")
    axes.set_ylabel("fresh linear probe, % right")
    axes.legend()
    return figure
