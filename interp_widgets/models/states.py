"""Hidden states of many prompts at all layers, in as few passes as memory allows.

Prompts of like length go together, padded on the right: under causal attention no token sees what comes after it, so
no mask is needed, and the padding's own states are thrown away.  What all prompts begin with is computed once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import NonFiniteError
from interp_widgets.models.architectures import Site
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prefix import Prefix, can_reuse
from interp_widgets.models.prompts import Prompt

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_CPU_TOKENS = 512  # of a pass; on the default model 256 and 1,024 take 8 % longer
_GPU_TOKENS = 16_384
_WORTH_REUSING = 4  # tokens that all prompts share


@dataclass(frozen=True, eq=False)
class States:
    """last: float32, (prompts, layers, width), the residual stream after each layer at the last token
    norm: float64, (layers,), its mean norm over the prompts' tokens, those that all prompts begin with left out: the
        first token of a text is an attention sink whose norm is tens of times that of others
    forward_passes: rows that went through the model"""

    last: NDArray[np.float32]
    norm: NDArray[np.float64]
    forward_passes: int


def last_states(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    *,
    layers: Sequence[int] | None = None,
    batch_size: int | None = None,
    cancel: threading.Event | None = None,
    advance: Callable[[int, int, str], None] | None = None,
) -> States:
    """States after `layers` (all by default) at the last token of each prompt.

    advance: told (prompts done, prompts, text). Raises what `lm.encode` raises, NonFiniteError, MemoryExhaustedError,
    Cancelled.
    """
    texts = [lm.encode(prompt).ids for prompt in prompts]
    layers = range(lm.architecture.n_layers) if layers is None else layers
    sites = [Site("resid_post", layer) for layer in layers]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    shared = _shared(texts)
    if shared < _WORTH_REUSING or not can_reuse(lm, max(map(len, texts))):
        shared = 0
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    rows = batch_size or max(tokens // max(len(texts[order[-1]]) - shared, 1), 1)
    last = np.empty((len(texts), len(sites), lm.architecture.width), np.float32)
    norms, counted = np.zeros((len(texts), len(sites))), np.zeros(len(texts))

    with torch.no_grad(), lm.run(cancel=cancel, capture=sites) as run:
        prefix = Prefix(lm, torch.as_tensor(texts[0][:shared])[None]) if shared else None

        def work(start: int, end: int) -> None:
            chosen = order[start:end]
            ids, lengths = padded([texts[i][shared:] for i in chosen])
            if prefix is None:
                lm.hidden(ids)
            else:
                lm.hidden(ids, past_key_values=prefix.cache(shared, len(chosen)), use_cache=True)
            seen = torch.arange(ids.shape[1]) < lengths[:, None]
            if prefix is None:
                seen[:, 0] = ids.shape[1] == 1
            for column, site in enumerate(sites):
                states = run.captured[site].float()
                ends = lengths.to(states.device) - 1
                last[chosen, column] = states[torch.arange(len(chosen), device=states.device), ends].cpu().numpy()
                norms[chosen, column] = _sum_of_norms(states, seen)
            counted[chosen] = seen.sum(1).numpy()
            run.captured.clear()
            if advance is not None:
                advance(end, len(texts), "hidden states")

        in_batches(len(texts), rows, work)
    if not np.isfinite(last).all():
        raise NonFiniteError("hidden states hold NaN or infinity; an active intervention may be too strong")
    norm = norms.sum(0) / max(counted.sum(), 1)
    return States(last=last, norm=norm, forward_passes=len(texts) + bool(shared))


def padded(texts: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    """(token ids (texts, longest), lengths (texts,)), padded on the right, where causal attention never looks."""
    lengths = torch.tensor([len(text) for text in texts])
    ids = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.as_tensor(text)
    return ids, lengths


def _sum_of_norms(states: Tensor, seen: Tensor) -> NDArray[np.float64]:
    return np.asarray((states.norm(dim=-1) * seen.to(states.device)).sum(1).cpu().numpy(), np.float64)


def _shared(texts: Sequence[NDArray[np.int64]]) -> int:
    """How many tokens all texts begin with; each keeps at least one of its own."""
    shortest = min(len(text) for text in texts) - 1
    first = texts[0][:shortest]
    same = np.ones(shortest, bool)
    for text in texts[1:]:
        same &= text[:shortest] == first
    return int(np.argmin(same)) if not same.all() else shortest
