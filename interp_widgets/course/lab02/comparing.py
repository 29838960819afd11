"""Methods against one another and against shuffled scores, on twelve prompts whose sets were all computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from interp_widgets.attribution.api import attribute
from interp_widgets.attribution.shapley import exact
from interp_widgets.course.lab02.games import ModelGame, model_game
from interp_widgets.course.lab02.studies import (
    ALONE,
    EVALUATIONS,
    EXACT,
    INTEGRATED,
    LIME,
    PARTITION,
    SAMPLED,
    Costs,
    leave_one_out,
    lime_scores,
    sampled_scores,
)
from interp_widgets.course.lab02.trees import forks_of, mean_over, orders_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]

# Written for this lab: prompt, target, foil. No more than seven tokens, so that every set can be computed.
PROMPTS: tuple[tuple[str, str, str], ...] = (
    ("The capital of Australia is", " Canberra", " Sydney"),
    ("The opposite of hot is", " cold", " warm"),
    ("The sun rises in the", " east", " west"),
    ("A doctor works in a", " hospital", " school"),
    ("She put the letter into an", " envelope", " box"),
    ("The soup is too hot to", " eat", " drink"),
    ("The chemical symbol of gold is", " Au", " Ag"),
    ("In winter the lake turns to", " ice", " water"),
    ("The Eiffel Tower is in", " Paris", " London"),
    ("The cast was superb. I felt", " happy", " sad"),
    ("The plot bored me. I felt", " sad", " happy"),
    ("He is tall, but she is", " short", " tall"),
)
CONTROL = "shuffled"
SEED_AGAIN, DRAWS, SHUFFLES = "LIME, drawn again", 4, 20
ENDS, RANDOM = "end-of-text", "random tokens"


@dataclass(frozen=True)
class Prompt:
    """One prompt: the scores of every method, and its games by what stands for deleted tokens: one with end-of-text,
    and one for each draw of random tokens."""

    games: dict[str, tuple[ModelGame, ...]]
    scores: dict[str, Floats]


def prepare(lm: LanguageModel, prompts: Sequence[tuple[str, str, str]] = PROMPTS, *, seed: int = 0) -> list[Prompt]:
    """All sets of every prompt, each computed once; methods then cost nothing more, but integrated gradients."""
    chance = np.random.default_rng(seed)
    found = []
    for text, target, foil in prompts:
        game = model_game(lm, text, target, foil)
        values, n = game.of_all(), game.n
        strange = torch.as_tensor(chance.integers(100, len(lm.tokenizer), (DRAWS, n)))
        path = attribute(lm, text, target, foil, method="integrated_gradients", steps=50)
        found.append(
            Prompt(
                {
                    ENDS: (game,),
                    RANDOM: tuple(model_game(lm, text, target, foil, fillers=fillers) for fillers in strange),
                },
                {
                    EXACT: exact(values, n),
                    SAMPLED: sampled_scores(values, n, 50, seed),
                    PARTITION: mean_over(list(orders_of(forks_of(lm, text))), game, n).numpy(),
                    LIME: lime_scores(values, n, 500, seed),
                    SEED_AGAIN: lime_scores(values, n, 500, seed + 1),
                    ALONE: leave_one_out(values, n),
                    INTEGRATED: path.scores,
                },
            )
        )
    return found


def _rank(one: Floats, other: Floats) -> float:
    return float(stats.spearmanr(one, other)[0])


@dataclass(frozen=True)
class Agreement:
    """For pairs of methods, (prompts,) each: rank correlation, whether the highest token is the same, and how many
    tokens have another sign; for the control the mean over some shuffles."""

    ranks: dict[tuple[str, str], Floats]
    same_top: dict[tuple[str, str], int]
    other_sign: dict[tuple[str, str], int]
    tokens: int

    def table(self) -> str:
        prompts = len(next(iter(self.ranks.values())))
        lines = [f"{'':48} {'rank correlation':>17} {'same top':>9} {'other sign':>12}"]
        for pair, ranks in self.ranks.items():
            name = f"{pair[0]} and {pair[1]}"
            top = f"{self.same_top[pair]}/{prompts}" if pair in self.same_top else ""
            sign = f"{self.other_sign[pair]}/{self.tokens}" if pair in self.other_sign else ""
            lines.append(f"{name:48} {ranks.mean():>+8.2f} (±{_half(ranks):.2f}) {top:>9} {sign:>12}")
        return "\n".join(lines)


PAIRS = (
    (LIME, EXACT),
    (LIME, SEED_AGAIN),
    (SAMPLED, EXACT),
    (PARTITION, EXACT),
    (ALONE, EXACT),
    (ALONE, LIME),
    (INTEGRATED, EXACT),
)


def agreement(prompts: Sequence[Prompt], *, seed: int = 0) -> Agreement:
    chance = np.random.default_rng(seed)
    ranks = {pair: np.asarray([_rank(p.scores[pair[0]], p.scores[pair[1]]) for p in prompts]) for pair in PAIRS}
    ranks[CONTROL, EXACT] = np.asarray(
        [
            np.mean([_rank(chance.permutation(p.scores[EXACT]), p.scores[EXACT]) for _ in range(SHUFFLES)])
            for p in prompts
        ]
    )
    top = {pair: sum(int(p.scores[pair[0]].argmax() == p.scores[pair[1]].argmax()) for p in prompts) for pair in PAIRS}
    sign = {pair: sum(int((p.scores[pair[0]] * p.scores[pair[1]] < 0).sum()) for p in prompts) for pair in PAIRS}
    return Agreement(ranks, top, sign, sum(len(p.scores[EXACT]) for p in prompts))


def _half(values: Floats) -> float:
    """Half the width of a 95 % t-interval of the mean."""
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def between(game: ModelGame, scores: Floats) -> float:
    """Area between the insertion and the deletion curve, in log-odds, over the share of tokens from 0 to 1."""
    order = np.argsort(-scores, kind="stable")
    left = np.ones((game.n + 1, game.n), dtype=bool)
    for k in range(game.n + 1):
        left[k, order[:k]] = False
    kept = torch.as_tensor(left)
    return float(np.trapezoid((game(~kept) - game(kept)).numpy(), dx=1 / game.n))


@dataclass(frozen=True)
class Judged:
    """areas: by (what stands for deleted tokens, method), for each prompt, (prompts,)."""

    areas: dict[tuple[str, str], Floats]

    def mean(self, filler: str, method: str) -> float:
        return float(self.areas[filler, method].mean())

    def table(self) -> str:
        lines = [f"{'area between the curves, log-odds':34} {ENDS:>16} {RANDOM:>16}"]
        for method in (*JUDGED, CONTROL):
            cells = "".join(
                f"{self.mean(filler, method):>10.1f} ±{_half(self.areas[filler, method]):4.1f}"
                for filler in (ENDS, RANDOM)
            )
            lines.append(f"{method + (' (negative control)' if method == CONTROL else ''):34}{cells}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Means with 95 % intervals over the prompts; the control is a band."""
        import matplotlib.pyplot as plt

        figure, panels = plt.subplots(1, 2, figsize=(7.4, 2.8), sharey=True, layout="constrained")
        for axes, filler in zip(panels, (ENDS, RANDOM), strict=True):
            control = self.areas[filler, CONTROL]
            half = _half(control)
            axes.axvspan(control.mean() - half, control.mean() + half, color="0.85", label=CONTROL)
            for place, method in enumerate(JUDGED):
                area = self.areas[filler, method]
                axes.errorbar(area.mean(), -place, xerr=_half(area), fmt="o", color="C0", capsize=3)
            axes.set_yticks([-place for place in range(len(JUDGED))], JUDGED)
            axes.margins(y=0.1)
            axes.set_title(f"deleted: {filler}", fontsize=10)
            axes.set_xlabel("area between the curves")
            axes.legend(fontsize=7, loc="lower right")
        return figure

    def choices(self, costs: Costs, tokens: int) -> list[dict[str, Any]]:
        """For each method its quality, the mean over both ways of deleting, with the ends of a 95 % interval over the
        prompts, and its seconds for a prompt of so many tokens."""
        place = costs.lengths.index(tokens)
        rows = []
        for method in (*JUDGED, CONTROL):
            area = (self.areas[ENDS, method] + self.areas[RANDOM, method]) / 2
            quality, half = float(area.mean()), _half(area)
            seconds = 0.0 if method == CONTROL else float(costs.seconds(method)[place])
            row = {"method": method, "quality": quality, "low": quality - half, "high": quality + half}
            rows.append({**row, "seconds": seconds})
        return rows


JUDGED = tuple(EVALUATIONS)


def judge(prompts: Sequence[Prompt], *, seed: int = 0) -> Judged:
    """The curves of every method and of shuffled scores, for both ways of deleting."""
    chance = np.random.default_rng(seed)
    areas: dict[tuple[str, str], list[float]] = {}
    for one in prompts:
        for filler, games in one.games.items():
            for game in games:
                game.of_all()
            for method in JUDGED:
                found = [between(game, one.scores[method]) for game in games]
                areas.setdefault((filler, method), []).append(float(np.mean(found)))
            found = [between(game, chance.normal(size=game.n)) for game in games for _ in range(SHUFFLES // len(games))]
            areas.setdefault((filler, CONTROL), []).append(float(np.mean(found)))
    return Judged({key: np.asarray(values) for key, values in areas.items()})
