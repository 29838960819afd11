"""What is kept of a piece of logits: a few numbers a row, in few passes over the vocabulary.

The matrix product of a piece is made whole, which is what the processor is best at.  Its rows are then read a few at a
time, so that the passes over them run in the processor's cache:

1. the largest logit of each group of 64 tokens.  The k best tokens are among the k best groups, so only those are
   sorted, and the largest of all is what exponentials are taken from.
2. z = logit - largest, then one exp; its sum, and its products with z and with the final log-probabilities, give
   log-normaliser, entropy and divergence.
3. one comparison for each followed token gives its rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from interp_widgets.errors import NonFiniteError

_GROUP = 64
_NUMBERS = 400_000  # of the rows that are read at once: 1.6 MB
_LEAST = -1e4  # stands for minus infinity: its exponential is zero, and its product with zero is


@dataclass(frozen=True, eq=False)
class Reading:
    """Of n rows of logits, on the model's device.

    top_ids: int64, (n, k); top: (n, k), their log-probabilities, best first
    normaliser: (n,), log of the sum of exp(logit)
    entropy: (n,), nats; divergence: (n,), KL(row || final), nats; reverse: (n,), KL(final || row), where asked for
    log_probability, rank: (n, followed); rank 1 is the best
    """

    top_ids: Tensor
    top: Tensor
    normaliser: Tensor
    entropy: Tensor
    divergence: Tensor
    reverse: Tensor
    log_probability: Tensor
    rank: Tensor


def log_softmax(logits: Tensor) -> Tensor:
    """Final log-probabilities (n, vocabulary), float32, as `read` takes them. Raises NonFiniteError."""
    found = logits.float().log_softmax(-1).clamp_(min=_LEAST)
    if not torch.isfinite(found.amax(-1)).all():
        raise _not_finite()
    return found


def read(logits: Tensor, final: Tensor, k: int, followed: Tensor, *, reverse: bool = False) -> Reading:
    """Read logits (n, vocabulary), which are overwritten, beside final log-probabilities of the same shape.

    followed: token ids; reverse: measure KL(final || row) as well (one more exponential of everything).
    Raises NonFiniteError.
    """
    logits = logits.float()
    rows = max(_NUMBERS // logits.shape[1], 1)
    parts = [
        _read(logits[start : start + rows], final[start : start + rows], k, followed, reverse)
        for start in range(0, len(logits), rows)
    ]
    return Reading(*(torch.cat([getattr(part, name) for part in parts]) for name in Reading.__dataclass_fields__))


def _read(z: Tensor, final: Tensor, k: int, followed: Tensor, reverse: bool) -> Reading:
    groups = _largest_of_groups(z)
    largest = groups.amax(-1, keepdim=True)
    if not torch.isfinite(largest).all():
        raise _not_finite()
    ids = _best(z, groups, k)
    z -= largest
    z.clamp_(min=_LEAST)
    p = z.exp()
    total = p.sum(-1)
    log_total = total.log()
    mean = torch.einsum("nv,nv->n", p, z) / total  # of z, under the row's own distribution
    cross = torch.einsum("nv,nv->n", p, final) / total
    own = z[:, followed]
    rank = torch.ones_like(own, dtype=torch.long)
    for i in range(own.shape[1]):
        rank[:, i] += (z > own[:, i, None]).sum(-1)
    back = torch.zeros_like(total)
    if reverse:
        q = torch.exp(final, out=p)
        back = torch.einsum("nv,nv->n", q, final) - torch.einsum("nv,nv->n", q, z) + log_total
    return Reading(
        top_ids=ids,
        top=z.gather(1, ids) - log_total[:, None],
        normaliser=largest[:, 0] + log_total,
        entropy=log_total - mean,
        divergence=(mean - log_total - cross).clamp(min=0),
        reverse=back.clamp(min=0),
        log_probability=own - log_total[:, None],
        rank=rank,
    )


def _largest_of_groups(z: Tensor) -> Tensor:
    """(n, groups); what is left over after whole groups is one more."""
    n, size = z.shape
    whole = size // _GROUP * _GROUP
    parts = [z[:, :whole].view(n, -1, _GROUP).amax(-1)] if whole else []
    if whole < size:
        parts.append(z[:, whole:].amax(-1, keepdim=True))
    return torch.cat(parts, -1)


def _best(z: Tensor, groups: Tensor, k: int) -> Tensor:
    """Ids of the k largest of each row, largest first."""
    if k >= groups.shape[1]:
        return z.topk(k).indices
    size = z.shape[1]
    chosen = groups.topk(k).indices
    ids = (chosen[..., None] * _GROUP + torch.arange(_GROUP, device=z.device)).flatten(1)
    # The last group may be short: its places past the end are taken out of the contest.
    values = z.gather(1, ids.clamp(max=size - 1)).masked_fill(ids >= size, -torch.inf)
    return ids.gather(1, values.topk(k).indices)


def _not_finite() -> NonFiniteError:
    return NonFiniteError("the lens gives logits that are not finite; an active intervention may be too strong")
