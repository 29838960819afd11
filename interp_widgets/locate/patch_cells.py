"""The cells of a patching grid: what each replaces, and what a gradient predicts for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.models.architectures import Site
from interp_widgets.models.resume import Cell, Pass, Patch

SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out")
ROWS = {"heads": "head", "neurons": "neuron"}  # sites with rows of their own, and what a row is
_KINDS = {"heads": "head_out", "neurons": "mlp_key"}
Spot = tuple[int, ...]  # of (site, row, layer), as indices


@dataclass(frozen=True, eq=False)
class Grid:
    """sites, rows, layers: what is patched; at: where heads and neurons are; source: for each position the one of the
    other run, -1 for none; first: the first position where the runs differ"""

    sites: tuple[str, ...]
    rows: Sequence[int]
    layers: Sequence[int]
    at: Sequence[int]
    source: NDArray[np.int64]
    first: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.sites), len(self.rows), len(self.layers)

    @property
    def by_part(self) -> bool:
        """Rows are heads or neurons."""
        return self.sites[0] in ROWS

    def capture(self) -> list[Site]:
        return [Site(_KINDS.get(site, site), layer) for site in self.sites for layer in self.layers]

    def positions(self, row: int) -> list[int]:
        """Where a row is patched: positions that have a counterpart, from the first difference on."""
        wanted = self.at if self.by_part else [self.rows[row]]
        return [p for p in wanted if p >= self.first and self.source[p] >= 0]

    def spots(self) -> list[Spot]:
        """Cells that have to be computed."""
        found = [row for row in range(len(self.rows)) if self.positions(row)]
        return [(s, r, j) for s in range(len(self.sites)) for r in found for j in range(len(self.layers))]

    def same(self) -> tuple[NDArray[np.bool_], ...]:
        """Cells before the first difference, where a patch changes nothing."""
        rows = np.zeros(self.shape, bool)
        for row in range(len(self.rows)):
            wanted = self.at if self.by_part else [self.rows[row]]
            rows[:, row] = all(p < self.first for p in wanted)
        return (rows,)

    def known(self) -> NDArray[np.bool_]:
        """Cells that a gradient predicts."""
        rows = np.zeros(self.shape, bool)
        for row in range(len(self.rows)):
            rows[:, row] = bool(self.positions(row)) or self.same()[0][0, row, 0]
        return rows

    def entries(self) -> list[tuple[int, int]]:
        """First position and first layer of each cell, for its cost."""
        return [
            (min(self.positions(row)), self.layers[layer] + (self.sites[site] == "resid_post"))
            for site, row, layer in self.spots()
        ]

    def columns(self, row: int, width: int, heads: int) -> slice:
        """Which entries of the activation a row replaces."""
        if not self.by_part:
            return slice(None)
        size = width // heads if self.sites[0] == "heads" else 1
        return slice(self.rows[row] * size, (self.rows[row] + 1) * size)

    def predict(
        self, slopes: Mapping[Site, Sequence[Tensor]], base: Sequence[Pass], other: Sequence[Pass]
    ) -> NDArray[np.float64]:
        """(sites, rows, layers): gradient times difference, summed over what each cell replaces; nan where there is
        no counterpart."""
        found = np.full(self.shape, np.nan)
        found[self.same()] = 0.0
        heads = base[0].lm.architecture.n_heads
        for s, site in enumerate(self.sites):
            for j, layer in enumerate(self.layers):
                place = Site(_KINDS.get(site, site), layer)
                for row in range(len(self.rows)):
                    at = self.positions(row)
                    if not at:
                        continue
                    total = 0.0
                    for tail, slope in enumerate(slopes[place]):
                        columns = self.columns(row, slope.shape[-1], heads)
                        new = other[tail].captured[place][0, self.source[at], columns]
                        old = base[tail].captured[place][0, at, columns]
                        total += float(((new - old) * slope[0, at, columns]).double().sum())
                    found[s, row, j] = total
        return found


def plan(grid: Grid, other: Pass, spots: Sequence[Spot]) -> list[Cell]:
    """For each spot the patch that puts the other run's activation in place."""
    heads = other.lm.architecture.n_heads
    cells: list[Cell] = []
    for s, row, j in spots:
        site, layer, at = grid.sites[s], grid.layers[j], grid.positions(row)
        kind = _KINDS.get(site, site)
        activation = other.captured[Site(kind, layer)]
        columns = grid.columns(row, activation.shape[-1], heads)
        cells.append([Patch(kind, layer, at, activation[:, grid.source[at], columns], columns)])
    return cells
