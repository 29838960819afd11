"""The local model behind the tests: texts written in batches, answers read from the distribution over option letters.

What conversations begin with alike is computed once and kept (`models.prefix`), and rows that go on from different
prefixes share a batch (`models.shared_start`).  With `reuse=False` every row is read from its first token; the results
are the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from interp_widgets.errors import ArgumentError, NonFiniteError, TargetError
from interp_widgets.faithfulness.asking import Advance, Amount, Ask, Choice, Messages
from interp_widgets.faithfulness.questions import LETTERS, Question
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prefix import Prefix, can_reuse
from interp_widgets.models.prompts import Encoded, continuation
from interp_widgets.models.shared_start import Begun, common_start, last_hidden, start_batch
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import Provenance, provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

# What the answer's turn begins with, and how a letter follows it: the first whose letters are single tokens is taken.
_FORMS = (("The single, most likely answer is (", ""), ("The single, most likely answer is", " "))
_HUMAN, _ASSISTANT = "Human: ", "Assistant: "
_KEPT = 16  # prefixes at once
_WORTH = 16  # tokens that must be saved for a prefix to be computed
_READ_BYTES, _WRITE_BYTES = 200e6, 400e6  # of the keys and values of a batch
_WRITE_ROWS, _READ_ROWS = 32, 64
_WRITTEN = 2.0  # a written token takes about as long as so many that are read


class LocalBackend:
    """A `LanguageModel` for `iw.cot_faithfulness`.

    Parameters
    ----------
    lm: with a chat template the conversations are chats, otherwise transcripts ("Human: ... Assistant: ...")
    reuse: keep what conversations begin with alike
    batch_size: rows of a pass; by default what fits 400 MB of keys and values, at most 32 texts or 64 readings

    Raises ArgumentError where the tokenizer has no single token for option letters.
    """

    exact = True

    def __init__(self, lm: LanguageModel, *, reuse: bool = True, batch_size: int | None = None) -> None:
        if batch_size is not None and batch_size < 1:
            raise ArgumentError(f"batch_size={batch_size}: at least 1, or None")
        self.lm, self.reuse, self.batch_size = lm, reuse, batch_size
        self.chat = bool(getattr(lm.tokenizer, "chat_template", None))
        self._form, self._letters = self._find_form()
        self._kept: OrderedDict[str, tuple[list[int], Prefix]] = OrderedDict()
        self.passes = self.read = 0
        self._interventions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<LocalBackend of {self.lm.name}{'' if self.reuse else ', without reuse'}>"

    @property
    def name(self) -> str:
        return self.lm.name

    # Conversations as tokens

    def encode(self, messages: Messages) -> Encoded:
        """The tokens of a conversation; where the assistant has the last turn, it is left open."""
        if self.chat:
            return self.lm.encode([{"role": role, "content": text} for role, text in messages])
        turns = [(_HUMAN if role == "user" else _ASSISTANT) + text for role, text in messages]
        if messages[-1][0] == "user":
            turns.append(_ASSISTANT.rstrip())
        return self.lm.encode("\n\n".join(turns))

    def question_of(self, ask: Ask) -> Encoded:
        """The tokens after which a letter answers."""
        return self.encode((*ask.messages, ("assistant", self._form[0])))

    def letter(self, option: int) -> int:
        """The token id with which this option is chosen."""
        return self._letters[option]

    def _find_form(self) -> tuple[tuple[str, str], list[int]]:
        for form in _FORMS:
            encoded = self.encode((("user", "?"), ("assistant", form[0])))
            try:
                ids = [continuation(self.lm.tokenizer, encoded, form[1] + letter) for letter in LETTERS]
            except TargetError:
                continue
            if all(len(one) == 1 for one in ids):
                return form, [int(one[0]) for one in ids]
        raise ArgumentError(
            f"lm={self.lm.name}: its tokenizer has no single tokens for the letters of options, so their probabilities"
            " cannot be read; serve the model, and ask it through ServerBackend"
        )

    # The protocol

    @contextmanager
    def opened(self, cancel: threading.Event | None) -> Iterator[None]:
        self.passes = self.read = 0
        self._kept.clear()
        try:
            with torch.no_grad(), self.lm.run(cancel=cancel) as run:
                self._interventions = run.snapshot.names
                yield
        finally:
            self._kept.clear()

    def write(
        self, asked: Sequence[Ask], *, max_new_tokens: int, temperature: float, seed: int, advance: Advance
    ) -> list[str]:
        ids = [self.encode(ask.messages).ids.tolist() for ask in asked]
        begun = self._begun(asked, ids)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        longest = max(map(len, ids), default=0) + max_new_tokens
        texts = [""] * len(ids)

        def work(start: int, end: int) -> None:
            chosen = order[start:end]
            new = generate_batch(
                self.lm,
                [ids[i] for i in chosen],
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                seed=[asked[i].seed(seed) for i in chosen],
                begun=[begun[i] for i in chosen],
            )
            self.passes += new.forward_passes
            for i, text in zip(chosen, new.texts, strict=True):
                texts[i] = text if self.chat else text.partition(f"\n\n{_HUMAN.rstrip()}")[0]
            advance(len(chosen))

        in_batches(len(ids), self._rows(longest, _WRITE_ROWS, _WRITE_BYTES), work)
        return texts

    def choose(
        self, asked: Sequence[Ask], questions: Sequence[Question], *, seed: int, advance: Advance
    ) -> list[Choice]:
        ids = [self.question_of(ask).ids.tolist() for ask in asked]
        begun = self._begun(asked, ids)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]) - (begun[i] or (None, 0))[1])
        found: list[Choice | None] = [None] * len(ids)

        def work(start: int, end: int) -> None:
            chosen = order[start:end]
            with self.lm.run(prompt_length=torch.tensor([len(ids[i]) for i in chosen])):
                started = start_batch(self.lm, [ids[i] for i in chosen], [begun[i] for i in chosen])
                logits = self.lm.head(last_hidden(self.lm, *started)).float()
            log_p = logits.log_softmax(-1)[:, self._letters].double().cpu().numpy()
            if not np.isfinite(log_p).all():
                raise NonFiniteError("the model's logits are not finite; an active intervention may be too strong")
            self.passes += len(chosen)
            self.read += started[1].numel()
            for row, i in zip(log_p, chosen, strict=True):
                found[i] = _choice(row[: len(questions[i].options)])
            advance(len(chosen))

        in_batches(len(ids), self._rows(max(map(len, ids), default=1), _READ_ROWS, _READ_BYTES), work)
        return [one for one in found if one is not None]

    def length(self, text: str) -> int:
        return len(self.lm.encode(text)) if text else 0

    def cost(self, amount: Amount) -> Cost:
        tokens = amount.read + _WRITTEN * amount.written
        return Cost(amount.written + amount.choices, tokens * self.lm.seconds_per_token, int(_WRITE_BYTES))

    def allow(self, cost: Cost, confirm: Callable[[Any], bool] | bool | None) -> None:
        allow(cost, confirm, "Give fewer questions=[...], or fewer tests=(...)")

    def provenance(self, *, prompt: str, seed: int, seconds: float, notes: Sequence[str]) -> Provenance:
        return provenance_of(
            self.lm,
            prompt,
            bos=self.lm.encode(prompt).bos,
            interventions=self._interventions,
            seed=seed,
            batch_size=self.batch_size or _WRITE_ROWS,
            forward_passes=self.passes,
            seconds=seconds,
            notes=notes,
        )

    # What is kept

    def _begun(self, asked: Sequence[Ask], ids: Sequence[list[int]]) -> list[Begun]:
        """For each row what is known of its beginning; prefixes that are worth it are computed and kept."""
        found: list[Begun] = [None] * len(ids)
        topics: dict[str, list[int]] = {}
        for i, ask in enumerate(asked):
            topics.setdefault(ask.topic, []).append(i)
        for topic, rows in topics.items() if self.reuse else ():
            known, prefix = self._kept.get(topic, ([], None))
            shared = [common_start(known, ids[i]) for i in rows]
            longest = max(rows, key=lambda i: len(ids[i]))
            new = ids[longest][:-1]
            by_new = [min(common_start(new, ids[i]), len(ids[i]) - 1) for i in rows]
            if sum(by_new) - sum(shared) > len(new) + _WORTH and can_reuse(self.lm, len(new)):
                known, prefix, shared = new, Prefix(self.lm, torch.tensor([new])), by_new
                self.passes += 1
                self.read += len(new)
                self._keep(topic, known, prefix)
            if prefix is not None:
                for i, tokens in zip(rows, shared, strict=True):
                    found[i] = (prefix, tokens) if tokens else None
        return found

    def _keep(self, topic: str, known: list[int], prefix: Prefix) -> None:
        self._kept[topic] = (known, prefix)
        self._kept.move_to_end(topic)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _rows(self, tokens: int, most: int, budget: float) -> int:
        """How many rows of so many tokens a batch may have."""
        if self.batch_size is not None:
            return self.batch_size
        a = self.lm.architecture
        item = torch.finfo(self.lm.dtype).bits // 8
        each = 2 * a.n_layers * a.width * item * _shared_heads(self.lm) * tokens
        return max(min(most, int(budget / each)), 1)


def _shared_heads(lm: LanguageModel) -> float:
    """Keys and values of a layer as a share of its width: heads may share them."""
    config: Any = lm.model.config
    heads = getattr(config, "num_attention_heads", 1)
    return float(getattr(config, "num_key_value_heads", None) or heads) / heads


def _choice(log_p: np.ndarray[Any, np.dtype[np.float64]]) -> Choice:
    """The letters' probabilities among themselves; their sum is what the model gives to all of them."""
    mass = float(np.exp(np.logaddexp.reduce(log_p)))
    p = np.exp(log_p - np.logaddexp.reduce(log_p))
    return Choice(tuple(float(one) for one in p), mass=min(mass, 1.0))
