"""MEND: a change of weights read off the gradient of one answer by a network that was trained to do so (Mitchell et al.
2022, "Fast model editing at scale").

1. The gradient of -log p(answer | prompt) by the MLP matrices of the last layers, at the weights as they are, in its
   factors u and delta, token by token (`mend_gradients`).
2. The network makes u~ and delta~ of them, for each matrix the change -alpha sum delta~ u~^T (`mend_network`).
3. Several facts are edited at once: their changes, each found without the others, add up. The paper finds that this
   holds for some facts and falls off with many.

An edit takes one pass, and one gradient of the last layers, where ROME takes up to 25 of nearly all; training takes
minutes (`train_mend`), once for each model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interp_widgets.editing.mend.artefact import MendArtefact, find_artefact
from interp_widgets.editing.mend.gradients import (
    Text,
    answer_losses,
    asked,
    go_on,
    gradients,
    last_layers,
    log_probabilities,
    states_before,
)
from interp_widgets.editing.mend.training import train_mend as train_mend
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_size import relative_changes
from interp_widgets.models.architectures import Architecture

if TYPE_CHECKING:
    from interp_widgets.interventions.weight_change import WeightChange

_TOGETHER = 8  # facts of a pass


@dataclass(frozen=True)
class MendSettings:
    """artefact: file of the trained network; by default the one in the user's cache
    scale: times the change that the network gives; below 1 less of the answer, and less of what else changes"""

    artefact: str | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.scale < float("inf"):
            raise ArgumentError(f"scale={self.scale!r}: a number above 0; 1 is what the network was trained for")


def _run(job: Job) -> Made:
    lm, own = job.lm, job.settings
    artefact = find_artefact(lm, own.artefact)
    if job.layers != artefact.layers:
        raise ArgumentError(
            f"layer={list(job.layers)}: this network was trained for layers {list(artefact.layers)}; give those"
        )
    texts = [asked(lm, fact.prompt, fact.target) for fact in job.facts]
    parts = _parts(job, artefact, texts)
    losses = _losses(job, texts, parts)
    sizes = relative_changes(parts, lm.architecture)
    return Made(
        tuple(parts),
        {
            "loss": float(losses.mean()),
            "probability": float(np.exp(-losses).mean()),
            "growth": max(size for _, _, size in sizes),
        },
    )


def _parts(job: Job, artefact: MendArtefact, texts: list[Text]) -> list[WeightChange]:
    """One change for each matrix; a row of its factors for each token of each fact."""
    lm, network = job.lm, artefact.network.to(job.lm.device)
    lefts: dict[str, list[Tensor]] = {path: [] for path in network.shapes}
    rights: dict[str, list[Tensor]] = {path: [] for path in network.shapes}
    for start in range(0, len(texts), _TOGETHER):
        some = texts[start : start + _TOGETHER]
        states = states_before(lm, some, artefact.layers[0])
        found, _ = gradients(lm, some, states, artefact.layers[0], list(network.shapes), job.changes)
        with torch.no_grad():
            factors = network(found)
        for path, (left, right) in factors.items():
            kept = found[path].kept
            lefts[path].append(left.mT[kept] * job.settings.scale)
            rights[path].append(right[kept])
        job.advance(min(start + _TOGETHER, len(texts)), len(texts), "facts")
    changes = [_change(lm.architecture, path, torch.cat(lefts[path]).T, torch.cat(rights[path])) for path in lefts]
    return [change for change in changes if change is not None]


def _change(architecture: Architecture, path: str, left: Tensor, right: Tensor) -> WeightChange | None:
    """As a low-rank change, or as a full matrix where that is smaller; none where there is no gradient."""
    if not len(right):
        return None
    if not (torch.isfinite(left).all() and torch.isfinite(right).all()):
        raise NonFiniteError(f"the change of {path} is not finite; the network may be of an unfinished training")
    module = architecture.named_module(path)
    layer = next((n for n in range(architecture.n_layers) if architecture.down_projection(n) is module), None)
    name = path if layer is None else None
    if len(right) > min(left.shape[0], right.shape[1]):
        return DenseDelta(left @ right, layer=layer, module=name)
    return LowRank(left, right, layer=layer, module=name)


def _losses(job: Job, texts: list[Text], parts: list[WeightChange]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(facts,) negative log-probability of each answer, a token, with the changes."""
    lm, first, acting = job.lm, job.layers[0], (*job.changes, *parts)
    found = []
    for start in range(0, len(texts), _TOGETHER):
        some = texts[start : start + _TOGETHER]
        states = states_before(lm, some, first)
        with torch.no_grad():
            last = go_on(lm, states, first, acting)
            found.append(answer_losses(log_probabilities(lm, last, some, acting), some))
    return np.asarray(torch.cat(found).double().cpu().numpy())


EDITOR = Editor(
    name="mend",
    label="MEND",
    source="Mitchell et al. 2022, sections 3.1 to 3.3",
    settings=MendSettings,
    several=True,
    where=last_layers,
    run=_run,
)
