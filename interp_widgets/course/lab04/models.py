"""Models for the lab's cases: a copy of the tiny one for each answer, and the package's own account of what it does.

An answer may leave a hook behind.  It then sits on a copy that nobody else uses, and is told.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp_widgets.course.compare import Miss
from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.models.architectures import Site
from interp_widgets.models.resume import Pass, Patch, resume

LEAST_WORD = 2  # below are <unk> and <end>


def fresh_model() -> Any:
    """A copy of the tiny model (transformers' own class, Llama layout) without a hook."""
    model: Any = copy.deepcopy(tiny_lm().model)
    for _, hooks in _hooks_of(model):
        hooks.clear()
    return model


def words(rng: np.random.Generator, tokens: int) -> Tensor:
    """(1, tokens): ids of a text of words that do not repeat."""
    vocabulary = len(tiny_lm().tokenizer)
    drawn: Tensor = torch.as_tensor(rng.choice(np.arange(LEAST_WORD, vocabulary), tokens, replace=False))[None]
    return drawn


def no_hook_stays(model: nn.Module) -> None:
    """Raises `Miss` where the answer left a hook. Those that transformers itself puts on for outputs stay by design."""
    for _, hooks in _hooks_of(model):
        for hook in hooks.values():
            if not str(getattr(hook, "__module__", "")).startswith("transformers"):
                raise Miss("a hook is still on the model", mistake="hook-stays")


def _hooks_of(model: nn.Module) -> Iterator[tuple[nn.Module, dict[int, Any]]]:
    for module in model.modules():
        yield module, module._forward_hooks
        yield module, module._forward_pre_hooks


def logits_with(ids: Tensor, source: Tensor, sites: Sequence[Site], positions: Sequence[int]) -> Tensor:
    """(vocabulary,): the tiny model's logits after `ids` with what `source` has at these sites and positions put in."""
    lm = tiny_lm()
    with torch.no_grad(), lm.run():
        into = Pass(lm, lm.embed(ids))
        clean = Pass(lm, lm.embed(source), capture=sites)
        cell = [
            Patch(site.kind, layer, list(positions), clean.captured[site][:, list(positions)])
            for site in sites
            if (layer := site.layer) is not None
        ]
        found: list[Tensor] = []
        resume(into, [cell], slice(ids.shape[1] - 1, None), lambda numbers, states: found.append(states))
        logits: Tensor = lm.head(found[0])[0, 0, 0]
    return logits


def logits_of(ids: Tensor) -> Tensor:
    """(vocabulary,): the tiny model's logits after `ids`, unchanged."""
    lm = tiny_lm()
    with torch.no_grad():
        logits: Tensor = lm.head(lm.hidden(ids))[0, -1]
    return logits
