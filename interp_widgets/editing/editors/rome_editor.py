"""ROME as an editor: fact after fact, each change found on top of those before it."""

from __future__ import annotations

import numpy as np

from interp_widgets.editing.editors.rome import RomeSettings, rank_one
from interp_widgets.editing.keys_values.where import traced_layer
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.models.hooks import Snapshot


def _run(job: Job) -> Made:
    lm, (layer,) = job.lm, job.layers
    statistics = job.statistics(layer)
    parts: tuple[LowRank, ...] = ()
    found = []
    for number, fact in enumerate(job.facts):
        with lm.run(snapshot=Snapshot((*job.changes, *parts), lm.architecture)):
            one = rank_one(lm, fact, layer, statistics, job.settings, advance=job.steps_of(number, number + 1))
        parts = LowRank.joined((*parts, one.change))
        found.append(one)
        job.advance(number + 1, len(job.facts), "facts")
    return Made(
        parts,
        {
            "loss": float(np.mean([one.loss for one in found])),
            "probability": float(np.mean([one.probability for one in found])),
            "growth": float(np.max([one.growth for one in found])),
            # Of two keys neither is divided by: keys that point apart cost it growth, which the alarm reads by itself.
            ("agreement" if job.settings.form in ("two", "start") else "alignment"): float(
                np.min([abs(one.alignment) for one in found])
            ),
            "constraint": float(np.max([one.constraint for one in found])),
        },
    )


EDITOR = Editor(
    name="rome",
    label="ROME",
    source="Meng et al. 2022, section 3.1; the corrected form of Gupta, Baskaran and Anumanchipalli 2024",
    settings=RomeSettings,
    several=False,
    where=traced_layer,
    run=_run,
)
