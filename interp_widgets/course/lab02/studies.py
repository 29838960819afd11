"""What lab 02 measures: four tokens by hand, sampling, LIME's kernel, agreement of methods, and what they cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from interp_widgets.attribution.lime import draw, fit, weights
from interp_widgets.attribution.shapley import chains, contributions, exact, interval, orders
from interp_widgets.course.lab02.games import ModelGame, all_sets, set_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def leave_one_out(values: Floats, n: int) -> Floats:
    """From the values of all sets."""
    everything = 2**n - 1
    scores: Floats = values[everything] - values[everything - (1 << np.arange(n))]
    return scores


def lime_scores(values: Floats, n: int, samples: int, seed: int) -> Floats:
    """LIME as its authors draw and weigh, from the values of all sets."""
    gone = draw(n, samples, seed)
    return fit(gone, values[set_number(torch.as_tensor(~gone)).numpy()], weights(gone))[0]


# Four tokens by hand


@dataclass(frozen=True)
class AllOrders:
    """tokens; added: what each adds in each order, (orders, tokens)."""

    tokens: tuple[str, ...]
    added: Floats

    @property
    def scores(self) -> Floats:
        mean: Floats = self.added.mean(0)
        return mean

    def plot(self) -> Figure:
        """One dot for each order, and the mean."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
        spread = np.linspace(-0.25, 0.25, len(self.added))
        for i, added in enumerate(self.added.T):
            axes.scatter(i + spread, added, s=10, color="0.55", label="in one order" if i == 0 else None)
        places = np.arange(len(self.tokens))
        axes.hlines(self.scores, places - 0.25, places + 0.25, color="C0", linewidth=2, label="mean: Shapley value")
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.set_xticks(places, [repr(token) for token in self.tokens])
        axes.set_ylabel("what it adds (log-odds)")
        figure.legend(fontsize=8, ncols=2, loc="outside upper right")
        return figure


def all_orders(game: ModelGame) -> AllOrders:
    """Every order of a few tokens, walked one after the other."""
    walked = np.asarray(list(permutations(range(game.n))), dtype=np.int64)
    kept = torch.as_tensor(chains(walked)).reshape(-1, game.n)
    values = game(kept).numpy().reshape(len(walked), game.n + 1)
    tokens = tuple(game.lm.tokenizer.decode([i]) for i in game.ids.tolist())
    return AllOrders(tokens, contributions(walked, values))


# Sampling


@dataclass(frozen=True)
class Sampling:
    """By the number of sets that were asked for: the mean error of orders in pairs and of single orders, (budgets,),
    and of the pairs' 95 % intervals the share that holds the exact value."""

    evaluations: Ints
    in_pairs: Floats
    single: Floats
    coverage: Floats

    def table(self) -> str:
        lines = [f"{'sets asked for':>14} {'error, in pairs':>16} {'single orders':>14} {'inside the interval':>20}"]
        for row in zip(self.evaluations, self.in_pairs, self.single, self.coverage, strict=True):
            lines.append(f"{row[0]:>14} {row[1]:>16.2f} {row[2]:>14.2f} {row[3]:>20.0%}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        import matplotlib.pyplot as plt
        from matplotlib.ticker import LogLocator

        figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
        axes.loglog(self.evaluations, self.in_pairs, marker="o", label="an order and its reverse")
        axes.loglog(self.evaluations, self.single, marker="s", linestyle="--", label="single orders")
        axes.set_xticks(self.evaluations, [str(n) for n in self.evaluations])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.set_xlabel("sets asked for")
        axes.set_ylabel("error (log-odds)")
        axes.legend(fontsize=8)
        return figure


def sampling_study(values: Floats, n: int, *, pairs: Sequence[int], repeats: int) -> Sampling:
    """From the values of all sets: the root of the mean squared error over tokens and repeats, for a number of orders
    in pairs and for the same number of single ones."""
    truth = exact(values, n)
    found = []
    for m in pairs:
        paired, single, inside = [], [], []
        for seed in range(repeats):
            walked = orders(n, 2 * m, seed)
            added = _added(values, walked)
            low, high = interval(added).T
            inside.append((low <= truth) & (truth <= high))
            paired.append(added.mean(0) - truth)
            chance = np.random.default_rng([seed, m])
            single.append(_added(values, np.stack([chance.permutation(n) for _ in range(2 * m)])).mean(0) - truth)
        found.append((2 * m * (n - 1) + 2, _size(paired), _size(single), float(np.mean(inside))))
    asked, in_pairs, alone, coverage = map(np.asarray, zip(*found, strict=True))
    return Sampling(asked, in_pairs, alone, coverage)


def sampled_scores(values: Floats, n: int, permutations: int, seed: int) -> Floats:
    mean: Floats = _added(values, orders(n, permutations, seed)).mean(0)
    return mean


def _added(values: Floats, walked: Ints) -> Floats:
    kept = torch.as_tensor(chains(walked)).reshape(-1, walked.shape[1])
    along = values[set_number(kept).numpy()].reshape(len(walked), -1)
    return contributions(walked, along)


def _size(errors: list[Floats]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


# LIME between leave-one-out and Shapley


@dataclass(frozen=True)
class Bridge:
    """A linear model around the prompt under different kernels: its weights (kernels, tokens), and their rank
    correlation with leave-one-out and with the Shapley values."""

    kernels: tuple[str, ...]
    scores: Floats
    alone: Floats
    shapley: Floats
    furthest: Floats

    def table(self) -> str:
        lines = [f"{'kernel':24} {'leave-one-out':>14} {'Shapley':>8} {'largest difference from Shapley':>33}"]
        for row in zip(self.kernels, self.alone, self.shapley, self.furthest, strict=True):
            lines.append(f"{row[0]:24} {row[1]:>14.2f} {row[2]:>8.2f} {row[3]:>33.3f}")
        return "\n".join(lines)


def bridge(values: Floats, n: int, *, widths: Sequence[float]) -> Bridge:
    """All sets, each size counted as often as any other (LIME draws all but the whole prompt so); the last kernel is
    Shapley's (Lundberg and Lee 2017, theorem 2), with nothing and everything held fast."""
    kept = all_sets(n).numpy()
    size = kept.sum(1)
    a_size = np.asarray([1 / math.comb(n, k) for k in range(n + 1)])[size]
    kernels = {f"cosine, width {width:g}": np.where(size > 0, _cosine(size / n, width) * a_size, 0) for width in widths}
    inner = ((n - 1) / (math.comb(n, k) * k * (n - k)) for k in range(1, n))
    kernels["Shapley's"] = np.asarray([_FAST, *inner, _FAST])[size]
    # No penalty, however small: a narrow kernel's weights are smaller still, and the scores would shrink to nothing.
    scores = np.stack([fit(~kept, values, pi, 0.0)[0] for pi in kernels.values()])
    truth, alone = exact(values, n), leave_one_out(values, n)
    return Bridge(
        tuple(kernels),
        scores,
        np.asarray([spearmanr(row, alone)[0] for row in scores]),
        np.asarray([spearmanr(row, truth)[0] for row in scores]),
        np.abs(scores - truth).max(1),
    )


_FAST = 1e7  # a weight so large that the fit goes through the point


def _cosine(share: Floats, width: float) -> Floats:
    """LIME's kernel with another width, of the share of tokens that are kept."""
    return np.exp(-((100 * (1 - np.sqrt(share))) ** 2) / width**2)


# What it costs as the prompt grows


@dataclass(frozen=True)
class Costs:
    """For prompts of some lengths: seconds for one changed prompt and for one pass with a gradient, (lengths,)."""

    lengths: tuple[int, ...]
    forward: Floats
    backward: Floats

    def seconds(self, method: str) -> Floats:
        """(lengths,): evaluations times what one took."""
        each = self.backward if method == INTEGRATED else self.forward
        counts = np.asarray([EVALUATIONS[method](n) for n in self.lengths], dtype=np.float64)
        return counts * each

    def table(self) -> str:
        lines = [f"{'':24}" + "".join(f"{n:>8} tokens" for n in self.lengths)]
        for method, evaluations in EVALUATIONS.items():
            cells = [
                f"{evaluations(n):>15,}" if evaluations(n) < 1e9 else f"{evaluations(n):>15.0e}" for n in self.lengths
            ]
            lines.append(f"{method:24}" + "".join(cells))
        return "\n".join(lines)

    def plot(self) -> Figure:
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
        for method, marker in zip(EVALUATIONS, "osD^vx", strict=True):
            seconds = self.seconds(method)
            shown = seconds < 1e5
            style = "--" if method == PARTITION else "-"  # LIME's line, which it meets, shows through
            axes.loglog(np.asarray(self.lengths)[shown], seconds[shown], style + marker, markersize=4, label=method)
        axes.set_xticks(self.lengths, [str(n) for n in self.lengths])
        axes.minorticks_off()
        axes.set_xlabel("tokens")
        axes.set_ylabel("seconds on this machine")
        axes.legend(fontsize=7)
        return figure


ALONE, LIME, PARTITION, SAMPLED, EXACT, INTEGRATED = (
    "leave-one-out",
    "LIME",
    "SHAP's partition",
    "Shapley, 50 orders",
    "Shapley, exact",
    "integrated gradients",
)
EVALUATIONS: dict[str, Callable[[int], int]] = {
    ALONE: lambda n: n,
    LIME: lambda n: 500,
    PARTITION: lambda n: min(500, n * (n - 1) + 2),
    SAMPLED: lambda n: 50 * (n - 1) + 2,
    EXACT: lambda n: 2**n,
    INTEGRATED: lambda n: 50,
}
_AT_ONCE = 128  # tokens of a batch


def costs(lm: LanguageModel, text: str, *, lengths: Sequence[int]) -> Costs:
    """One batch of changed prompts, timed twice at each length; the lesser counts. The text is repeated as needed."""
    ids = torch.as_tensor(lm.encode(text).ids)
    column = [int(ids[0])]
    forward, backward = [], []
    for n in lengths:
        rows = max(_AT_ONCE // n, 1)
        batch = ids.repeat(-(-n // len(ids)))[:n].repeat(rows, 1)
        forward.append(min(_timed(lm, batch, column, gradient=False) for _ in range(2)) / rows)
        backward.append(min(_timed(lm, batch, column, gradient=True) for _ in range(2)) / rows)
    return Costs(tuple(lengths), np.asarray(forward), np.asarray(backward))


def _timed(lm: LanguageModel, batch: torch.Tensor, column: list[int], *, gradient: bool) -> float:
    """Seconds for one pass, and back to the embeddings if so asked."""
    started = time.monotonic()
    with torch.enable_grad() if gradient else torch.no_grad():
        embeddings = lm.embed(batch).detach().requires_grad_(gradient)
        logits = lm.head(lm.hidden(embeds=embeddings)[:, -1], column)
        if gradient:
            torch.autograd.grad(logits.sum(), embeddings)
    return time.monotonic() - started
