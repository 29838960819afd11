"""Change a weight matrix by a low-rank term, without touching the weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention, as_tensor
from interp_widgets.models.architectures import Architecture, Site, matrix_shape
from interp_widgets.models.hooks import Action, Frame

TIED = ("embedding", "head", "both")


class LowRank(Intervention):
    """W + left @ right for one matrix, as an overlay: y + (x @ right.T) @ left.T.

    Parameters
    ----------
    left: (outputs, rank) and right: (rank, inputs), whichever way the module stores its matrix (Linear or Conv1D)
    layer: its MLP's value matrix (the down-projection); or
    module: any Linear or Conv1D by its path in the model, "model.layers.3.mlp.up_proj"; or
    tied: "embedding", "head" or "both": the token embedding, the output head, or both ends of a tied matrix.
        Given as for the head: left (vocabulary, rank), right (rank, width)

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a layer that the model does not have.
    """

    kind = "low-rank weight change"

    def __init__(
        self, left: Any, right: Any, *, layer: int | None = None, module: str | None = None, tied: str | None = None
    ) -> None:
        super().__init__()
        if sum(where is not None for where in (layer, module, tied)) != 1:
            raise ArgumentError(f"layer={layer}, module={module!r}, tied={tied!r}: give exactly one of them")
        if tied is not None and tied not in TIED:
            raise ArgumentError(f"tied={tied!r}: one of {', '.join(TIED)}")
        self.left = as_tensor("left", left, (None, None))
        self.right = as_tensor("right", right, (self.left.shape[1], None))
        self.layer, self.module, self.tied = layer, module, tied

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        if self.tied is not None:
            # The model may scale a token's row after the lookup (Gemma); its change is scaled alike.
            scale = architecture.embedding_scale
            ends = [(Site("embedding"), self._look_up(scale)), (Site("logits"), self._multiply)]
            return {"embedding": ends[:1], "head": ends[1:], "both": ends}[self.tied]
        if self.module is None:
            return [(Site("mlp_value", architecture.check_layer(self.layer)), self._multiply)]
        module = architecture.named_module(self.module)
        if isinstance(module, nn.Embedding):
            raise ArgumentError(f"module={self.module!r} is an embedding; say tied='embedding', 'head' or 'both'")
        return [(Site("module", path=self.module), self._multiply)]

    def _multiply(self, activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
        left, right = (self.cast(name, part, activation) for name, part in self._parts())
        return activation + (inputs @ right.T) @ left.T

    def _look_up(self, scale: float) -> Action:
        def add_rows(activation: Tensor, ids: Tensor, frame: Frame | None) -> Tensor:
            left, right = (self.cast(name, part, activation) for name, part in self._parts())
            return activation + scale * (left[ids] @ right)

        return add_rows

    def _parts(self) -> list[tuple[str, Tensor]]:
        return [("left", self.left), ("right", self.right)]

    def check(self, architecture: Architecture) -> None:
        self.acts(architecture)
        if self.tied is not None:
            expected = (architecture.vocabulary, architecture.width)
        elif self.module is not None:
            expected = matrix_shape(architecture.named_module(self.module))
        else:
            expected = architecture.weight_shape(architecture.check_layer(self.layer))
        given = (self.left.shape[0], self.right.shape[1])
        if given != expected:
            raise ArgumentError(f"left @ right has shape {given}; the matrix of {self._where()} has {expected}")

    def _where(self) -> str:
        return self.module or self.tied or f"layer {self.layer}"

    def describe(self) -> str:
        return f"change {self._where()} by rank {self.left.shape[1]}"

    def document(self) -> dict[str, Any]:
        return {"layer": self.layer, "module": self.module, "tied": self.tied}

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"left": self.left.numpy(), "right": self.right.numpy()}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> LowRank:
        return cls(arrays["left"], arrays["right"], **document)
