"""What lab 04 measures on the default model beyond the package's own analyses: what is restored from another run, how
far an estimate can be trusted, and which neurons bear out a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.course.lab04.held_out import SETS
from interp_widgets.locate.neuron_naming import score_name
from interp_widgets.locate.subject import embedding_spread, subject_tokens
from interp_widgets.models.architectures import Site
from interp_widgets.models.prompts import decode
from interp_widgets.models.resume import Pass, Patch, resume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.lens_result import LensResult
    from interp_widgets.locate.neuron_name_result import NameScore
    from interp_widgets.locate.neuron_result import NeuronResult
    from interp_widgets.locate.patch_result import PatchResult
    from interp_widgets.locate.trace_result import TraceResult
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


def followed_table(lens: LensResult, layers: Sequence[int], names: Sequence[str]) -> str:
    """At the last position, by layer: the leading token, and the rank of each followed one."""
    lines = [f"{'layer':>5}  {'leads':12}" + "".join(f"{'rank of' + name:>17}" for name in names)]
    for layer in layers:
        ranks = [int(lens.rank[-1, layer, lens.followed.index(name)]) for name in names]
        leader = lens.top(layer)[0][0].replace(" ", "·")
        lines.append(f"{layer:>5}  {leader:12}" + "".join(f"{rank:>17,}" for rank in ranks))
    return "\n".join(lines)


def effects_table(traces: Sequence[TraceResult], positions: Sequence[int], layers: Sequence[int]) -> str:
    """Indirect effects of some cells, a line for each answer and position."""
    lines = [f"{'answer':10} {'restored at':12}" + "".join(f"{layer:>7}" for layer in layers)]
    for trace in traces:
        for position in positions:
            cells = [trace.cell(position, layer) for layer in layers]
            name, token = (word.replace(" ", "·") for word in (trace.target, cells[0].token))
            lines.append(f"{name:10} {token:12}" + "".join(f"{cell.effect:>+7.2f}" for cell in cells))
    return "\n".join(lines)


# One state put into another run


def swapped(
    lm: LanguageModel, into: str, source: str, *, layer: int, position: int, k: int = 3
) -> list[tuple[str, float]]:
    """The best next tokens after `into`, with one state after a layer put in from the run of `source`."""
    site = Site("resid_post", layer)
    found: list[Tensor] = []
    with torch.no_grad(), lm.run():
        runs = [
            Pass(lm, lm.embed(torch.as_tensor(lm.encode(text).ids)[None]), capture=[site]) for text in (into, source)
        ]
        cell = [Patch("resid_post", layer, [position], runs[1].captured[site][:, [position]])]
        resume(runs[0], [cell], slice(runs[0].tokens - 1, None), lambda numbers, states: found.append(states))
        best = lm.head(found[0][0, 0, 0]).float().softmax(-1).topk(k)
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return [(decode(lm.tokenizer, [token]), p) for token, p in pairs]


# The trace, from the right run and from wrong ones


@dataclass(frozen=True)
class Restored:
    """What restoring one state does to some answers. effects: (sources, words, layers), probability restored minus
    corrupted, mean over the samples; corrupted: (words,)."""

    sources: tuple[str, ...]
    words: tuple[str, ...]
    layers: tuple[int, ...]
    corrupted: Floats
    effects: Floats

    def of(self, source: str, word: str) -> Floats:
        """(layers,)"""
        found: Floats = self.effects[self.sources.index(source), self.words.index(word)]
        return found

    def table(self) -> str:
        lines = [f"{'state from':24} {'answer':8}" + "".join(f"{layer:>7}" for layer in self.layers)]
        for source in self.sources:
            for word in self.words:
                row = "".join(f"{effect:>+7.2f}" for effect in self.of(source, word))
                lines.append(f"{source:24} {word.strip():8}{row}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """One panel for each answer, a line for each source."""
        import matplotlib.pyplot as plt

        figure, panels = plt.subplots(1, len(self.words), figsize=(7.6, 2.8), sharey=True, layout="constrained")
        for word, axes in zip(self.words, np.atleast_1d(panels), strict=True):
            for i, source in enumerate(self.sources):
                axes.plot(self.layers, self.of(source, word), "os^D"[i % 4] + "-", color=f"C{i}", label=source)
            axes.axhline(0, color="0.5", linewidth=0.8)
            axes.set(xlabel="layer", title=f"effect on {word.strip()}")
        np.atleast_1d(panels)[0].set_ylabel("probability, restored − corrupted")
        np.atleast_1d(panels)[-1].legend(fontsize=7)
        return figure


def restore_from(
    lm: LanguageModel,
    prompt: str,
    subject: str,
    sources: dict[str, str],
    words: Sequence[str],
    *,
    position: int,
    layers: Sequence[int],
    samples: int = 10,
    seed: int = 0,
) -> Restored:
    """Corrupt the subject as a causal trace does, and restore one state from the run of each of some other prompts.

    sources: name -> a prompt of as many tokens. The states of a source named with the prompt itself are the clean ones.
    """
    encoded = lm.encode(prompt)
    first, last = subject_tokens(encoded, subject)
    embeds = lm.embed(torch.as_tensor(encoded.ids)[None]).detach()
    drawn = np.random.default_rng(seed).normal(size=(samples, last - first + 1, embeds.shape[-1]))
    noised = embeds.repeat(samples, 1, 1)
    noised[:, first : last + 1] += 3 * embedding_spread(lm) * torch.as_tensor(drawn).to(noised)
    sites = [Site("resid_post", layer) for layer in layers]
    ids = [lm.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]

    def probabilities(states: Tensor) -> Tensor:
        """(..., words), of last hidden states (..., samples, width)."""
        return lm.head(states).float().softmax(-1)[..., ids].mean(-2)

    with torch.no_grad(), lm.run():
        corrupted = Pass(lm, noised)
        cells = []
        for text in sources.values():
            source = Pass(lm, lm.embed(torch.as_tensor(lm.encode(text).ids)[None]), capture=sites)
            cells += [
                [Patch("resid_post", layer, [position], source.captured[site][:, [position]])]
                for layer, site in zip(layers, sites, strict=True)
            ]
        found: dict[int, Tensor] = {}

        def work(numbers: Sequence[int], states: Tensor) -> None:
            found.update(zip(numbers, probabilities(states[:, :, 0]), strict=True))

        resume(corrupted, cells, slice(len(encoded) - 1, None), work)
        before = probabilities(corrupted.last[:, -1]).cpu()
    effects = torch.stack([found[i].cpu() for i in range(len(cells))]) - before
    return Restored(
        sources=tuple(sources),
        words=tuple(words),
        layers=tuple(layers),
        corrupted=before.double().numpy(),
        effects=effects.double().unflatten(0, (len(sources), len(layers))).movedim(2, 1).numpy(),
    )


# The first-order estimate beside the exact effects


def wrong_signs(result: PatchResult, least: float = 0.1) -> tuple[int, int]:
    """(cells whose exact effect is at least so large, those of them whose estimate has the other sign)."""
    exact, estimate = _both(result)
    large = np.abs(exact) >= least
    return int(large.sum()), int((large & (np.sign(exact) != np.sign(estimate))).sum())


def estimate_table(result: PatchResult, position: int, layers: Sequence[int]) -> str:
    """Exact and estimated effects of one position, by layer."""
    place = int(np.flatnonzero(result.rows == position % len(result.tokens))[0])
    columns = [int(np.flatnonzero(result.layers == layer)[0]) for layer in layers]
    lines = [f"{'layer':10}" + "".join(f"{layer:>7}" for layer in layers)]
    for name, first_order in (("exact", False), ("estimate", True)):
        row = result.effects_of(result.sites[0], first_order=first_order)[place, columns]
        lines.append(f"{name:10}" + "".join(f"{effect:>+7.2f}" for effect in row))
    return "\n".join(lines)


def plot_estimate(result: PatchResult) -> Figure:
    """Each cell a point: the exact effect across, the estimate upwards; layers by colour, the last position apart."""
    import matplotlib.pyplot as plt

    exact, estimate = _both(result)
    layers = np.broadcast_to(result.layers, exact.shape)
    last = np.broadcast_to((result.rows == len(result.tokens) - 1)[:, None], exact.shape)
    figure, axes = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    for chosen, marker, name in ((~last, "o", "earlier positions"), (last, "s", "last position")):
        points = axes.scatter(
            exact[chosen], estimate[chosen], c=layers[chosen], marker=marker, label=name, vmin=0, vmax=layers.max()
        )
    low, high = min(exact.min(), estimate.min()), max(exact.max(), estimate.max())
    axes.plot([low, high], [low, high], color="0.5", linewidth=0.8)
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.set(xlabel="exact effect", ylabel="first-order estimate")
    axes.legend(fontsize=7)
    figure.colorbar(points, label="layer")
    return figure


def _both(result: PatchResult) -> tuple[Floats, Floats]:
    site = result.sites[0]
    return result.effects_of(site), result.effects_of(site, first_order=True)


# A name, and sentences that it was not read off


@dataclass(frozen=True)
class NameTest:
    """One neuron and its name, by held-out sentences: those with the concept against unrelated ones and against the
    near miss, and the near miss against unrelated ones. lowest: the sentence with the concept on which the neuron is
    least active; above_lowest: how many of the unrelated ones are above it."""

    neuron: str
    name: str
    near: str
    unrelated: NameScore
    against_near: NameScore
    near_unrelated: NameScore

    @property
    def lowest(self) -> str:
        return self.unrelated.positives[int(self.unrelated.positive_peaks.argmin())]

    @property
    def above_lowest(self) -> int:
        return int((self.unrelated.negative_peaks > self.unrelated.positive_peaks.min()).sum())

    def line(self) -> str:
        cells = [
            f"{one.area:.2f} ({one.low:.2f} to {one.high:.2f})"
            for one in (self.unrelated, self.against_near, self.near_unrelated)
        ]
        return f"{self.neuron:8} {self.name:9} {self.near:9}" + "".join(f"{cell:>24}" for cell in cells)


NAME_HEAD = f"{'neuron':8} {'name':9} {'near miss':9}" + "".join(
    f"{title:>24}" for title in ("name, unrelated", "name, near miss", "near miss, unrelated")
)


def name_test(lm: LanguageModel, card: NeuronResult, name: str, near: str) -> NameTest:
    """Put a name that was read off a neuron's best texts to the test on the lab's held-out sentences. name, near: keys
    of `SETS`; the rest is unrelated."""
    rest = [text for key, texts in SETS.items() if key not in (name, near) for text in texts]

    def score(positives: Sequence[str], negatives: Sequence[str], concept: str) -> NameScore:
        return score_name(lm, positives, negatives, layer=card.layer, neuron=card.neuron, name=concept, seen=card)

    return NameTest(
        neuron=f"{card.layer}.{card.neuron}",
        name=name,
        near=near,
        unrelated=score(SETS[name], rest, name),
        against_near=score(SETS[name], SETS[near], name),
        near_unrelated=score(SETS[near], rest, near),
    )
