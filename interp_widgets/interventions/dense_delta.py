"""Change a weight matrix by a full matrix, without touching the weight: fine-tuning, and edits of very many facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.interventions.base import as_tensor
from interp_widgets.interventions.weight_change import WeightChange


class DenseDelta(WeightChange):
    """W + delta for one matrix, as an overlay: y + x @ delta.T.

    Parameters
    ----------
    delta: (outputs, inputs), whichever way the module stores its matrix (Linear or Conv1D)
    layer, module, tied: which matrix, see WeightChange
    """

    kind = "dense weight change"

    def __init__(
        self, delta: Any, *, layer: int | None = None, module: str | None = None, tied: str | None = None
    ) -> None:
        super().__init__(layer=layer, module=module, tied=tied)
        self.delta = as_tensor("delta", delta, (None, None))

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.delta.shape[0]), int(self.delta.shape[1])

    def product(self, inputs: Tensor) -> Tensor:
        return inputs @ self.cast("delta", self.delta, inputs).T

    def matrix(self) -> Tensor:
        return self.delta.double()

    def rows(self, ids: Tensor, like: Tensor) -> Tensor:
        return self.cast("delta", self.delta, like)[ids]

    def describe(self) -> str:
        return f"change {self.where} by a full matrix"

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"delta": self.delta.numpy()}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> DenseDelta:
        return cls(arrays["delta"], **document)
