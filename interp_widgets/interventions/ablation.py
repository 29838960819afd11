"""Switch a part off: a head, a neuron, or the whole output of an attention or MLP layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention, as_number
from interp_widgets.interventions.positions import check_positions, chosen
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame

_WHOLE = ("attn_out", "mlp_out")


class Ablation(Intervention):
    """Set one part of a layer to a constant, zero by default.

    Name exactly one part:

    head: one attention head; its slice of the output projection's input becomes `value`
    neuron: one MLP neuron; its entry of the MLP key becomes `value`
    site: "attn_out" or "mlp_out"; everything that the layer adds becomes `value`

    Grouped-query models have as many heads here as there are query heads.

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a part that the model does not have.
    """

    kind = "ablation"

    def __init__(
        self,
        *,
        layer: int,
        head: int | None = None,
        neuron: int | None = None,
        site: str | None = None,
        value: float = 0.0,
        positions: str | Sequence[int] = "all",
    ) -> None:
        super().__init__()
        if sum(part is not None for part in (head, neuron, site)) != 1:
            raise ArgumentError(f"head={head}, neuron={neuron}, site={site!r}: give exactly one of them")
        if site is not None and site not in _WHOLE:
            raise ArgumentError(f"site={site!r}: one of {', '.join(_WHOLE)}")
        self.layer, self.head, self.neuron, self.site = layer, head, neuron, site
        self.value = as_number("value", value)
        self.positions = check_positions(positions)

    @property
    def replaces(self) -> bool:
        return True

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        part = self.part(architecture)

        def set_part(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            where = torch.zeros(activation.shape[-1], dtype=torch.bool, device=activation.device)
            where[part] = True
            mask = chosen(self.positions, frame, activation)
            return activation.masked_fill(where if mask is None else where & mask, self.value)

        return [(Site(self.at, architecture.check_layer(self.layer)), set_part)]

    @property
    def at(self) -> str:
        """The kind of site where it acts."""
        return self.site or ("head_out" if self.head is not None else "mlp_key")

    def part(self, architecture: Architecture) -> slice:
        """Which entries of the site's last dimension it sets. Raises OutOfRangeError."""
        if self.head is not None:
            size = architecture.head_dim
            head = architecture.check_head(self.head)
            return slice(head * size, (head + 1) * size)
        if self.neuron is not None:
            neuron = architecture.check_neuron(self.neuron)
            return slice(neuron, neuron + 1)
        return slice(None)

    def check(self, architecture: Architecture) -> None:
        self.acts(architecture)  # looks at layer, head and neuron

    def describe(self) -> str:
        if self.head is not None:
            return f"ablate head {self.head} of layer {self.layer}"
        if self.neuron is not None:
            return f"ablate neuron {self.neuron} of layer {self.layer}"
        return f"ablate {self.site} of layer {self.layer}"

    def document(self) -> dict[str, Any]:
        positions = self.positions if isinstance(self.positions, str) else list(self.positions)
        return {
            "layer": self.layer,
            "head": self.head,
            "neuron": self.neuron,
            "site": self.site,
            "value": self.value,
            "positions": positions,
        }

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Ablation:
        return cls(**document)
