"""Add a direction to the residual stream at one or more layers: steering as it is used.

At each layer h becomes h + amount * direction, where the token is meant (positions) and the condition holds.  With
`keep_norm` the sum is scaled back to the length of h.  Everything is decided from the current state alone, so the
result is the same with and without a key-value cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention, as_number, as_tensor
from interp_widgets.interventions.positions import check_positions, chosen
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame


@dataclass(frozen=True, eq=False)
class Condition:
    """Act only at tokens whose state lies on one side of a threshold along a direction, layer by layer.

    The score of a state is (h . direction - middle) / half_gap: +1 is the mean of the direction's positive fitting
    prompts, -1 that of the negative ones, on every layer.

    directions: (layers, width); middle, half_gap: (layers,); threshold: in that score; above: act where the score is
    higher (else lower). After "conditional activation steering" (Lee et al. 2024), decided for each token.
    """

    directions: Any
    middle: Any
    half_gap: Any
    threshold: float = 0.0
    above: bool = True


class Steering(Intervention):
    """h + amount * direction at several layers.

    Parameters
    ----------
    directions: (layers, width), in the units of the residual stream
    layers: which layers, from 0, one for each row of `directions`
    amounts: (layers,), or (rows, layers) with a strength of its own for each row of a batch
    positions: see `interventions.positions`
    keep_norm: scale the sum back to the state's own length
    condition: act only at some tokens; its arrays have a row for each of `layers`
    source: what it was made from, for its name; fingerprint: of the model whose states the directions describe

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a layer that the model does not have and
    FingerprintMismatchError for another model's vector.
    """

    kind = "control vector"

    def __init__(
        self,
        directions: Any,
        *,
        layers: Sequence[int],
        amounts: Any,
        positions: str | Sequence[int] = "all",
        keep_norm: bool = False,
        condition: Condition | None = None,
        source: str = "control vector",
        fingerprint: str | None = None,
    ) -> None:
        super().__init__()
        self.layers = tuple(int(layer) for layer in layers)
        if not self.layers or len(set(self.layers)) != len(self.layers):
            raise ArgumentError(f"layers={layers!r}: at least one layer, each once")
        self.directions = as_tensor("directions", directions, (len(self.layers), None))
        shape = (None, len(self.layers)) if np.ndim(amounts) == 2 else (len(self.layers),)
        self.amounts = as_tensor("amounts", amounts, shape)
        self.positions, self.keep_norm, self.source = check_positions(positions), bool(keep_norm), source
        self.fingerprint = fingerprint
        self.condition = condition
        if condition is not None:
            count, width = self.directions.shape
            self._along = as_tensor("condition.directions", condition.directions, (count, width))
            self._middle = as_tensor("condition.middle", condition.middle, (count,))
            self._half_gap = as_tensor("condition.half_gap", condition.half_gap, (count,))
            if not bool(self._half_gap.all()):
                raise ArgumentError("condition.half_gap holds 0; scores are in multiples of it")
            as_number("condition.threshold", condition.threshold)

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        numbers = [architecture.check_layer(layer) for layer in self.layers]
        places = [(i, layer) for i, layer in enumerate(numbers) if bool((self.amounts[..., i] != 0).any())]
        return [(Site("resid_post", layer), self._action(i)) for i, layer in places]

    def _action(self, i: int) -> Action:
        rows = self.amounts.dim() == 2
        # (width,), or (rows, 1, width)
        added = self.amounts[:, i, None, None] * self.directions[i] if rows else self.amounts[i] * self.directions[i]

        def add(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            if rows and activation.shape[0] != added.shape[0]:
                raise ArgumentError(
                    f"strength has {added.shape[0]} rows, the batch has {activation.shape[0]}; give one for each"
                )
            changed = activation + self.cast(f"added.{i}", added, activation)
            if self.keep_norm:
                changed = changed * (activation.norm(dim=-1, keepdim=True) / changed.norm(dim=-1, keepdim=True))
            mask = self._mask(i, activation, frame)
            return changed if mask is None else torch.where(mask, changed, activation)

        return add

    def _mask(self, i: int, activation: Tensor, frame: Frame | None) -> Tensor | None:
        mask = chosen(self.positions, frame, activation)
        if self.condition is None:
            return mask
        along = activation @ self.cast(f"along.{i}", self._along[i], activation)
        score = (along.float() - float(self._middle[i])) / float(self._half_gap[i])
        meant = score > self.condition.threshold if self.condition.above else score < self.condition.threshold
        return meant[..., None] if mask is None else mask & meant[..., None]

    def check(self, architecture: Architecture) -> None:
        for layer in self.layers:
            architecture.check_layer(layer)
        if self.directions.shape[1] != architecture.width:
            raise ArgumentError(
                f"directions have width {self.directions.shape[1]}; the residual stream of this model has"
                f" {architecture.width}"
            )

    def describe(self) -> str:
        where = f"layer {self.layers[0]}" if len(self.layers) == 1 else f"{len(self.layers)} layers"
        return f"steer by {self.source} at {where}"

    def document(self) -> dict[str, Any]:
        positions = self.positions if isinstance(self.positions, str) else list(self.positions)
        document: dict[str, Any] = {
            "layers": list(self.layers),
            "positions": positions,
            "keep_norm": self.keep_norm,
            "source": self.source,
            "fingerprint": self.fingerprint,
        }
        if self.condition is not None:
            document["condition"] = {"threshold": float(self.condition.threshold), "above": self.condition.above}
        return document

    def arrays(self) -> dict[str, NDArray[Any]]:
        arrays = {"directions": self.directions.numpy(), "amounts": self.amounts.numpy()}
        if self.condition is not None:
            arrays |= {
                "along": self._along.numpy(), "middle": self._middle.numpy(), "half_gap": self._half_gap.numpy(),
            }  # fmt: skip
        return arrays

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Steering:
        settings = dict(document)
        saved = settings.pop("condition", None)
        condition = None
        if saved is not None:
            condition = Condition(arrays["along"], arrays["middle"], arrays["half_gap"], **saved)
        return cls(arrays["directions"], amounts=arrays["amounts"], condition=condition, **settings)
