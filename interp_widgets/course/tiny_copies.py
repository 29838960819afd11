"""Copies of the tiny model for cases that put hooks on one, and what an answer must not leave behind on them.

An answer may leave a hook behind.  It then sits on a copy that nobody else uses, and is told.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp_widgets.course.compare import Miss
from interp_widgets.course.tiny_model import tiny_lm

LEAST_WORD = 2  # below are <unk> and <end>


def fresh_model() -> Any:
    """A copy of the tiny model (transformers' own class, Llama layout) without a hook."""
    model: Any = copy.deepcopy(tiny_lm().model)
    for _, hooks in hooks_of(model):
        hooks.clear()
    return model


def words(rng: np.random.Generator, tokens: int) -> Tensor:
    """(1, tokens): ids of a text of words that do not repeat."""
    vocabulary = len(tiny_lm().tokenizer)
    drawn: Tensor = torch.as_tensor(rng.choice(np.arange(LEAST_WORD, vocabulary), tokens, replace=False))[None]
    return drawn


def no_hook_stays(model: nn.Module) -> None:
    """Raises `Miss` where the answer left a hook. Those that transformers itself puts on for outputs stay by design."""
    for _, hooks in hooks_of(model):
        for hook in hooks.values():
            if not str(getattr(hook, "__module__", "")).startswith("transformers"):
                raise Miss("a hook is still on the model", mistake="hook-stays")


def hooks_of(model: nn.Module) -> Iterator[tuple[nn.Module, dict[int, Any]]]:
    """Each module of a model with its hooks, then with its pre-hooks."""
    for module in model.modules():
        yield module, module._forward_hooks
        yield module, module._forward_pre_hooks
