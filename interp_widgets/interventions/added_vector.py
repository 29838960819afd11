"""Add a vector to the residual stream: the elementary act of steering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention, as_number, as_tensor
from interp_widgets.interventions.positions import check_positions, chosen
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame

_SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out")


class AddedVector(Intervention):
    """h + strength * vector at one layer.

    Parameters
    ----------
    vector: (width,), in the units of the residual stream; it is added as given, not normalised
    layer: from 0; negative ones count from the end
    strength: multiplies the vector
    positions: see `interventions.positions`
    site: "resid_post" (after the layer, the default), "resid_pre", "attn_out" or "mlp_out"

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a layer that the model does not have.
    """

    kind = "added vector"

    def __init__(
        self,
        vector: Any,
        *,
        layer: int,
        strength: float = 1.0,
        positions: str | Sequence[int] = "all",
        site: str = "resid_post",
    ) -> None:
        super().__init__()
        self.vector = as_tensor("vector", vector, (None,))
        if site not in _SITES:
            raise ArgumentError(f"site={site!r}: one of {', '.join(_SITES)}")
        self.layer, self.strength, self.site = layer, as_number("strength", strength), site
        self.positions = check_positions(positions)

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        return [(Site(self.site, architecture.check_layer(self.layer)), self._add)]

    def _add(self, activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
        added = self.strength * self.cast("vector", self.vector, activation)
        mask = chosen(self.positions, frame, activation)
        return activation + (added if mask is None else added * mask)

    def check(self, architecture: Architecture) -> None:
        architecture.check_layer(self.layer)
        if self.vector.shape[0] != architecture.width:
            raise ArgumentError(
                f"vector has {self.vector.shape[0]} numbers; the residual stream of this model has {architecture.width}"
            )

    def describe(self) -> str:
        return f"add vector at layer {self.layer}"

    def document(self) -> dict[str, Any]:
        positions = self.positions if isinstance(self.positions, str) else list(self.positions)
        return {"layer": self.layer, "strength": self.strength, "positions": positions, "site": self.site}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"vector": self.vector.numpy()}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> AddedVector:
        return cls(arrays["vector"], **document)
