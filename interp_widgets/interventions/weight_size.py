"""How large changes of weights are beside the weights that they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.weight_change import WeightChange
from interp_widgets.models.architectures import Architecture

if TYPE_CHECKING:
    from torch import Tensor


Found = tuple[str, int | None, float]


def relative_changes(parts: Sequence[Intervention], architecture: Architecture) -> tuple[Found, ...]:
    """For each changed matrix its name ("layer 5" for a value matrix), its layer (None for others), and the Frobenius
    norm of all that is added to it over its own; by layer. What changes no weight is left out."""
    deltas: dict[str, tuple[WeightChange, Tensor]] = {}
    for part in parts:
        for piece in part.pieces:
            if isinstance(piece, WeightChange):
                before = deltas.get(piece.where)
                delta = piece.matrix()
                deltas[piece.where] = piece, delta if before is None else before[1] + delta
    found = []
    for where, (piece, delta) in deltas.items():
        with torch.no_grad():
            # Conv1D stores the transpose, which has the same norm.
            size = float(delta.norm()) / float(_weight(piece, architecture).detach().double().norm())
        found.append((where, piece.layer, size))
    return tuple(sorted(found, key=lambda one: (one[1] is None, one[1] or 0, one[0])))


def relative_norm(change: WeightChange, architecture: Architecture) -> float:
    """Frobenius norm of one change over that of its matrix."""
    return change.norm() / float(_weight(change, architecture).detach().double().norm())


def _weight(change: WeightChange, architecture: Architecture) -> Tensor:
    if change.tied is not None:
        weight: Tensor = architecture.unembedding.weight
    elif change.module is not None:
        weight = architecture.named_module(change.module).weight  # type: ignore[assignment]  # a Linear's or a Conv1D's
    else:
        weight = architecture.down_projection(architecture.check_layer(change.layer)).weight  # type: ignore[assignment]
    return weight
