"""Change a weight matrix by a low-rank term, without touching the weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.interventions.base import as_tensor
from interp_widgets.interventions.weight_change import WeightChange


class LowRank(WeightChange):
    """W + left @ right for one matrix, as an overlay: y + (x @ right.T) @ left.T.

    Parameters
    ----------
    left: (outputs, rank) and right: (rank, inputs), whichever way the module stores its matrix (Linear or Conv1D)
    layer, module, tied: which matrix, see WeightChange; of a tied one left is (vocabulary, rank), right (rank, width)
    """

    kind = "low-rank weight change"

    def __init__(
        self, left: Any, right: Any, *, layer: int | None = None, module: str | None = None, tied: str | None = None
    ) -> None:
        super().__init__(layer=layer, module=module, tied=tied)
        self.left = as_tensor("left", left, (None, None))
        self.right = as_tensor("right", right, (self.left.shape[1], None))

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.left.shape[0]), int(self.right.shape[1])

    @property
    def called(self) -> str:
        return "left @ right"

    def product(self, inputs: Tensor) -> Tensor:
        left, right = self.cast("left", self.left, inputs), self.cast("right", self.right, inputs)
        return (inputs @ right.T) @ left.T

    def matrix(self) -> Tensor:
        return self.left.double() @ self.right.double()

    def norm(self) -> float:
        left, right = self.left.double(), self.right.double()
        squares = ((left.T @ left) * (right @ right.T)).sum()  # |L R|^2 = tr(L^T L R R^T), without the product
        return float(squares.clamp(min=0).sqrt())

    def rows(self, ids: Tensor, like: Tensor) -> Tensor:
        left, right = self.cast("left", self.left, like), self.cast("right", self.right, like)
        return left[ids] @ right

    @classmethod
    def joined(cls, parts: Sequence[LowRank]) -> tuple[LowRank, ...]:
        """The same changes with those of each matrix in one: ranks add up, and one product does the work of many."""
        found: dict[tuple[int | None, str | None, str | None], list[LowRank]] = {}
        for part in parts:
            found.setdefault((part.layer, part.module, part.tied), []).append(part)
        return tuple(
            same[0]
            if len(same) == 1
            else cls(
                torch.cat([one.left for one in same], 1), torch.cat([one.right for one in same]),
                layer=layer, module=module, tied=tied,
            )
            for (layer, module, tied), same in found.items()
        )  # fmt: skip

    def describe(self) -> str:
        return f"change {self.where} by rank {self.left.shape[1]}"

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"left": self.left.numpy(), "right": self.right.numpy()}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> LowRank:
        return cls(arrays["left"], arrays["right"], **document)
