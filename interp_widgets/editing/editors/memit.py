"""MEMIT: thousands of facts at once, over several layers (Meng et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from interp_widgets.editing.editors import many
from interp_widgets.editing.editors.updates import Update, memit_update
from interp_widgets.editing.keys_values.statistics import RIDGE, KeyStatistics
from interp_widgets.editing.keys_values.value import ValueSettings
from interp_widgets.editing.keys_values.where import traced_range
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.errors import ArgumentError


@dataclass(frozen=True)
class MemitSettings:
    """weight: of C against the new facts; it counts as so many facts that must stay
    prefixes: lengths in tokens of the sampled texts before the prompt, five of each
    ridge: added to C, in units of the mean of its diagonal; value: of the optimisation"""

    weight: float = 15_000.0
    prefixes: Sequence[int] = (10,)
    ridge: float = RIDGE
    value: ValueSettings = field(default_factory=lambda: ValueSettings(clamp=0.75))

    def __post_init__(self) -> None:
        for name in ("weight", "ridge"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name}={getattr(self, name)!r}: a number above 0")


def _run(job: Job) -> Made:
    own: MemitSettings = job.settings

    def solve(missing: many.Floats, keys: many.Floats, statistics: KeyStatistics, layer: int) -> Update:
        return memit_update(missing, keys, statistics, weight=own.weight, ridge=own.ridge)

    return many.made(job, own.prefixes, own.value, solve)


EDITOR = Editor(
    name="memit",
    label="MEMIT",
    source="Meng et al. 2023, algorithm 1 and equation 14",
    settings=MemitSettings,
    several=True,
    where=traced_range,
    run=_run,
)
