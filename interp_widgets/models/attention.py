"""Attention weights, which only the plain ("eager") implementation of attention keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def _second(output: Any) -> Any:
    return output[1] if isinstance(output, tuple) and len(output) > 1 else None


def attention_weights(
    lm: LanguageModel, ids: Tensor, *, layers: Sequence[int] | None = None, heads: Sequence[int] | None = None
) -> tuple[Tensor, bool]:
    """Weights of one prompt's token ids (1, tokens): (layers, heads, tokens, tokens), query before key, no gradient;
    and whether the model was switched to eager attention for this call.

    layers, heads: which ones, in this order, from 0; by default all. Others are let go of as they come.

    Raises UnsupportedArchitectureError if the model gives none.
    """
    # Hooks of our own: those that transformers puts on a model for `output_attentions` stay there for good.
    weights: dict[int, Tensor] = {}
    handles: list[Any] = []
    architecture = lm.architecture
    wanted = list(range(architecture.n_layers)) if layers is None else list(layers)

    chosen: Any = slice(None) if heads is None else list(heads)

    def keeper(number: int) -> Any:
        def keep(module: Any, inputs: Any, output: Any) -> None:
            found = _second(output)
            if isinstance(found, Tensor):
                weights[number] = found[0, chosen]

        return keep

    with torch.no_grad(), lm.run(), _eager(lm) as switched:
        try:
            for number in wanted:
                attention = architecture.layers[number].get_submodule(architecture.layout.attention)
                handles.append(attention.register_forward_hook(keeper(number)))
            lm.hidden(ids)
        finally:
            for handle in handles:
                handle.remove()
    if not wanted or any(number not in weights for number in wanted):
        raise UnsupportedArchitectureError(f"the attention of {lm.name} cannot be read: the model returns no weights")
    return torch.stack([weights[number] for number in wanted]), switched
