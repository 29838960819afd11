"""AlphaEdit: as MEMIT, but only along directions that ordinary keys hardly reach, with earlier edits kept (Fang et al.
2025)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from interp_widgets.editing.edit import Edit
from interp_widgets.editing.editors import many
from interp_widgets.editing.editors.updates import NullSpace, Update, alphaedit_update
from interp_widgets.editing.keys_values.statistics import KeyStatistics
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.editing.keys_values.where import traced_range
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.errors import ArgumentError


@dataclass(frozen=True)
class AlphaEditSettings:
    """threshold: eigenvalues of C below it are directions free for edits; it is absolute, as in the paper, so look at
        `measured["free directions"]`
    penalty: on the size of the change, in the units of a squared key
    prefixes, value: as in `MemitSettings`"""

    threshold: float = 2e-2
    penalty: float = 10.0
    prefixes: Sequence[int] = (10,)
    value: ValueSettings = field(default_factory=lambda: ValueSettings(clamp=0.75))

    def __post_init__(self) -> None:
        for name in ("threshold", "penalty"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name}={getattr(self, name)!r}: a number above 0")


def earlier_keys(job: Job, layer: int) -> many.Floats:
    """(keys, n) of the edits by this method that are active already."""
    found = [one.keys[layer] for one in job.changes if isinstance(one, Edit) and layer in one.keys]
    return np.concatenate([np.zeros((job.lm.architecture.mlp_width, 0)), *found], axis=1)


def _run(job: Job) -> Made:
    own: AlphaEditSettings = job.settings
    keys_of: dict[int, many.Floats] = {}
    free: dict[int, int] = {}

    def solve(missing: many.Floats, keys: many.Floats, statistics: KeyStatistics, layer: int) -> Update:
        space = NullSpace.of(statistics, own.threshold)
        keys_of[layer], free[layer] = keys, space.basis.shape[1]
        return alphaedit_update(missing, keys, space, earlier=earlier_keys(job, layer), penalty=own.penalty)

    made = many.made(job, own.prefixes, own.value, solve)
    return Made(made.parts, {**made.measured, "free directions": float(min(free.values()))}, keys_of)


EDITOR = Editor(
    name="alphaedit",
    label="AlphaEdit",
    source="Fang et al. 2025, equation 14",
    settings=AlphaEditSettings,
    several=True,
    where=traced_range,
    run=_run,
)
