"""Changes of the computation written into the weights, for a checkpoint that needs nothing of this package.

    y + D x             is (W + D) x               a weight change
    x with zeros        is W with zero columns     an ablated head or neuron, seen from the matrix that reads it
    zeros in place of y is W = 0 and bias = 0      an ablated attn_out or mlp_out (a post-norm leaves zeros zero)

1. Changes of one matrix add up, in float64, and are rounded once to the dtype of the weights.
2. A matrix reads what ablations left, so its columns are cleared after everything was added.
3. Tied ends that are changed alike stay tied; else the head gets a matrix of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.ablation import Ablation
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.weight_change import WeightChange
from interp_widgets.models.architectures import Architecture, Site, is_conv1d


@dataclass(frozen=True, eq=False)
class Folded:
    """weights: the parameters that differ, by their name in the model's state dict, on the CPU, in the model's dtype
    untied: the head has a matrix of its own now
    lost: by name, the share of the change (Frobenius norm) that went to rounding; nan where nothing was added"""

    weights: dict[str, Tensor]
    untied: bool
    lost: dict[str, float]


def why_not(piece: Intervention) -> str | None:
    """Why a change cannot be written into weights, as words after its name; None if it can."""
    if isinstance(piece, WeightChange):
        return None
    if not isinstance(piece, Ablation):
        return f"is no change of a weight ({piece.kind})"
    if piece.value != 0:
        return f"sets a part to {piece.value:g}; only 0 can be written into a matrix"
    if piece.positions != "all":
        return "acts at some positions only; a matrix acts at all"
    return None


def fold(architecture: Architecture, pieces: Sequence[Intervention]) -> Folded:
    """The changed weights. Raises ArgumentError: a piece that cannot be folded, a weight that is no plain matrix."""
    stuck = next((piece for piece in pieces if why_not(piece) is not None), None)
    if stuck is not None:
        raise ArgumentError(f"{stuck.name!r} {why_not(stuck)}")
    changed: dict[str, list[WeightChange]] = {}
    for piece in pieces:
        if isinstance(piece, WeightChange):
            for path in paths_of(architecture, piece):
                changed.setdefault(path, []).append(piece)
    embedding, head = path_of(architecture, architecture.embedding), path_of(architecture, architecture.unembedding)
    untied = architecture.tied and changed.get(embedding, []) != changed.get(head, [])
    weights: dict[str, Tensor] = {}
    lost: dict[str, float] = {}
    for path, some in changed.items():
        if path == head and architecture.tied and not untied:
            continue  # below it becomes the embedding's own tensor
        name = f"{path}.weight"
        module = architecture.named_module(path)
        weights[name], lost[name] = _added(path, module, some)
    if untied:
        weights.setdefault(f"{head}.weight", architecture.weight_of_embedding.detach().cpu().clone())
    elif architecture.tied and embedding in changed:
        weights[f"{head}.weight"] = weights[f"{embedding}.weight"]
    for piece in pieces:
        if isinstance(piece, Ablation):
            _clear(architecture, piece, weights)
    return Folded(weights, untied, lost)


def path_of(architecture: Architecture, module: nn.Module) -> str:
    """The path of a module in the model."""
    return next(str(path) for path, one in architecture.model.named_modules() if one is module)


def paths_of(architecture: Architecture, change: WeightChange) -> list[str]:
    """The modules whose matrices it changes: one, or both ends of a tied matrix."""
    change.check(architecture)
    if change.module is not None:
        return [change.module]
    if change.tied is None:
        return [path_of(architecture, architecture.down_projection(architecture.check_layer(change.layer)))]
    ends = {"embedding": architecture.embedding, "head": architecture.unembedding}
    return [path_of(architecture, module) for name, module in ends.items() if change.tied in (name, "both")]


def plain_weight(path: str, module: nn.Module) -> Tensor:
    """A module's matrix as it is stored, on the CPU. Raises ArgumentError: quantised, or offloaded to disk."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    if not weight.is_floating_point():
        raise ArgumentError(f"{path} is stored as {weight.dtype}, quantised; load the model in floating point")
    if weight.device.type == "meta":
        raise ArgumentError(f"{path} was offloaded and is not in memory; load the model without offloading")
    return weight.detach().cpu()


def _added(path: str, module: nn.Module, changes: Sequence[WeightChange]) -> tuple[Tensor, float]:
    old = plain_weight(path, module)
    change = sum((one.matrix() for one in changes[1:]), changes[0].matrix())
    change = change.T if is_conv1d(module) else change
    new = (old.double() + change).to(old.dtype)
    size = float(change.norm())
    return new.contiguous(), float((new.double() - old.double() - change).norm()) / size if size else float("nan")


def _clear(architecture: Architecture, piece: Ablation, weights: dict[str, Tensor]) -> None:
    reader = {"attn_out": "head_out", "mlp_out": "mlp_key"}.get(piece.at, piece.at)  # the input of the matrix
    module, _ = architecture.module(Site(reader, piece.layer))
    path = path_of(architecture, module)
    name, bias = f"{path}.weight", getattr(module, "bias", None)
    if name not in weights:
        weights[name] = plain_weight(path, module).clone()
    if piece.site is not None:
        weights[name].zero_()
        if bias is not None:
            weights[f"{path}.bias"] = torch.zeros_like(bias, device="cpu")
        return
    part = piece.part(architecture)
    (weights[name] if is_conv1d(module) else weights[name].T)[part] = 0
