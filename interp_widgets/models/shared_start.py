"""Rows of one batch that go on from different prefixes, of different lengths.

1. Each row names a `Prefix` and how many of its tokens the row begins with; those are not computed again.
2. The kept keys and values are put side by side, padded on the left to the longest; so is what is still to be read.
3. A mask hides both paddings; positions are counted over what is not hidden, so each row is what it would be alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from interp_widgets.models.prefix import Prefix, can_reuse

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Begun = tuple[Prefix, int] | None  # a prefix and how many of its tokens a row begins with; None: nothing is known


def common_start(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return i
    return min(len(one), len(other))


def start_batch(
    lm: LanguageModel, rows: Sequence[Sequence[int]], begun: Sequence[Begun], *, room: int = 0
) -> tuple[Any, Tensor, Tensor]:
    """(cache, ids (rows, tokens), mask (rows, cached + tokens)) of the first pass over rows of token ids, which `room`
    further tokens may follow.

    Each row keeps at least its last token to be read. Where padding would reach out of a sliding window, or a prefix
    belongs to other interventions than those active now, nothing is reused.
    """
    from transformers import DynamicCache

    known = [0 if one is None else min(one[1], len(row) - 1) for row, one in zip(rows, begun, strict=True)]
    longest = max(len(row) - n for row, n in zip(rows, known, strict=True))
    usable = can_reuse(lm, max(known) + longest + room) and all(one is None or one[0].holds() for one in begun)
    if not usable:
        known = [0] * len(rows)
        longest = max(map(len, rows))
    cache: Any = DynamicCache(config=lm.model.config)
    past = max(known)
    if past:
        _fill(cache, lm, begun, known, past)
    tails = [list(row[n:]) for row, n in zip(rows, known, strict=True)]
    ids = torch.tensor([[0] * (longest - len(tail)) + tail for tail in tails])
    mask = torch.tensor(
        [
            [0] * (past - n) + [1] * n + [0] * (longest - len(tail)) + [1] * len(tail)
            for n, tail in zip(known, tails, strict=True)
        ]
    )
    return cache, ids, mask


def last_hidden(lm: LanguageModel, cache: object, ids: Tensor, mask: Tensor) -> Tensor:
    """Last hidden state of the last token, (rows, width), after `ids` were read; the cache grows by them."""
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    kwargs = {"attention_mask": mask.to(lm.device), "position_ids": positions.to(lm.device)}
    return lm.hidden(ids, past_key_values=cache, use_cache=True, **kwargs)[:, -1]


def _fill(cache: Any, lm: LanguageModel, begun: Sequence[Begun], known: Sequence[int], past: int) -> None:
    held = {id(one[0]): one[0].layers for one in begun if one is not None}
    some = next(iter(held.values()))
    for number, (keys, values) in enumerate(some):
        made = []
        for which, like in enumerate((keys, values)):
            whole = like.new_zeros(len(known), like.shape[1], past, like.shape[3])
            for row, (one, n) in enumerate(zip(begun, known, strict=True)):
                if one is not None and n:
                    whole[row, :, past - n :] = held[id(one[0])][number][which][0, :, :n]
            made.append(whole)
        cache.update(*made, number)
