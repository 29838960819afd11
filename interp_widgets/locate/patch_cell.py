"""One cell of a patching result."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from interp_widgets.errors import OutOfRangeError, not_one_of
from interp_widgets.locate.patch_result import PatchResult


@dataclass(frozen=True)
class PatchCell:
    """Where, and what patching there does.

    row: a position, head or neuron; name: it in words; value: the metric in the patched run, None where it was not
    measured; effect: as in `PatchResult.effects_of`; first_order: the predicted effect, None where there is none
    """

    site: str
    row: int
    name: str
    layer: int
    value: float | None
    effect: float | None
    first_order: float | None


def patch_cell(result: PatchResult, site: str, row: int, layer: int) -> PatchCell:
    """The cell of a site by the number of its row (position, head or neuron) and layer; negative positions and layers
    count from the end. Raises ArgumentError for a site that was not patched, OutOfRangeError."""
    if site not in result.sites:
        raise not_one_of("site", site, result.sites)
    if result.row_kind == "position" and row < 0:
        row += len(result.tokens)
    if layer < 0:
        layer += int(result.layers[-1]) + 1
    at = np.flatnonzero(result.rows == row), np.flatnonzero(result.layers == layer)
    if not len(at[0]) or not len(at[1]):
        raise OutOfRangeError(
            f"{result.row_kind}={row}, layer={layer}: patched were {result.row_kind}s {_ends(result.rows)} at layers"
            f" {_ends(result.layers)}"
        )
    i, j = int(at[0][0]), int(at[1][0])
    first = result.effects_of(site, first_order=True)[i, j] if result.points else math.nan
    return PatchCell(
        site=site,
        row=row,
        name=result.row_names[i],
        layer=layer,
        value=_known(result.values[result.sites.index(site), i, j]),
        effect=_known(result.effects_of(site)[i, j]),
        first_order=_known(first),
    )


def _known(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def _ends(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    values = numbers.tolist()
    whole = values == list(range(values[0], values[-1] + 1))
    return f"{values[0]} to {values[-1]}" if whole else ", ".join(map(str, values[:20]))
