"""Cosines between control vectors, and between the layers of one, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interp_widgets.errors import ArgumentError
from interp_widgets.steering.directions import unit_rows
from interp_widgets.steering.vector import ControlVector

if TYPE_CHECKING:
    import pandas as pd


def cosines(vectors: Sequence[ControlVector], layer: int | str | None = None) -> pd.DataFrame:
    """Each vector against each, at one layer (the first one's best by default), or with "each" at every layer that all
    have, indexed by (layer, vector). Names that repeat carry their method.

    Raises ArgumentError, OutOfRangeError, FingerprintMismatchError.
    """
    import pandas as pd

    if not vectors:
        raise ArgumentError("vectors is empty; give at least one")
    names = [v.name for v in vectors]
    labels = [f"{v.name}, {v.method}" if names.count(v.name) > 1 else v.name for v in vectors]
    if layer == "each":
        shared = [one for one in vectors[0].layers if all(one in v.layers for v in vectors)]
    elif isinstance(layer, str):
        raise ArgumentError(f"layer={layer!r}: a layer, or 'each'")
    else:
        shared = [vectors[0].best_layer if layer is None else layer]
    tables = []
    for v in vectors:
        v.check_layers(shared)
    for one in shared:
        cells = [[a.cosine(b)[one] for b in vectors] for a in vectors]
        tables.append(pd.DataFrame(cells, index=labels, columns=labels))
    return tables[0] if layer != "each" else pd.concat(tables, keys=shared, names=["layer", "vector"])


def layer_cosines(vector: ControlVector, other: ControlVector | None = None) -> pd.DataFrame:
    """Each layer of a vector (rows) against each layer of it, or of another one (columns): how far a direction is the
    same one throughout the model."""
    import pandas as pd

    against = vector if other is None else other
    vector.cosine(against)  # of one model?
    table = unit_rows(vector.matrix) @ unit_rows(against.matrix).T
    return pd.DataFrame(table, index=list(vector.layers), columns=list(against.layers))
