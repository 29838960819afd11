"""Which tokens a neuron's output weight promotes and demotes, by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from interp_widgets.models.architectures import is_conv1d

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_NUMBERS = 1_000_000  # of a piece of logits: 4 MB in float32, and several such at once
_ROWS = 16_384  # of the head at a time, where it is converted


def output_weights(lm: LanguageModel, layer: int, neurons: Sequence[int]) -> Tensor:
    """What one unit of each neuron adds to the MLP's value: its columns of the down-projection, (neurons, width)."""
    module: Any = lm.architecture.down_projection(layer)
    weight: Tensor = module.weight.detach()
    chosen = torch.as_tensor(list(neurons), device=weight.device)
    return weight[chosen] if is_conv1d(module) else weight[:, chosen].T


def promotion(lm: LanguageModel, layer: int, neurons: Sequence[int]) -> Tensor:
    """Logits of the whole vocabulary that follow from each neuron's output weight alone, float32 (neurons, vocabulary).

    A direct effect: the weight goes through the MLP's post-norm (Gemma), the final norm and the unembedding, as if it
    were all that the residual stream holds, so it says in which direction the neuron pushes, not how far, and nothing
    of what later layers make of it (as in Geva et al. 2022 and Dar et al. 2023; norm included). norm(d) - norm(0) is
    the direction with the norm's own weights, whatever the family's norm is (RMSNorm, LayerNorm, weights stored as
    1 + w). Biases and soft-cap of the head are left out, and active interventions: these are the stored weights.
    """
    a = lm.architecture
    found = output_weights(lm, layer, neurons)
    if a.layout.mlp_norm is not None:
        found = _through(a.layers[layer].get_submodule(a.layout.mlp_norm), found)
    found = _through(a.final_norm, found)
    head: Tensor = a.unembedding.weight.detach()
    found = found.to(head.device).float()
    # In single precision also where weights are halves: ranks would follow from rounding otherwise.
    return torch.cat([nn.functional.linear(found, rows.float()) for rows in head.split(_ROWS)], dim=-1)


def _through(norm: nn.Module, direction: Tensor) -> Tensor:
    """What a norm makes of a direction, its constant part aside. The direction gets the size of a state first, so that
    the norm's epsilon is of no account."""
    size = direction.float().square().mean(-1, keepdim=True).sqrt().clamp(min=1e-30)
    weight = next(norm.parameters())
    unit = (direction.float() / size).to(weight)
    made: Tensor = norm(unit) - norm(torch.zeros_like(unit))
    return made


def strongest(
    lm: LanguageModel, layer: int, neurons: Sequence[int], sign: int, k: int, check: Callable[[], None]
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """(logits, ids) of the k tokens that each neuron promotes most when its activation has this sign, and of those that
    it demotes most: (neurons, k) each, strongest first. `check` is called between pieces and may raise."""
    size = max(_NUMBERS // lm.architecture.vocabulary, 1)
    up, down = [], []
    with torch.no_grad():
        for start in range(0, len(neurons), size):
            check()
            logits = promotion(lm, layer, neurons[start : start + size]) * sign
            up.append(logits.topk(k))
            down.append(logits.topk(k, largest=False))
    return _whole(up), _whole(down)


def _whole(pieces: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.cat([values for values, _ in pieces]).cpu(), torch.cat([ids for _, ids in pieces]).cpu()
