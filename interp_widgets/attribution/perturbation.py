"""What the model says when tokens are deleted: many changed prompts, each computed once and as little of it as needed.

1. A *way of deleting* turns a set of gone tokens into a changed prompt: another token in their place (`eos`, `random`),
   or the same tokens with their positions hidden from the attention of all others (`mask`).  What is hidden is not
   there to be read from either: the answer is read from the last token that is left.
2. Equal changed prompts are evaluated once, also between a method and the tests of its scores.
3. What stands before the first change is the prompt itself: its keys and values are computed once and reused, so a
   changed prompt costs only the tokens from its first change on.
4. Rows are sorted by their first change, packed into batches of about `CPU_TOKENS` tokens, and halved when memory is
   short. Only the logits that are asked for are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import NonFiniteError
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prefix import Prefix, can_reuse, windows
from interp_widgets.models.question import Question

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

WAYS = {
    "eos": "end-of-text in its place",
    "random": "a random token in its place",
    "mask": "hidden from attention",
}


def filler(lm: LanguageModel) -> int:
    """The token that stands for "deleted": end-of-text, else padding, else the first of the vocabulary."""
    ids = (lm.tokenizer.eos_token_id, lm.tokenizer.pad_token_id, 0)
    return int(next(i for i in ids if i is not None))


def random_tokens(lm: LanguageModel, tokens: int, seed: int) -> Ids:
    """One ordinary token for each place, (tokens,), drawn evenly from the vocabulary without the special tokens."""
    special = {int(i) for i in lm.tokenizer.all_special_ids}
    size = min(lm.architecture.vocabulary, len(lm.tokenizer))
    ordinary = np.asarray([i for i in range(size) if i not in special], dtype=np.int64)
    return np.random.default_rng(seed).choice(ordinary, tokens)


@dataclass(frozen=True, eq=False)
class Rows:
    """Changed prompts: ids (rows, tokens); hidden (rows, tokens), True where no other token may look."""

    ids: Ids
    hidden: Bools

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, which: Any) -> Rows:
        return Rows(self.ids[which], self.hidden[which])

    @staticmethod
    def join(several: Sequence[Rows]) -> Rows:
        return Rows(np.concatenate([rows.ids for rows in several]), np.concatenate([rows.hidden for rows in several]))


def delete(prompt: Ids, gone: Bools, way: str, replacement: Ids) -> Rows:
    """The prompt (tokens,) without the tokens of each row of `gone` (rows, tokens); `replacement` (tokens,) holds what
    stands in their places: if they are masked, only where no token is left that an answer could be read from."""
    if way == "mask":
        return Rows(np.where(np.logical_and.accumulate(gone, axis=1), replacement, prompt), gone)
    return Rows(np.where(gone, replacement, prompt), np.zeros_like(gone))


class Perturber:
    """Answers for changed prompts of one question; remembers each, and counts what was computed.

    rows: changed prompts that went through the model (each `question.passes_each` forward passes)
    tokens: of them, the tokens that were computed; without reuse it would be rows times length
    batch_tokens: how many tokens one pass takes; halved in `held` when memory was short
    """

    def __init__(
        self,
        question: Question,
        *,
        seed: int = 0,
        batch_size: int | None = None,
        batch_tokens: int = 256,
        reuse: bool = True,
        advance: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self.question, self.seed = question, seed
        self.batch_size, self.batch_tokens = batch_size, batch_tokens
        self.advance = advance
        self.rows = 0
        self.tokens = 0
        self.largest = 0
        self._known: dict[bytes, Floats | float] = {}
        longest = len(question.prompt) + max(len(tail) for tail in question.tails)
        self._reuse = reuse and can_reuse(question.lm, longest)
        self._prefix: Prefix | None = None
        self._own_pass = 0
        lm, n = question.lm, len(question.prompt)
        self._replacements: dict[str, Ids] = {"eos": np.full(n, filler(lm))}

    @property
    def forward_passes(self) -> int:
        return self.rows * self.question.passes_each + self._own_pass

    def add_way(self, name: str, replacement: Ids) -> None:
        """Another way of deleting: `replacement` (tokens,) stands in the places of what is gone."""
        self._replacements[name] = replacement

    def take_ways(self, other: Perturber) -> None:
        """Delete in all the ways that another one of the same prompt knows."""
        self._replacements |= other._replacements

    def replacement(self, way: str, draw: int = 0) -> Ids:
        """What stands in the place of deleted tokens, (tokens,)."""
        if way != "random":
            return self._replacements["eos" if way == "mask" else way]
        key = f"random {draw}"
        if key not in self._replacements:
            n = len(self.question.prompt)
            self._replacements[key] = random_tokens(self.question.lm, n, self.seed * 1009 + draw)
        return self._replacements[key]

    def unchanged(self) -> Floats | float:
        """The number explained at the prompt itself."""
        return self.question.value

    def without(self, gone: Bools, way: str, draw: int = 0) -> Floats:
        """The number explained, (rows,), when the tokens in each row of `gone` (rows, tokens) are deleted."""
        return self.values(delete(self.question.prompt.ids, gone, way, self.replacement(way, draw)))

    def values(self, rows: Rows) -> Floats:
        """The number explained for changed prompts, float64, (rows,).

        Raises NonFiniteError, MemoryExhaustedError, Cancelled.
        """
        prompt = self.question.prompt.ids
        keys = [row.tobytes() + gone.tobytes() for row, gone in zip(rows.ids, rows.hidden, strict=True)]
        new = [i for key, i in {key: i for i, key in enumerate(keys)}.items() if key not in self._known]
        changed = (rows.ids[new] != prompt) | rows.hidden[new]
        first = np.where(changed.any(1), changed.argmax(1), len(prompt))
        first -= rows.hidden[new].any(1) & (first > 0)  # the answer may be read from the token before the first hidden
        for i, at in zip(new, first, strict=True):
            if at == len(prompt):
                self._known[keys[i]] = self.unchanged()
        order = [i for at, i in sorted(zip(first.tolist(), new, strict=True), reverse=True) if at < len(prompt)]
        starts = dict(zip(new, first.tolist(), strict=True))
        position = 0
        while position < len(order):
            batch = self._batch(order, position, starts)
            self._compute([keys[i] for i in batch], rows[batch], min(starts[i] for i in batch))
            position += len(batch)
        values = np.asarray([self._known[key] for key in keys])
        if not np.isfinite(values).all():
            raise NonFiniteError(f"{self.question.lm.name} gives numbers that are not finite when tokens are deleted")
        return values

    def _batch(self, order: list[int], position: int, starts: dict[int, int]) -> list[int]:
        """The next rows that go together: about `batch_tokens` tokens from the earliest of their first changes on."""
        n = len(self.question.prompt)
        tail = max(len(tail) for tail in self.question.tails)
        batch = [order[position]]
        for i in order[position + 1 :]:
            length = n + tail - (starts[i] if self._reuse else 0)
            if self.batch_size is not None and len(batch) >= self.batch_size:
                break
            if self.batch_size is None and (len(batch) + 1) * length > self.batch_tokens:
                break
            batch.append(i)
        return batch

    def _compute(self, keys: list[bytes], rows: Rows, start: int) -> None:
        start = start if self._reuse else 0
        with torch.no_grad():
            if start and self._prefix is None:
                known = self.question.prefix
                if known is not None and known.holds():
                    self._prefix = known
                else:
                    self._prefix = Prefix(self.question.lm, torch.as_tensor(self.question.prompt.ids)[None])
                    self._own_pass = 1
            found: dict[int, Floats] = {}

            def work(a: int, b: int) -> None:
                found.update(zip(range(a, b), self._forward(rows[slice(a, b)], start), strict=True))

            held = in_batches(len(rows), len(rows), work)
        self.largest = max(self.largest, held)
        if held < len(rows):
            self.batch_tokens = max(held * (rows.ids.shape[1] - start), 1)
        self._known |= {key: found[i] for i, key in enumerate(keys)}
        self.rows += len(rows)
        self.tokens += len(rows) * (rows.ids.shape[1] - start + max(len(tail) for tail in self.question.tails))
        self.advance(self.rows)

    def _forward(self, rows: Rows, start: int) -> Floats:
        n = rows.ids.shape[1]
        states = [self.states(rows, start, tail)[:, n - start - 1 :] for tail in self.question.tails]
        values: Floats = self.question.read(states).cpu().double().numpy()
        return values

    def states(self, rows: Rows, start: int, tail: Ids) -> Tensor:
        """Last hidden states of changed prompts and `tail` after each, from token `start` on; in the place of a hidden
        token that of the last one before it which is not."""
        lm = self.question.lm
        ids = np.concatenate([rows.ids[:, start:], np.tile(tail, (len(rows), 1))], axis=1)
        given: dict[str, Any] = {}
        if start:
            assert self._prefix is not None
            given = {"past_key_values": self._prefix.cache(start, len(rows)), "use_cache": True}
        if not rows.hidden.any():
            return lm.hidden(torch.as_tensor(ids), **given)
        hidden = np.pad(rows.hidden, ((0, 0), (0, len(tail))))
        states = lm.hidden(torch.as_tensor(ids), **given, **hiding(lm, torch.as_tensor(hidden), start))
        places = np.arange(ids.shape[1])
        left = np.maximum.accumulate(np.where(hidden[:, start:], -1, places), axis=1)  # the last one that is there
        at = torch.as_tensor(np.where(left < 0, places, left), device=states.device)
        return states.gather(1, at[..., None].expand_as(states))


def hiding(lm: LanguageModel, hidden: Tensor, start: int) -> dict[str, Any]:
    """The arguments of a forward pass that hide positions (rows, tokens) from all others, for the queries from `start`
    on. Each token still sees itself: attention over nothing is not defined. Positions keep their numbers."""
    rows, length = hidden.shape
    hidden = hidden.to(lm.device)
    query = torch.arange(start, length, device=lm.device)[:, None]
    key = torch.arange(length, device=lm.device)[None]

    def mask(window: int | None) -> Tensor:
        near = key < query if window is None else (key < query) & (key > query - window)
        seen = (key == query) | (near & ~hidden[:, None])
        found = torch.zeros(rows, 1, length - start, length, dtype=lm.dtype, device=lm.device)
        return found.masked_fill_(~seen[:, None], torch.finfo(lm.dtype).min)

    # Who gives a mask takes the window of sliding attention upon himself; layers of different kinds take one each.
    limits = windows(lm)
    kinds = dict(zip(lm.model.config.layer_types, limits, strict=True)) if len(set(limits)) > 1 else {}
    masks = {kind: mask(window) for kind, window in kinds.items()} or mask(limits[0] if limits else None)
    return {
        "attention_mask": masks,
        "position_ids": torch.arange(start, length, device=lm.device)[None].expand(rows, -1),
    }
