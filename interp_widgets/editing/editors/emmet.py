"""EMMET: several facts in one layer, which then hold exactly; of one fact it is ROME (Gupta et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from interp_widgets.editing.editors.rome import check_share
from interp_widgets.editing.editors.updates import emmet_update, violation
from interp_widgets.editing.keys_values.contexts import context_prefixes, rows_of
from interp_widgets.editing.keys_values.statistics import RIDGE
from interp_widgets.editing.keys_values.value import Values, ValueSettings, optimise
from interp_widgets.editing.keys_values.where import traced_layer
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_size import relative_norm
from interp_widgets.models.memory import in_batches

_CPU_FACTS, _GPU_FACTS = 8, 64  # of an optimisation's batch


@dataclass(frozen=True)
class EmmetSettings:
    """gamma: of several facts, what is added to the small matrix's diagonal, in units of its mean: keys that are nearly
    alike make it singular; the others as in `RomeSettings`"""

    gamma: float = 0.1
    prefixes: Sequence[int] = (5, 10)
    plain_share: float | None = 0.5
    ridge: float = RIDGE
    value: ValueSettings = field(default_factory=ValueSettings)

    def __post_init__(self) -> None:
        if self.gamma < 0:
            raise ArgumentError(f"gamma={self.gamma!r}: 0 or more; the paper takes 0.1")
        check_share(self.plain_share)
        if not self.ridge > 0:
            raise ArgumentError(f"ridge={self.ridge!r}: a number above 0, such as {RIDGE}")


def _run(job: Job) -> Made:
    lm, (layer,) = job.lm, job.layers
    own: EmmetSettings = job.settings
    prefixes = context_prefixes(lm, lengths=own.prefixes)
    texts = [rows_of(lm, number, fact, prefixes) for number, fact in enumerate(job.facts)]
    found: list[Values] = []

    def work(start: int, end: int) -> None:
        found.append(optimise(lm, texts[start:end], layer, own.value, advance=job.steps_of(start, end)))
        job.advance(end, len(texts), "values")

    in_batches(len(texts), _CPU_FACTS if lm.device.type == "cpu" else _GPU_FACTS, work)
    deltas = np.concatenate([one.delta.double().cpu().numpy() for one in found])
    keys = np.concatenate([one.mean_keys(own.plain_share) for one in found])
    update = emmet_update(deltas.T, keys.T, job.statistics(layer), gamma=own.gamma, ridge=own.ridge)
    part = LowRank(update.left, update.right, layer=layer)
    return Made(
        (part,),
        {
            "loss": float(np.mean(np.concatenate([one.loss for one in found]))),
            "probability": float(np.mean(np.concatenate([one.probability for one in found]))),
            "growth": relative_norm(part, lm.architecture),
            "constraint": violation(update.left @ (update.right @ keys.T), deltas.T),
        },
    )


EDITOR = Editor(
    name="emmet",
    label="EMMET",
    source="Gupta, Sajnani and Anumanchipalli 2024, equation 5",
    settings=EmmetSettings,
    several=False,
    where=traced_layer,
    run=_run,
)
