"""What MEMIT, AlphaEdit and EMMET share: target values for many facts, found in batches, and spread over layers.

1. For each fact a vector is optimised that, added to the residual stream after the top layer at the subject's last
   token, makes the new answer follow (Meng et al. 2023, section 4.2, equation 16).  Facts do not depend on each other,
   so batches of them go through the model together.
2. From the lowest layer up, each layer's value matrix takes an equal share of what is still missing there, measured on
   the model as changed so far (algorithm 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.editing.editors.updates import Update
from interp_widgets.editing.keys_values.contexts import Row, context_prefixes, rows_of
from interp_widgets.editing.keys_values.statistics import KeyStatistics
from interp_widgets.editing.keys_values.subject_keys import Subjects, subject_keys
from interp_widgets.editing.keys_values.value import ValueSettings, optimise
from interp_widgets.editing.registry import Job, Made
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_size import relative_norm
from interp_widgets.models.architectures import Site
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.memory import in_batches

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
# (what is missing (width, facts), keys (keys, facts), statistics, layer) -> the update of this layer
Solve = Callable[[Floats, Floats, KeyStatistics, int], Update]
_CPU_TOKENS, _GPU_TOKENS = 768, 16_384  # of an optimisation's batch, counted from the subject on
_FAINT = 1e-3
_ROUNDING = 16  # in units of the model's precision: the same states from another pass differ by so much


@dataclass(frozen=True, eq=False)
class Targets:
    """states: float64, (facts, width), what the residual stream after the top layer should be at the subject
    loss, probability: (facts,), at the optimisation's end"""

    states: Floats
    loss: Floats
    probability: Floats


def texts_of(job: Job, prefixes: Sequence[int]) -> list[list[Row]]:
    """Each fact's rows: the plain prompt, it behind sampled prefixes, and the one that watches."""
    starts = context_prefixes(job.lm, lengths=prefixes)
    return [rows_of(job.lm, number, fact, starts) for number, fact in enumerate(job.facts)]


def targets(job: Job, texts: Sequence[Sequence[Row]], top: int, settings: ValueSettings) -> Targets:
    """Of all facts, in batches of like length."""
    lm = job.lm
    tails = [max(len(row.ids) - row.subject for row in rows) * len(rows) for rows in texts]
    order = sorted(range(len(texts)), key=lambda i: tails[i])
    budget = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    states = np.zeros((len(texts), lm.architecture.width))
    loss, probability = np.zeros(len(texts)), np.zeros(len(texts))

    def work(start: int, end: int) -> None:
        chosen = order[start:end]
        found = optimise(
            lm, [texts[i] for i in chosen], top, settings, site="resid_post", advance=job.steps_of(start, end)
        )
        states[chosen] = (found.base + found.delta).double().cpu().numpy()
        loss[chosen], probability[chosen] = found.loss, found.probability
        job.advance(end, len(texts), "values")

    in_batches(len(texts), max(budget // max(tails), 1), work)
    return Targets(states, loss, probability)


def spread(job: Job, texts: Sequence[Sequence[Row]], wanted: Targets, solve: Solve) -> tuple[LowRank, ...]:
    """One change a layer, from the lowest up, each found on the model with those below it."""
    lm, layers = job.lm, job.layers
    parts: list[LowRank] = []
    for number, layer in enumerate(layers):
        with lm.run(snapshot=Snapshot((*job.changes, *parts), lm.architecture)):
            now = subject_keys(lm, texts, layer, layers[-1])
        missing = (wanted.states - now.ends) / (len(layers) - number)
        update = solve(_before_norm(lm, layer, now, missing).T, now.keys.T, job.statistics(layer), layer)
        parts.append(LowRank(update.left, update.right, layer=layer))
        job.advance(number + 1, len(layers), "layers")
    return tuple(parts)


def _before_norm(lm: LanguageModel, layer: int, now: Subjects, missing: Floats) -> Floats:
    """What the down-projection has to put out in addition, so that the MLP adds `missing`: the same, unless a norm
    follows it.  A norm keeps the direction alone, so what it gets is turned, at its present length, to where its answer
    points as wanted (a longer vector would only be scaled back)."""
    if lm.architecture.layout.mlp_norm is None:
        return missing
    norm, _ = lm.architecture.module(Site("mlp_out", layer))
    with torch.no_grad():
        gain = norm(torch.ones(lm.architecture.width, dtype=lm.dtype, device=lm.device)).double().cpu().numpy()
    gain = np.where(np.abs(gain) < _FAINT, np.inf, gain)  # a direction that the norm shuts off is of no use
    wanted = (now.outs + missing) / gain
    lengths = [np.linalg.norm(one, axis=1, keepdims=True) for one in (now.values, wanted)]
    return np.asarray(wanted * lengths[0] / lengths[1] - now.values)


def measured(job: Job, texts: Sequence[Sequence[Row]], wanted: Targets, parts: Sequence[LowRank]) -> dict[str, float]:
    """How far the facts' states came, and by how much the weights grew.

    reached: share of the way from the unchanged states to the targets, over all facts; 1 where they were there already
    """
    lm, top = job.lm, job.layers[-1]
    ends = []
    for changes in (job.changes, (*job.changes, *parts)):
        with lm.run(snapshot=Snapshot(changes, lm.architecture)):
            ends.append(subject_keys(lm, [fact[:1] for fact in texts], top, top).ends)
    before, after = (np.linalg.norm(wanted.states - end) for end in ends)
    holds = before <= _ROUNDING * torch.finfo(lm.dtype).eps * np.linalg.norm(wanted.states)
    return {
        "loss": float(wanted.loss.mean()),
        "probability": float(wanted.probability.mean()),
        "reached": 1.0 if holds else float(1 - after / before),
        "growth": max(relative_norm(part, lm.architecture) for part in parts),
    }


def made(job: Job, prefixes: Sequence[int], value: ValueSettings, solve: Solve) -> Made:
    """Targets, then the layers one after the other, then what was measured."""
    texts = texts_of(job, prefixes)
    with job.lm.run(snapshot=Snapshot(job.changes, job.lm.architecture)):
        wanted = targets(job, texts, job.layers[-1], value)
    parts = spread(job, texts, wanted, solve)
    return Made(parts, measured(job, texts, wanted, parts))
