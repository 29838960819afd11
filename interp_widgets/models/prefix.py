"""The keys and values of a prompt, computed once, from which changed prompts go on.

Causal attention makes what stands before a change independent of it.  A model with sliding windows forgets the start
of a longer text, so nothing is reused there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def windows(lm: LanguageModel) -> list[int | None]:
    """How many tokens each layer looks back at, itself among them; None for all. Empty where no layer is limited."""
    from transformers import DynamicCache

    found = [getattr(layer, "sliding_window", None) for layer in DynamicCache(config=lm.model.config).layers]
    return [None if window is None else int(window) for window in found] if any(found) else []


def can_reuse(lm: LanguageModel, tokens: int) -> bool:
    """True if every layer still knows the whole of a text of so many tokens."""
    return all(window is None or tokens < window for window in windows(lm))


class Prefix:
    """Keys and values of token ids (1, tokens), for each layer (1, heads, tokens, head size); no gradient.

    last: the last hidden state of the last token, (1, 1, width); snapshot: the interventions under which they hold.
    """

    def __init__(self, lm: LanguageModel, ids: Tensor) -> None:
        from transformers import DynamicCache

        self.lm = lm
        cache: Any = DynamicCache(config=lm.model.config)
        with torch.no_grad(), lm.run() as run:
            self.snapshot = run.snapshot
            self.last = lm.hidden(ids, past_key_values=cache, use_cache=True)[:, -1:]
        self._layers: list[tuple[Tensor, Tensor]] = [(layer.keys, layer.values) for layer in cache.layers]

    @property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """(keys, values) of each layer, (1, heads, tokens, head size); not to be written into."""
        return self._layers

    def cache(self, tokens: int, rows: int) -> Any:
        """A cache of its own that holds the first `tokens` tokens, for a batch of `rows`."""
        from transformers import DynamicCache

        cache: Any = DynamicCache(config=self.lm.model.config)
        for number, (keys, values) in enumerate(self._layers):
            cache.update(
                keys[:, :, :tokens].expand(rows, -1, -1, -1), values[:, :, :tokens].expand(rows, -1, -1, -1), number
            )
        return cache

    def holds(self) -> bool:
        """True in the run in which it was computed, and in runs within that."""
        with self.lm.run() as run:
            return run.snapshot is self.snapshot

    def after(self, tail: Tensor) -> Tensor:
        """Last hidden states of the prompt's last token and of `tail` (1, tokens) after it, (1, 1 + tokens, width)."""
        if tail.shape[1] == 0:
            return self.last
        cache = self.cache(self._layers[0][0].shape[2], 1)
        return torch.cat([self.last, self.lm.hidden(tail, past_key_values=cache, use_cache=True)], dim=1)
