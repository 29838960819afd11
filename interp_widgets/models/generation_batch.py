"""Continuing many prompts at once: as `generate`, for a batch.

Prompts are padded on the left, so that all rows take their next token in the same step; rows that have ended leave the
batch's answers but not its passes.  Each row draws from a generator of its own, so a row's text does not depend on
which others it is written beside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.models.generation import check_length, stop_tokens
from interp_widgets.models.prompts import Prompt, decode
from interp_widgets.models.shared_start import Begun, last_hidden, start_batch

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Continuations:
    """ids: the new tokens of each row, without the end-of-text token; texts: as text; forward_passes: rows times
    steps."""

    ids: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    forward_passes: int


def generate_batch(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int = 20,
    temperature: float = 0.0,
    seed: int | Sequence[int] = 0,
    cancel: threading.Event | None = None,
    advance: Callable[[int, int, str], None] | None = None,
    begun: Sequence[Begun] | None = None,
) -> Continuations:
    """Continue each prompt; row i is sampled with the seed (seed, i), or with the i-th of several. Memory grows with
    the number of prompts: give as many as fit. Interventions act on all rows; one with a strength for each row takes
    them in this order. begun: for each prompt a prefix that it begins with, as `start_batch` takes them.

    Raises what `lm.generate` raises.
    """
    if not prompts:
        raise ArgumentError("prompts is empty; give at least one")
    rows = [lm.encode(prompt).ids.tolist() for prompt in prompts]
    longest = max(map(len, rows))
    check_length(max_new_tokens, temperature, longest, lm.architecture.context_length)
    seeds = [_mix(seed, i) for i in range(len(rows))] if isinstance(seed, int) else list(seed)
    if len(seeds) != len(rows):
        raise ArgumentError(f"seed has {len(seeds)} numbers for {len(rows)} prompts; give one, or one for each")
    chance = [torch.Generator().manual_seed(one) for one in seeds]
    stops = stop_tokens(lm)
    lengths = torch.tensor([len(row) for row in rows])
    written: list[list[int]] = [[] for _ in rows]
    going = set(range(len(rows)))
    passes = 0
    with torch.no_grad(), lm.run(cancel=cancel, prompt_length=lengths) as run:
        cache, ids, mask = start_batch(lm, rows, begun or [None] * len(rows), room=max_new_tokens)
        while True:
            run.check()
            hidden = last_hidden(lm, cache, ids, mask)
            passes += len(rows)
            logits = lm.head(hidden).float()
            if not torch.isfinite(logits[sorted(going)]).all():
                raise NonFiniteError("the model's logits are not finite; an active intervention may be too strong")
            chosen = _choose(logits, temperature, chance)
            for row in list(going):
                if chosen[row] in stops:
                    going.discard(row)
                else:
                    written[row].append(chosen[row])
            steps = passes // len(rows)
            if advance is not None:
                advance(steps, max_new_tokens, "writing")
            if not going or steps == max_new_tokens:
                break
            ids = torch.tensor(chosen)[:, None]
            mask = torch.cat([mask, torch.ones(len(rows), 1, dtype=mask.dtype)], 1)
    return Continuations(
        ids=tuple(map(tuple, written)),
        texts=tuple(decode(lm.tokenizer, row) if row else "" for row in written),
        forward_passes=passes,
    )


def _choose(logits: Tensor, temperature: float, chance: Sequence[torch.Generator]) -> list[int]:
    if temperature == 0:
        return [int(i) for i in logits.argmax(-1)]
    # By the inverse of the distribution function, all rows at once; its end is scaled to what rounding left of 1.
    cumulative = (logits / temperature).softmax(-1).cpu().double().cumsum(-1)
    drawn = torch.cat([torch.rand(1, generator=own, dtype=torch.float64) for own in chance])[:, None]
    found = torch.searchsorted(cumulative, drawn * cumulative[:, -1:], right=True)
    return [int(i) for i in found[:, 0].clamp(max=logits.shape[-1] - 1)]


def _mix(seed: int, row: int) -> int:
    return (seed * 1_000_003 + row) % 2**63
