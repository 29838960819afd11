"""The sweep over strengths with its controls, composition, strengths by row, the ban that fails, and the overhead."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.neutral_text import NEUTRAL
from interp_widgets.models.states import last_states
from interp_widgets.steering.measures import concept_of, damage, read
from interp_widgets.steering.reading import token_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.models.prompts import Prompt
    from interp_widgets.steering.vector import ControlVector

Floats = NDArray[np.float64]
LAYERS = (12, 14, 16)
TEMPERATURE = 0.8
TEXTS = NEUTRAL[:6]  # a pass for each and each strength: enough to see the damage


def random_like(vector: ControlVector, *, seed: int = 0) -> ControlVector:
    """Directions drawn by chance, of the same length and used in the same units: the negative control."""
    drawn = np.random.default_rng(seed).normal(size=vector.matrix.shape)
    matrix = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return replace(vector, name="random direction", matrix=matrix.astype(np.float32))


# Damage


def perplexities(
    lm: LanguageModel, vector: ControlVector, strengths: Sequence[float], layers: Sequence[int] = LAYERS
) -> Floats:
    """Perplexity of neutral text at each strength over that of the unsteered model, (strengths,)."""
    before = read(lm, TEXTS, keep=True)
    with lm.steered(vector, layers=list(layers), strength=list(strengths)):
        losses, _ = damage(lm, TEXTS, before, len(strengths))
    steered = np.asarray([np.concatenate(row).mean() for row in losses])
    ratios: Floats = np.exp(steered) / before.perplexity
    return ratios


def recommended(strengths: Sequence[float], ratios: Floats, limit: float) -> tuple[float, float]:
    """(low, high): as far as the ratio stays within the limit on the way from 0. The strengths ascend and hold 0."""
    over = np.asarray(ratios) > limit
    zero = list(strengths).index(0)
    above = [i for i in range(zero, len(strengths)) if not over[zero : i + 1].any()]
    below = [i for i in range(zero + 1) if not over[i : zero + 1].any()]
    return strengths[min(below, default=zero)], strengths[max(above, default=zero)]


# Concept


@dataclass(frozen=True)
class Curve:
    """One vector: strengths, the score of each continuation, (strengths, texts), and the ratio of perplexity."""

    name: str
    strengths: tuple[float, ...]
    scores: Floats
    ratios: Floats

    def mean(self, strength: float) -> float:
        return float(self.scores[self.strengths.index(strength)].mean())


@dataclass(frozen=True)
class Sweep:
    curves: tuple[Curve, ...]
    limit: float

    def __getitem__(self, name: str) -> Curve:
        return next(curve for curve in self.curves if curve.name == name)

    def table(self) -> str:
        lines = [f"{'vector':18} {'strength':>9} {'concept (VADER)':>18} {'perplexity':>11}"]
        for curve in self.curves:
            for strength, scores, ratio in zip(curve.strengths, curve.scores, curve.ratios, strict=True):
                concept = f"{scores.mean():+.2f} ± {half_width(scores):.2f}"
                lines.append(f"{curve.name:18} {strength:>+9.3f} {concept:>18} {ratio:>10.2f}x")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Concept with 95 % intervals, and damage with its limit."""
        import matplotlib.pyplot as plt

        figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3), layout="constrained")
        for i, curve in enumerate(self.curves):
            color = "C0" if i == 0 else ("0.35", "C1")[(i - 1) % 2]
            halves = [half_width(scores) for scores in curve.scores]
            left.errorbar(
                curve.strengths, curve.scores.mean(1), yerr=halves, fmt="o-", capsize=3, color=color, label=curve.name
            )
            right.plot(curve.strengths, curve.ratios, "o-", color=color, label=curve.name)
        right.axhline(self.limit, color="C3", linewidth=1, linestyle="--", label=f"limit {self.limit:g}")
        left.set(xlabel="strength", ylabel="VADER, mean of the texts")
        right.set(xlabel="strength", ylabel="perplexity, times unsteered")
        left.legend(fontsize=7)
        right.legend(fontsize=7)
        return figure


def half_width(scores: Floats) -> float:
    """Half a 95 % t-interval of the mean."""
    return float(stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) / np.sqrt(len(scores)))


def continuations(
    lm: LanguageModel, prompts: Sequence[Prompt], *, tokens: int = 24, seed: int = 0, temperature: float = TEMPERATURE
) -> tuple[str, ...]:
    """Under what is active now."""
    return generate_batch(lm, prompts, max_new_tokens=tokens, temperature=temperature, seed=seed).texts


def sweep(
    lm: LanguageModel,
    vectors: Sequence[tuple[ControlVector, Sequence[float]]],
    prompts: Sequence[Prompt],
    *,
    limit: float = 1.25,
    tokens: int = 24,
    seed: int = 0,
) -> Sweep:
    """For each vector its strengths: the VADER score of sampled continuations of `prompts`, and the damage. Strength 0
    is the same for all, and computed once."""
    score = concept_of("sentiment", lm, vectors[0][0])
    plain = np.asarray(score(continuations(lm, prompts, tokens=tokens, seed=seed)), np.float64)
    curves = []
    for vector, strengths in vectors:
        rows = []
        for strength in strengths:
            if strength == 0:
                rows.append(plain)
                continue
            with lm.steered(vector, layers=list(LAYERS), strength=strength):
                texts = continuations(lm, prompts, tokens=tokens, seed=seed)
            rows.append(np.asarray(score(texts), np.float64))
        curves.append(Curve(vector.name, tuple(strengths), np.asarray(rows), perplexities(lm, vector, strengths)))
    return Sweep(tuple(curves), limit)


# Composition


@dataclass(frozen=True)
class Composition:
    """shifts[what was added] = mean shift of (first, second) trait, in units of half the distance of their poles."""

    names: tuple[str, str]
    shifts: dict[str, tuple[float, float]]

    def table(self) -> str:
        lines = [f"{'added':24} {self.names[0]:>12} {self.names[1]:>12}"]
        lines += [f"{name:24} {one:>+12.2f} {two:>+12.2f}" for name, (one, two) in self.shifts.items()]
        return "\n".join(lines)


def composition(
    lm: LanguageModel,
    first: ControlVector,
    second: ControlVector,
    prompts: Sequence[Prompt],
    *,
    strength: float,
    layers: Sequence[int] = LAYERS,
    read_at: int = 20,
) -> Composition:
    """What each vector, and their sum, does to both traits, read some layers after the last one where it acts."""

    def score() -> Floats:
        states = last_states(lm, prompts, layers=[read_at]).last[:, 0]
        return np.asarray([vector.scores(states, read_at).mean() for vector in (first, second)])

    plain, shifts = score(), {}
    chance = random_like(first)
    for name, vector in (
        (first.name, first),
        (second.name, second),
        ("both", first + second),
        ("random direction", chance),
    ):
        with lm.steered(vector, layers=list(layers), strength=strength):
            one, two = (score() - plain).tolist()
        shifts[name] = (one, two)
    return Composition((first.name, second.name), shifts)


# A strength for each row


@dataclass(frozen=True)
class ByRow:
    """For each setting its strength, the mean score of its texts as the unsteered model reads them, and a text."""

    rows: tuple[tuple[str, float, float, str], ...]

    def table(self) -> str:
        return "\n".join(
            f"{name:10} {strength:+.3f}   read as {score:+.2f}   {text!r}" for name, strength, score, text in self.rows
        )


def by_row(
    lm: LanguageModel,
    vector: ControlVector,
    presets: dict[str, float],
    prompts: Sequence[Prompt],
    *,
    layers: Sequence[int] = LAYERS,
    tokens: int = 20,
    seed: int = 0,
) -> ByRow:
    """All presets in one batch, each row with the strength of its own; every preset gets the same prompts."""
    rows = [(strength, prompt) for strength in presets.values() for prompt in prompts]
    with lm.steered(vector, layers=list(layers), strength=[strength for strength, _ in rows]):
        texts = continuations(lm, [prompt for _, prompt in rows], tokens=tokens, seed=seed, temperature=0.0)
    read_back = token_scores(lm, vector, [text if text.strip() else "." for text in texts])
    means = np.asarray([float(scores[1:].mean()) if len(scores) > 1 else 0.0 for scores in read_back])
    count = len(prompts)
    return ByRow(
        tuple(
            (name, strength, float(means[i * count : (i + 1) * count].mean()), " ".join(texts[i * count].split())[:60])
            for i, (name, strength) in enumerate(presets.items())
        )
    )


_DECLINES = (
    "i'm sorry",
    "i am sorry",
    "sorry",
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "i won't",
    "as an ai",
)


def declines(text: str) -> bool:
    """Whether an answer begins as refusals do."""
    start = text.strip().lower().replace("\u2019", "'")
    return start.startswith(_DECLINES)


def declined(
    lm: LanguageModel, vector: ControlVector, presets: dict[str, float], requests: Sequence[Prompt], *, tokens: int = 12
) -> str:
    """For each preset how many of the requests are declined; all presets in one batch, as in `by_row`."""
    rows = [(strength, request) for strength in presets.values() for request in requests]
    with lm.steered(vector, layers=list(LAYERS), strength=[strength for strength, _ in rows]):
        texts = continuations(lm, [request for _, request in rows], tokens=tokens, temperature=0.0)
    count, lines = len(requests), []
    for i, (name, strength) in enumerate(presets.items()):
        refused = sum(map(declines, texts[i * count : (i + 1) * count]))
        lines.append(f"{name:12} {strength:+.3f}   declines {refused} of {count}")
    return "\n".join(lines)


# What it costs


@dataclass(frozen=True)
class Overhead:
    """Seconds for a generated token, (runs,), unsteered and steered, in turns."""

    plain: Floats
    steered: Floats

    def table(self) -> dict[str, Any]:
        ratio = self.steered / self.plain
        low, high = np.percentile(ratio, [25, 75])
        return {
            "milliseconds a token, unsteered": round(1000 * float(np.median(self.plain)), 2),
            "steered": round(1000 * float(np.median(self.steered)), 2),
            "steered / unsteered, median of the pairs": round(float(np.median(ratio)), 3),
            "middle half": (round(float(low), 3), round(float(high), 3)),
        }


def overhead(lm: LanguageModel, vector: ControlVector, prompt: Prompt, *, runs: int = 7, tokens: int = 12) -> Overhead:
    """One layer steered against none, in turns, so that a busy machine slows both."""

    def seconds() -> float:
        started = time.perf_counter()
        lm.generate(prompt, max_new_tokens=tokens)
        return (time.perf_counter() - started) / tokens

    found: list[tuple[float, float]] = []
    for run in range(runs + 1):
        plain = seconds()
        with lm.steered(vector, strength=0.05):
            steered = seconds()
        if run:  # the first warms up
            found.append((plain, steered))
    plain_all, steered_all = np.asarray(found).T
    return Overhead(plain_all, steered_all)
