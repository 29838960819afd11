"""What the tests of this folder look at: hooks left on a model, and its logits."""

from __future__ import annotations

from typing import Any

import torch

from interp_widgets.models.language_model import LanguageModel

IDS = torch.tensor([[5, 17, 230, 8, 99, 301]])


def count_hooks(model: torch.nn.Module) -> int:
    """Every hook, kept-by-keyword flag and replaced `forward` on any module."""
    count = 0
    for module in model.modules():
        hooks: tuple[Any, ...] = (
            module._forward_hooks,
            module._forward_pre_hooks,
            module._forward_pre_hooks_with_kwargs,
            module._forward_hooks_with_kwargs,
            module._backward_hooks,
            module._backward_pre_hooks,
        )
        count += sum(map(len, hooks)) + ("forward" in module.__dict__)
    return count


def logits(lm: LanguageModel, ids: torch.Tensor = IDS) -> torch.Tensor:
    """Of the Hugging Face model itself, as anybody may call it."""
    with torch.no_grad():
        found: torch.Tensor = lm.model(input_ids=ids, use_cache=False).logits
    return found
