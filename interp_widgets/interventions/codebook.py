"""A codebook beside one layer: where the layer's MLP is asked something it has an entry for, the entry answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention, as_tensor
from interp_widgets.interventions.positions import check_positions, chosen
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame


class Codebook(Intervention):
    """Replace the value of a layer's MLP where its key is within an entry's radius; elsewhere nothing changes, to the
    last bit (the adaptor of GRACE, Hartvigsen et al. 2023, section 2.1).

    Parameters
    ----------
    keys: (entries, keys), inputs of the down-projection; values: (entries, width), outputs in their place
    radii: (entries,), Euclidean, in the units of the keys
    layer: whose MLP
    positions: which tokens ask, see `interventions.positions`. By default all: each token's key is computed from the
        text up to it alone, so an answer is the same with and without a key-value cache

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a layer that the model does not have.
    """

    kind = "codebook"

    def __init__(
        self, keys: Any, values: Any, radii: Any, *, layer: int, positions: str | Sequence[int] = "all"
    ) -> None:
        super().__init__()
        self.keys = as_tensor("keys", keys, (None, None))
        self.values = as_tensor("values", values, (self.keys.shape[0], None))
        self.radii = as_tensor("radii", radii, (self.keys.shape[0],))
        if (self.radii < 0).any():
            raise ArgumentError(f"radii: the smallest is {float(self.radii.min())}; distances are 0 or more")
        self.layer, self.positions = layer, check_positions(positions)

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        return [(Site("mlp_value", architecture.check_layer(self.layer)), self._answer)]

    def _answer(self, activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
        """Distances are measured in float32 at least: half precision would blur the edge of a ball."""
        asked = (inputs if inputs.dtype.itemsize >= 4 else inputs.float()).detach()
        distances = _distances(asked, self.cast("keys", self.keys, asked))
        nearest = distances.min(-1)
        hit = nearest.values <= self.cast("radii", self.radii, asked)[nearest.indices]
        mask = chosen(self.positions, frame, activation)
        if mask is not None:
            hit = hit & mask[..., 0]
        if not hit.any():
            return activation
        return activation.where(~hit[..., None], self.cast("values", self.values, activation)[nearest.indices])

    def check(self, architecture: Architecture) -> None:
        width, keys = architecture.weight_shape(architecture.check_layer(self.layer))
        if (self.keys.shape[1], self.values.shape[1]) != (keys, width):
            raise ArgumentError(
                f"keys {tuple(self.keys.shape)} and values {tuple(self.values.shape)}; layer {self.layer} of this model"
                f" has keys of {keys} and values of {width} numbers"
            )

    def describe(self) -> str:
        return f"codebook of {self.keys.shape[0]} at layer {self.layer}"

    def document(self) -> dict[str, Any]:
        positions = self.positions if isinstance(self.positions, str) else list(self.positions)
        return {"layer": self.layer, "positions": positions}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(getattr(self, name)) for name in ("keys", "values", "radii")}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Codebook:
        return cls(arrays["keys"], arrays["values"], arrays["radii"], **document)


def _distances(asked: Tensor, keys: Tensor) -> Tensor:
    """(..., entries): by differences, not by the expanded square, which loses the small distances that decide."""
    flat = asked.reshape(-1, asked.shape[-1])
    return torch.cdist(flat, keys, compute_mode="donot_use_mm_for_euclid_dist").reshape(*asked.shape[:-1], len(keys))
