"""Games: functions from sets of kept tokens, (rows, tokens) of True and False, to one number for each row.

`Dividends` are games whose Shapley values are known without any order or subset weight (Harsanyi 1963): every set S
that is kept as a whole pays its dividend, and its members share it evenly.  `ModelGame` asks a language model.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.models.prefix import can_reuse
from interp_widgets.models.prompts import continuation

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
_BATCH = 64  # changed prompts at a time
_GROWN = 8  # tokens that are chosen in one batch, of 256 rows at the end


def all_sets(n: int) -> Tensor:
    """Every set of kept tokens, (2^n, n); bit i of a row's number says whether token i is kept."""
    return (torch.arange(2**n)[:, None] >> torch.arange(n)) & 1 == 1


def set_number(kept: Tensor) -> Tensor:
    """Which row of `all_sets` each row is, (rows,)."""
    return (kept.long() << torch.arange(kept.shape[1])).sum(1)


def checked_sets(kept: Any, n: int) -> Tensor:
    """Raises ValueError, in words for a learner, unless it is a tensor of True and False, (rows, n)."""
    if not isinstance(kept, Tensor) or kept.dtype != torch.bool:
        got = kept.dtype if isinstance(kept, Tensor) else type(kept).__name__
        raise ValueError(f"v takes a tensor of True and False, and got {got}")
    if kept.dim() != 2 or kept.shape[1] != n:
        raise ValueError(f"v takes sets of the shape (rows, {n}), and got {tuple(kept.shape)}")
    return kept


class Dividends:
    """v(S) = sum of the dividends of all sets that lie in S. rows: how many sets it was asked for so far."""

    def __init__(self, n: int, dividends: dict[tuple[int, ...], float]) -> None:
        self.n, self.rows = n, 0
        self.dividends = dividends
        self._members = torch.zeros(len(dividends), n, dtype=torch.float64)
        for row, members in zip(self._members, dividends, strict=True):
            row[list(members)] = 1.0
        self._paid = torch.tensor(list(dividends.values()), dtype=torch.float64)

    def __call__(self, kept: Tensor) -> Tensor:
        kept = checked_sets(kept, self.n)
        self.rows += len(kept)
        whole = (~kept).double() @ self._members.T == 0  # no member is missing
        return whole.double() @ self._paid

    def shapley(self) -> Tensor:
        """(n,): each dividend shared evenly among its members."""
        scores = torch.zeros(self.n, dtype=torch.float64)
        for members, paid in self.dividends.items():
            for i in members:
                scores[i] += paid / len(members)
        return scores

    def kept_of(self, *rows: Sequence[int]) -> Tensor:
        """The values of sets given by their members, (rows,), not counted."""
        kept = torch.zeros(len(rows), self.n, dtype=torch.bool)
        for row, members in zip(kept, rows, strict=True):
            row[list(members)] = True
        before = self.rows
        values = self(kept)
        self.rows = before
        return values

    def of_all(self) -> Floats:
        """The values of `all_sets`, (2^n,), not counted."""
        before = self.rows
        values: Floats = self(all_sets(self.n)).numpy()
        self.rows = before
        return values


class ModelGame:
    """How far a model's logit of `target` is ahead of that of `foil`, after a prompt of which only the kept tokens are
    left and `fillers` stand for the others. Each set is computed once. rows: sets computed; seconds: what they took."""

    def __init__(self, lm: LanguageModel, ids: Tensor, target: int, foil: int, fillers: Tensor | int) -> None:
        self.lm, self.ids, self.columns = lm, ids, [target, foil]
        self.fillers = torch.as_tensor(fillers).expand(len(ids))
        self.n, self.rows, self.seconds = len(ids), 0, 0.0
        self._known: dict[int, float] = {}

    def __call__(self, kept: Tensor) -> Tensor:
        """(rows,), float64."""
        kept = checked_sets(kept, self.n)
        numbers: list[int] = set_number(kept).tolist()
        first = {number: row for row, number in reversed(list(enumerate(numbers))) if number not in self._known}
        started = time.monotonic()
        wanted = list(first.values())
        for start in range(0, len(wanted), _BATCH):
            part = torch.tensor(wanted[start : start + _BATCH])
            with torch.no_grad():
                states = self.lm.hidden(torch.where(kept[part], self.ids, self.fillers))[:, -1]
                logits = self.lm.head(states, self.columns).double().cpu()
            values = (logits[:, 0] - logits[:, 1]).tolist()
            self._known.update(zip([numbers[row] for row in part.tolist()], values, strict=True))
        self.rows += len(first)
        self.seconds += time.monotonic() - started
        return torch.tensor([self._known[number] for number in numbers], dtype=torch.float64)

    def of_all(self) -> Floats:
        """The values of `all_sets`, (2^n,). Prompts that begin alike share what was computed of their beginning: about
        2^(n + 1) tokens in all, rather than n 2^n."""
        if not self._known and can_reuse(self.lm, self.n):
            started = time.monotonic()
            early = max(self.n - _GROWN, 0)
            for start in all_sets(early):
                self._grow(start)
            self.rows += 2**self.n
            self.seconds += time.monotonic() - started
        values: Floats = self(all_sets(self.n)).numpy()
        return values

    def _grow(self, start: Tensor) -> None:
        """All sets that begin with this choice: after each token every row splits in two, without the next and with."""
        from transformers import DynamicCache

        cache = DynamicCache()
        given: dict[str, Any] = {"past_key_values": cache, "use_cache": True}
        numbers = set_number(start[None])
        with torch.no_grad():
            if len(start):
                self.lm.hidden(torch.where(start, self.ids[: len(start)], self.fillers[: len(start)])[None], **given)
            for i in range(len(start), self.n):
                if i:
                    cache.batch_repeat_interleave(2)
                two = torch.stack([self.fillers[i], self.ids[i]]).repeat(len(numbers))
                numbers = (numbers[:, None] + torch.tensor([0, 1 << i])).flatten()
                states = self.lm.hidden(two[:, None], **given)[:, -1]
            logits = self.lm.head(states, self.columns).double().cpu()
        self._known.update(zip(numbers.tolist(), (logits[:, 0] - logits[:, 1]).tolist(), strict=True))


def model_game(
    lm: LanguageModel, prompt: str, target: str, foil: str, *, fillers: Tensor | int | None = None
) -> ModelGame:
    """A game of texts; deleted tokens become end-of-text unless `fillers` says otherwise.

    Raises `TargetError` where the tokenizer joins target or foil to the prompt's last token."""
    start = lm.encode(prompt)
    # What follows the prompt: encoded by itself, a text begins with <s> where the tokenizer puts that in front.
    one = int(continuation(lm.tokenizer, start, target)[0])
    other = int(continuation(lm.tokenizer, start, foil, argument="foil")[0])
    ids = torch.as_tensor(start.ids)
    return ModelGame(lm, ids, one, other, lm.tokenizer.eos_token_id if fillers is None else fillers)
