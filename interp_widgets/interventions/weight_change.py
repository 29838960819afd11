"""What changes of a weight matrix share: where it is, and how a change of it acts without touching the weight."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention
from interp_widgets.models.architectures import Architecture, Site, matrix_shape
from interp_widgets.models.hooks import Action, Frame

TIED = ("embedding", "head", "both")


class WeightChange(Intervention):
    """W + D for one matrix, as an overlay: y + D x. A subclass knows D, (outputs, inputs), whichever way the module
    stores its matrix (Linear or Conv1D).

    layer: its MLP's value matrix (the down-projection); or
    module: any Linear or Conv1D by its path in the model, "model.layers.3.mlp.up_proj"; or
    tied: "embedding", "head" or "both": the token embedding, the output head, or both ends of a tied matrix. D is given
        as for the head: (vocabulary, width)

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a layer that the model does not have.
    """

    def __init__(self, *, layer: int | None, module: str | None, tied: str | None) -> None:
        super().__init__()
        if sum(where is not None for where in (layer, module, tied)) != 1:
            raise ArgumentError(f"layer={layer}, module={module!r}, tied={tied!r}: give exactly one of them")
        if tied is not None and tied not in TIED:
            raise ArgumentError(f"tied={tied!r}: one of {', '.join(TIED)}")
        self.layer, self.module, self.tied = layer, module, tied

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Of D: (outputs, inputs)."""

    @abstractmethod
    def product(self, inputs: Tensor) -> Tensor:
        """D x for inputs (..., inputs): (..., outputs), in the device and dtype of the inputs."""

    @abstractmethod
    def matrix(self) -> Tensor:
        """D itself, float64, (outputs, inputs)."""

    def norm(self) -> float:
        """Frobenius norm of D."""
        return float(self.matrix().norm())

    @abstractmethod
    def rows(self, ids: Tensor, like: Tensor) -> Tensor:
        """Rows of D by token id, (..., inputs), in the device and dtype of `like`."""

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
        return activation + self.product(inputs).to(activation)

    def _look_up(self, scale: float) -> Action:
        def add_rows(activation: Tensor, ids: Tensor, frame: Frame | None) -> Tensor:
            return activation + scale * self.rows(ids, activation)

        return add_rows

    def check(self, architecture: Architecture) -> None:
        self.acts(architecture)
        if self.tied is not None:
            expected = (architecture.vocabulary, architecture.width)
        elif self.module is not None:
            expected = matrix_shape(architecture.named_module(self.module))
        else:
            expected = architecture.weight_shape(architecture.check_layer(self.layer))
        if self.shape != expected:
            raise ArgumentError(f"{self.called} has shape {self.shape}; the matrix of {self.where} has {expected}")

    @property
    def called(self) -> str:
        """What holds D, as a person gave it."""
        return "delta"

    @property
    def where(self) -> str:
        return self.module or self.tied or f"layer {self.layer}"

    def document(self) -> dict[str, Any]:
        return {"layer": self.layer, "module": self.module, "tied": self.tied}
