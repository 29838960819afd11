"""Attention weights, which only the plain ("eager") implementation of attention keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from interp_widgets.errors import UnsupportedArchitectureError

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@contextmanager
def _eager(lm: LanguageModel) -> Iterator[bool]:
    """Switch the model to eager attention and back; gives whether that was a change."""
    before: Any = lm.model.config._attn_implementation
    try:
        if before != "eager":
            lm.model.set_attn_implementation("eager")
        yield before != "eager"
    except ValueError as error:
        raise UnsupportedArchitectureError(
            f"the attention of {lm.name} cannot be read: it has no eager implementation ({error})"
        ) from error
    finally:
        if before != "eager":
            lm.model.set_attn_implementation(before)


def attention_weights(lm: LanguageModel, ids: Tensor) -> tuple[Tensor, bool]:
    """Weights of one prompt's token ids (1, tokens): (layers, heads, tokens, tokens), query before key, no gradient;
    and whether the model was switched to eager attention for this call.

    Raises UnsupportedArchitectureError if the model gives none.
    """
    with torch.no_grad(), lm.run(), _eager(lm) as switched:
        output: Any = lm.architecture.base(input_ids=ids.to(lm.device), output_attentions=True, use_cache=False)
        weights = output.attentions
    if not weights or any(layer is None for layer in weights):
        raise UnsupportedArchitectureError(f"the attention of {lm.name} cannot be read: the model returns no weights")
    return torch.stack([layer[0] for layer in weights]), switched
