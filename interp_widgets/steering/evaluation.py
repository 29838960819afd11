"""`iw.evaluate_steering`: what a vector does to what is written, and what it breaks, over strengths and layers.

1. Neutral texts are read under every strength at every candidate: perplexity against the unsteered model, and the
   divergence from it.  All strengths are rows of one batch.
2. Bounds are the strengths from which, down to 0, the perplexity stays under the limit.
3. At both bounds of every candidate the same prompts are continued with the same random numbers; the concept is
   measured on what was written.  The best candidate is the one whose concept moves furthest.
4. The best one is continued at all its other strengths too (with `full=True` every candidate).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.interventions.base import as_number
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.memory import forward_bytes
from interp_widgets.models.neutral_text import NEUTRAL, OPENERS
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.states import last_states
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import provenance_of
from interp_widgets.steering.evaluation_result import DRAWS, SteeringEvaluation, best_of, bounds_of, intervals, judge
from interp_widgets.steering.measures import UNITS, Concept, Reading, concept_of, damage, read, repetition
from interp_widgets.steering.pairs import ContrastPairs, plain
from interp_widgets.steering.vector import ControlVector

if TYPE_CHECKING:
    from interp_widgets.interventions.ledger import Scope
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
STRENGTHS = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15)
LIMIT = 1.25  # of the perplexity of neutral text, as a multiple of the unsteered one
_ROWS = 64  # of a batch of continuations


def evaluate_steering(
    lm: LanguageModel,
    vector: ControlVector,
    held_out: ContrastPairs | None = None,
    strengths: Sequence[float] = STRENGTHS,
    *,
    layers: Sequence[int | Sequence[int]] | None = None,
    prompts: Sequence[Prompt] = OPENERS,
    concept: str | Concept = "projection",
    samples: int = 1,
    max_new_tokens: int = 24,
    temperature: float = 0.8,
    neutral: Sequence[str] = NEUTRAL,
    limit: float = LIMIT,
    full: bool = False,
    positions: str | Sequence[int] = "all",
    keep_norm: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> SteeringEvaluation:
    """Measure concept and damage of a vector on held-out material, and recommend bounds and a layer.

    Parameters
    ----------
    held_out: pairs that the vector was not fitted to; how many it orders right is reported for every layer
    strengths: in multiples of the mean residual norm, of both signs; 0 is always measured
    layers: the candidates: single layers, or several that act together: [12, 14, [12, 14, 16]]; by default five layers
        from a quarter to three quarters of the depth, and the vector's best one
    prompts: what is continued, `samples` times each; by default openings that ask for nothing in particular
    concept: "projection" (mean score of what was written, read by the unsteered model), "probe" (share that scores
        above 0), "sentiment" (VADER), "formality" and "length" (textstat), or a function from texts to numbers
    neutral: texts that the trait has nothing to do with
    limit: the largest perplexity of neutral text, as a multiple of the unsteered one
    full: write at every strength of every candidate; by default only the best one has the whole curve
    positions, keep_norm: as in `ControlVector.steer`
    seed, batch_size, progress, cancel, confirm: as in `iw.attribute`; batch_size counts continuations

    Returns
    -------
    SteeringEvaluation: concept, perplexity, divergence and repetition for each candidate and strength with 95 %
    intervals (bootstrap over prompts), `best_layers`, `bounds`, and a verdict: whether the vector does what it is for

    Raises
    ------
    ArgumentError, OutOfRangeError, FingerprintMismatchError, MissingPackageError, NonFiniteError, Cancelled
    """
    vector.check_fits(lm)
    chosen = _strengths(strengths)
    candidates = _candidates(vector, layers)
    if not prompts or not neutral or samples < 1:
        raise ArgumentError(f"prompts={len(prompts)}, neutral={len(neutral)}, samples={samples}: at least one of each")
    if not limit > 1:
        raise ArgumentError(f"limit={limit}: above 1, the unsteered perplexity")
    measure = concept_of(concept, lm, vector)
    cost = _cost(lm, len(prompts) * samples, len(candidates), len(chosen), max_new_tokens, neutral, full)
    if callable(confirm) and not confirm(cost):
        raise Cancelled("not confirmed; nothing was computed")

    began = time.perf_counter()
    with Bar(progress) as bar:
        work = _Work(
            lm=lm,
            vector=vector,
            candidates=candidates,
            strengths=chosen,
            how={"positions": positions, "keep_norm": keep_norm},
            asked=[prompt for prompt in prompts for _ in range(samples)],
            sampling={"max_new_tokens": max_new_tokens, "temperature": temperature},
            seed=seed,
            size=batch_size or _ROWS,
            cancel=cancel,
            tell=lambda done, text: bar.advance(min(done, cost.forward_passes), cost.forward_passes, text),
        )
        before, losses, divergence = work.damage(neutral)
        chance = np.random.default_rng(seed)
        perplexity = _ratios(losses, before.loss, chance)
        ends = [bounds_of(chosen, perplexity[c, :, 0], limit) for c in range(len(candidates))]
        everything = [(c, s) for c in range(len(candidates)) for s in range(len(chosen))]
        work.write(
            everything if full else [(c, s) for c, (low, high) in enumerate(ends) for s in (low, work.none, high)]
        )
        values = work.values(measure)
        best = best_of(values, ends)
        work.write([(best, s) for s in range(len(chosen))])
        values = work.values(measure)
        accuracy = _accuracy(lm, vector, held_out, cancel)
        bar.finish("done")

    scores = intervals(values, chance)
    name = concept if isinstance(concept, str) else getattr(concept, "__name__", "concept")
    bounds, span, verdict = judge(
        vector, candidates[best], chosen, ends[best], values[best], perplexity[best, :, 0], limit, accuracy, chance
    )
    return SteeringEvaluation(
        vector=vector.name,
        poles=vector.poles,
        concept_name=name,
        unit=UNITS.get(name, name),
        strengths=chosen,
        layers=candidates,
        prompts=tuple(plain(prompt) for prompt in work.asked),
        texts=tuple(tuple(tuple(map(str, row)) for row in part) for part in work.texts),
        concept=scores,
        perplexity=perplexity,
        base_perplexity=before.perplexity,
        divergence=divergence,
        repetition=np.where(work.written, np.vectorize(repetition, otypes=[float])(work.texts).mean(-1), np.nan),
        accuracy=accuracy,
        vector_layers=vector.layers,
        held_out=0 if held_out is None else len(held_out),
        limit=float(limit),
        best=best,
        bounds=bounds,
        span=span,
        verdict=verdict,
        provenance=provenance_of(
            lm,
            "",
            bos=0,
            interventions=lm.ledger.active_names(),
            seed=seed,
            batch_size=work.size,
            forward_passes=work.passes + (0 if held_out is None else 2 * len(held_out)),
            seconds=time.perf_counter() - began,
        ),
    )


def estimate_evaluate_steering(
    lm: LanguageModel,
    vector: ControlVector,
    held_out: ContrastPairs | None = None,
    strengths: Sequence[float] = STRENGTHS,
    *,
    layers: Sequence[int | Sequence[int]] | None = None,
    prompts: Sequence[Prompt] = OPENERS,
    samples: int = 1,
    max_new_tokens: int = 24,
    neutral: Sequence[str] = NEUTRAL,
    full: bool = False,
    **settings: Any,
) -> Cost:
    """What `evaluate_steering` with the same arguments would cost; runs nothing."""
    count = len(_candidates(vector, layers))
    return _cost(lm, len(prompts) * samples, count, len(_strengths(strengths)), max_new_tokens, neutral, full)


def _cost(
    lm: LanguageModel, rows: int, candidates: int, strengths: int, new: int, neutral: Sequence[str], full: bool
) -> Cost:
    lengths = [len(lm.encode(text)) for text in neutral]
    read_times = candidates * (strengths - 1) + 1
    written = read_times if full else 1 + 2 * candidates + max(strengths - 3, 0)
    tokens = written * rows * (new + 8) + read_times * sum(lengths)
    passes = written * rows * new + read_times * len(neutral)
    return Cost(passes, tokens * lm.seconds_per_token, forward_bytes(lm, max(lengths) * strengths))


def _strengths(given: Sequence[float]) -> Floats:
    if isinstance(given, str) or not len(given):
        raise ArgumentError(f"strengths={given!r}: a list of numbers such as [-0.1, 0, 0.1]")
    return np.unique([0.0, *(as_number("strengths", value) for value in given)])


def _candidates(vector: ControlVector, layers: Sequence[int | Sequence[int]] | None) -> tuple[tuple[int, ...], ...]:
    if layers is None:
        count = len(vector.layers)
        spread = {vector.layers[round(place)] for place in np.linspace(count // 4, 3 * (count - 1) // 4, 5)}
        return tuple((layer,) for layer in sorted(spread | {vector.best_layer}))
    found = tuple((int(one),) if isinstance(one, int | np.integer) else tuple(int(i) for i in one) for one in layers)
    if not found:
        raise ArgumentError("layers is empty: give candidates such as [12, 14, [12, 14, 16]]")
    for one in found:
        vector.check_layers(one)
    return found


def _accuracy(
    lm: LanguageModel, vector: ControlVector, held_out: ContrastPairs | None, cancel: threading.Event | None
) -> Floats:
    """Share of the held-out pairs that each layer's direction orders right, (layers,); nan without pairs."""
    if held_out is None:
        return np.full(len(vector.layers), np.nan)
    prompts = [*held_out.positive, *held_out.negative]
    states = last_states(lm, prompts, layers=vector.layers, cancel=cancel).last.astype(np.float64)
    along = np.einsum("plw,lw->pl", states, vector.matrix.astype(np.float64))
    return np.asarray((along[: len(held_out)] > along[len(held_out) :]).mean(0))


def _ratios(losses: list[list[list[Floats]]], before: list[Floats], chance: np.random.Generator) -> Floats:
    """Perplexity over the unsteered one, (candidates, strengths, 3): the ratio, and 95 % over the texts."""
    counts = np.asarray([len(one) for one in before], float)
    base = np.asarray([one.sum() for one in before])
    extra = np.asarray([[[one.sum() for one in row] for row in part] for part in losses]) - base
    drawn = chance.integers(0, len(counts), (DRAWS, len(counts)))
    means = extra[..., drawn].sum(-1) / counts[drawn].sum(-1)
    low, high = np.percentile(means, [2.5, 97.5], axis=-1)
    return np.asarray(np.exp(np.stack([extra.sum(-1) / counts.sum(), low, high], axis=-1)))


@dataclass(kw_only=True)
class _Work:
    """What the two kinds of passes share; cells are (candidate, strength) by index, the strength 0 is one for all."""

    lm: LanguageModel
    vector: ControlVector
    candidates: tuple[tuple[int, ...], ...]
    strengths: Floats
    how: dict[str, Any]
    asked: list[Prompt]
    sampling: dict[str, Any]
    seed: int
    size: int
    cancel: threading.Event | None
    tell: Callable[[int, str], None]
    passes: int = 0

    def __post_init__(self) -> None:
        shape = (len(self.candidates), len(self.strengths))
        self.texts = np.full((*shape, len(self.asked)), "", dtype=object)
        self.concept = np.full(self.texts.shape, np.nan)
        self.written, self.measured = np.zeros(shape, bool), np.zeros(shape, bool)
        self.none = int(np.flatnonzero(self.strengths == 0)[0])
        self.seeds = [self.seed * 1_000_003 + i for i in range(len(self.asked))]

    def steered(self, candidate: int, strengths: list[float]) -> Scope:
        """Row i of a batch is steered by strengths[i]."""
        free = self.vector.with_bounds(None)  # measuring the bounds must not warn of them
        return self.lm.steered(free, layers=self.candidates[candidate], strength=strengths, **self.how)

    def damage(self, neutral: Sequence[str]) -> tuple[Reading, list[list[list[Floats]]], Floats]:
        """(unsteered reading, loss of each token by candidate, strength and text, divergence by candidate and
        strength)."""
        before = read(self.lm, neutral, keep=True)
        self.passes += len(neutral)
        active = np.flatnonzero(self.strengths)
        losses = [[before.loss for _ in self.strengths] for _ in self.candidates]
        divergence = np.zeros(self.written.shape)
        for c in range(len(self.candidates) if len(active) else 0):
            given = self.strengths[active].tolist()
            with self.steered(c, given), self.lm.run(cancel=self.cancel) as run:
                run.check()
                lost, divergence[c, active] = damage(self.lm, neutral, before, len(active))
            for row, one in zip(active, lost, strict=True):
                losses[c][row] = one
            self.passes += len(neutral) * len(active)
            self.tell(self.passes, f"neutral texts, candidate {c + 1} of {len(self.candidates)}")
        return before, losses, divergence

    def write(self, cells: Sequence[tuple[int, int]]) -> None:
        """Continue all prompts in these cells, where that was not done; the unsteered ones once for all candidates."""
        if not self.written[0, self.none]:
            self.texts[:, self.none] = self._continue(0, [self.none])[0]
            self.written[:, self.none] = True
        for c in sorted({c for c, _ in cells}):
            wanted = [s for s in range(len(self.strengths)) if (c, s) in cells and not self.written[c, s]]
            if wanted:
                self.texts[c, wanted] = self._continue(c, wanted)
                self.written[c, wanted] = True

    def _continue(self, candidate: int, rows: list[int]) -> NDArray[np.object_]:
        places = [(row, i) for row in rows for i in range(len(self.asked))]
        found: list[str] = []
        for start in range(0, len(places), self.size):
            part = places[start : start + self.size]
            with self.steered(candidate, [float(self.strengths[row]) for row, _ in part]):
                new = generate_batch(
                    self.lm,
                    [self.asked[i] for _, i in part],
                    seed=[self.seeds[i] for _, i in part],
                    cancel=self.cancel,
                    **self.sampling,
                )
            found += new.texts
            self.passes += new.forward_passes
            self.tell(self.passes, "writing")
        return np.asarray(found, dtype=object).reshape(len(rows), len(self.asked))

    def values(self, measure: Concept) -> Floats:
        """The concept of every text, (candidates, strengths, prompts); nan where nothing was written."""
        new = self.written & ~self.measured
        if new.any():
            found = np.asarray(list(measure(self.texts[new].ravel().tolist())), np.float64)
            self.concept[new] = found.reshape(-1, len(self.asked))
            self.measured |= new
        return self.concept
