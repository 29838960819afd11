"""What lab 03 measures on the default model before anything is steered: what leaks, where the trait is, how long
states are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.models.architectures import Site
from interp_widgets.models.states import last_states
from interp_widgets.steering.directions import METHODS, direction, ordered
from interp_widgets.steering.pairs import ContrastPairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.steering.vector import ControlVector

Floats = NDArray[np.float64]
States = tuple[Tensor, Tensor]  # of the positive and the negative prompts, (pairs, layers, width) each


def read_states(lm: LanguageModel, pairs: ContrastPairs) -> States:
    """(positive, negative), float64, (pairs, layers, width) each: the residual stream at the last token."""
    last = torch.as_tensor(last_states(lm, [*pairs.positive, *pairs.negative]).last).double()
    return last[: len(pairs)], last[len(pairs) :]


def shuffle_labels(states: States, *, seed: int = 0) -> States:
    """The same states with labels by chance: half of the pairs are the other way round."""
    up, down = states
    order = np.random.default_rng(seed).permutation(len(up))
    turned = torch.as_tensor(order < len(up) / 2)[:, None, None]
    return torch.where(turned, down, up), torch.where(turned, up, down)


def vector_of(name: str, states: States, like: ControlVector) -> ControlVector:
    """A vector of these states by the difference of means, in the units of another one."""
    up, down = (side.numpy() for side in states)
    rows = [direction("mean", up[:, layer], down[:, layer]) for layer in like.layers]
    return replace(like, name=name, matrix=np.asarray(rows, np.float32))


# What leaks

_BEGINNINGS = [
    "My aunt told me about the", "We talked for a while about the", "The paper had a page on the",
    "Everybody in the office knows the", "On the way home I thought about the", "The children asked about the",
    "It was late when they came to the", "Nobody had expected so much of the", "The letter was all about the",
    "She wrote a few lines on the", "There was a long report on the", "In the evening we came back to the",
]  # fmt: skip
_FOODS = ["soup", "bread", "cake", "salad", "cheese", "pie"]
_TOOLS = ["saw", "hammer", "drill", "ladder", "wrench", "engine"]


def leaky_sets() -> dict[str, ContrastPairs]:
    """Twelve pairs each, none of which differ in sentiment: in their last word, in length, in topic."""
    words = [
        (f"{begin} {food}", f"{begin} {tool}")
        for begin, food, tool in zip(_BEGINNINGS, _FOODS * 2, _TOOLS * 2, strict=True)
    ]
    long = [
        (f"{begin} house that stands near the old mill, and it was", f"{begin} house, and it was")
        for begin in _BEGINNINGS
    ]
    topic = [(f"{one}. As a whole, it was", f"{other}. As a whole, it was") for one, other in words]
    return {
        "another last word": ContrastPairs.from_lists(*zip(*words, strict=True)),
        "longer": ContrastPairs.from_lists(*zip(*long, strict=True)),
        "another topic": ContrastPairs.from_lists(*zip(*topic, strict=True)),
    }


def leaky_table(lm: LanguageModel, clean: States, layer: int) -> str:
    """For each leaky set what its direction does: the share of its own pairs that it orders right, and its cosine with
    the direction of the clean pairs, whose states are given."""
    sentiment = direction("mean", *(side[:, layer].numpy() for side in clean))
    lines = [f"{'pairs that differ in':22} {'ordered right':>14} {'cosine with sentiment':>22}"]
    for name, pairs in {"sentiment": None, **leaky_sets()}.items():
        up, down = clean if pairs is None else read_states(lm, pairs)
        one, other = up[:, layer].numpy(), down[:, layer].numpy()
        found = direction("mean", one, other)
        lines.append(f"{name:22} {ordered(found, one, other):>14.0%} {found @ sentiment:>+22.2f}")
    return "\n".join(lines)


def cosine_table(states: States, layers: Sequence[int]) -> str:
    """Cosine of each method's direction with the difference of means, by layer."""
    up, down = (side.numpy() for side in states)
    lines = [f"{'layer':18}" + "".join(f"{layer:>8}" for layer in layers)]
    for method in METHODS:
        row = [float(direction(method, up[:, i], down[:, i]) @ direction("mean", up[:, i], down[:, i])) for i in layers]
        lines.append(f"{method:18}" + "".join(f"{cosine:>+8.2f}" for cosine in row))
    return "\n".join(lines)


# Where the trait is


@dataclass(frozen=True)
class Accuracy:
    """Share of pairs ordered right, (fits, layers): of those that each direction was fitted to, and of others."""

    name: str
    fitted: Floats
    held_out: Floats

    def over(self, layers: Sequence[int]) -> tuple[float, float]:
        """(fitting pairs, held-out pairs), the means over these layers."""
        return float(self.fitted[:, layers].mean()), float(self.held_out[:, layers].mean())


def accuracy_of(name: str, fits: Sequence[States], held_out: States) -> Accuracy:
    new_up, new_down = (side.numpy() for side in held_out)
    fitted, others = [], []
    for up, down in [(up.numpy(), down.numpy()) for up, down in fits]:
        found = [direction("mean", up[:, layer], down[:, layer]) for layer in range(up.shape[1])]
        fitted.append([ordered(one, up[:, i], down[:, i]) for i, one in enumerate(found)])
        others.append([ordered(one, new_up[:, i], new_down[:, i]) for i, one in enumerate(found)])
    return Accuracy(name, np.asarray(fitted), np.asarray(others))


def plot_accuracies(found: Sequence[Accuracy]) -> Figure:
    """By layer: fitting pairs dashed, held-out pairs solid; of several fits the mean, and the range of the held-out."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.6, 2.8), layout="constrained")
    for i, one in enumerate(found):
        layers = np.arange(one.fitted.shape[1])
        axes.plot(layers, one.fitted.mean(0), "--", color=f"C{i}", linewidth=1, label=f"{one.name}, fitting pairs")
        axes.plot(layers, one.held_out.mean(0), color=f"C{i}", linewidth=2, label=f"{one.name}, held-out pairs")
        if len(one.held_out) > 1:
            axes.fill_between(layers, one.held_out.min(0), one.held_out.max(0), color=f"C{i}", alpha=0.15, linewidth=0)
    axes.axhline(0.5, color="0.5", linewidth=0.8)
    axes.set(xlabel="layer", ylabel="pairs ordered right", ylim=(0, 1.05))
    axes.legend(fontsize=7, loc="lower right")
    return figure


# How long states are


@dataclass(frozen=True)
class Norms:
    """tokens; norms: of the residual stream, (layers, tokens)."""

    tokens: tuple[str, ...]
    norms: Floats

    def plot(self) -> Figure:
        """The first token of the text, and the others, by layer."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
        axes.plot(self.norms[:, 1:], color="0.6", linewidth=0.8)
        axes.plot(self.norms[:, 1:].mean(1), color="C0", linewidth=2, label="mean of the tokens after the first")
        axes.plot(self.norms[:, 0], color="C1", linewidth=2, label="first token")
        axes.set(xlabel="layer", ylabel="norm", yscale="log")
        axes.legend(fontsize=8)
        return figure


def residual_norms(lm: LanguageModel, text: str) -> Norms:
    ids = torch.as_tensor(lm.encode(text).ids)
    sites = [Site("resid_post", layer) for layer in range(lm.architecture.n_layers)]
    with torch.no_grad(), lm.run(capture=sites) as run:
        lm.hidden(ids[None])
        norms = torch.stack([run.captured[site][0].double().norm(dim=-1) for site in sites])
    return Norms(tuple(lm.tokenizer.decode([i]) for i in ids.tolist()), norms.cpu().numpy())
