"""How probable answers are after prompts, many at once.

Answers are read token by token (teacher forcing): prompt and answer go through the model in one pass, and of each token
of the answer the log-probability is read.  Answers to one prompt share a text where they can, and texts of like length
share a pass, padded on the right.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.errors import NonFiniteError
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import Encoded, Prompt, continuation
from interp_widgets.models.question import LOGIT_ROWS
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_CPU_TOKENS, _GPU_TOKENS = 512, 16_384  # of a pass


@dataclass(frozen=True, eq=False)
class Answers:
    """log_probability: float64, (pairs,), of the whole answer; tokens: int64, (pairs,), how many it has
    first: bool, (pairs,), every token of it is the model's first choice; forward_passes: texts that were read"""

    log_probability: NDArray[np.float64]
    tokens: NDArray[np.int64]
    first: NDArray[np.bool_]
    forward_passes: int = 0

    @property
    def mean(self) -> NDArray[np.float64]:
        """Log-probability a token, (pairs,): answers of different length compared as in Meng et al. 2022."""
        return np.asarray(self.log_probability / self.tokens)


def score_answers(
    lm: LanguageModel,
    pairs: Sequence[tuple[Prompt, str]],
    *,
    batch_size: int | None = None,
    cancel: threading.Event | None = None,
    advance: Callable[[int, int, str], None] | None = None,
) -> Answers:
    """Read (prompt, answer) pairs under what is active now; answers carry their leading space.

    advance: told (pairs done, pairs, text). Raises TargetError: an answer cannot follow its prompt as written; what
    `lm.encode` raises, NonFiniteError, MemoryExhaustedError, Cancelled.
    """
    reads, tokens_of = _reads(lm, pairs)
    log_p = np.zeros(len(pairs))
    first = np.ones(len(pairs), bool)
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    longest = max((len(read.ids) for read in reads), default=1)
    with torch.no_grad(), lm.run(cancel=cancel) as run:

        def work(start: int, end: int) -> None:
            chosen = reads[start:end]
            ids, _ = padded([read.ids for read in chosen])
            with lm.run(prompt_length=torch.tensor([read.prompt for read in chosen])):
                hidden = lm.hidden(ids)  # what acts by position knows where each prompt ends
            # Answers of one text that begin alike, or are one token long, read the same distributions.
            wanted: dict[tuple[int, int], list[tuple[int, int]]] = {}
            for row, read in enumerate(chosen):
                for pair, answer in read.answers:
                    for t, token in enumerate(answer):
                        wanted.setdefault((row, read.prompt - 1 + t), []).append((pair, int(token)))
            places = list(wanted)
            found = {pair: (0.0, True) for read in chosen for pair, _ in read.answers}
            for begin in range(0, len(places), LOGIT_ROWS):
                run.check()
                part = places[begin : begin + LOGIT_ROWS]
                at = torch.tensor(part, device=hidden.device)
                logits = lm.head(hidden[at[:, 0], at[:, 1]]).float()
                asked = [(i, pair, token) for i, place in enumerate(part) for pair, token in wanted[place]]
                which = torch.tensor([(i, token) for i, _, token in asked], device=logits.device)
                chosen_logits = logits[which[:, 0], which[:, 1]]
                said = (chosen_logits - logits.logsumexp(-1)[which[:, 0]]).double().cpu().numpy()
                best = (logits.argmax(-1)[which[:, 0]] == which[:, 1]).cpu().numpy()
                for (_, pair, _), one, is_best in zip(asked, said, best, strict=True):
                    total, so_far = found[pair]
                    found[pair] = total + float(one), so_far and bool(is_best)
            for pair, (total, is_first) in found.items():
                log_p[pair], first[pair] = total, is_first
            if advance is not None:
                advance(sum(len(read.answers) for read in reads[:end]), len(pairs), "answers")

        in_batches(len(reads), batch_size or max(tokens // longest, 1), work)
    if not np.isfinite(log_p).all():
        raise NonFiniteError("an answer has a log-probability that is not finite; an active change may be too strong")
    return Answers(log_p, tokens_of, first, len(reads))


@dataclass(frozen=True, eq=False)
class _Read:
    """A text that goes through the model: ids; how many of them are the prompt; and the answers that are read from it,
    (pair, ids)."""

    ids: NDArray[np.int64]
    prompt: int
    answers: list[tuple[int, NDArray[np.int64]]]


def _reads(lm: LanguageModel, pairs: Sequence[tuple[Prompt, str]]) -> tuple[list[_Read], NDArray[np.int64]]:
    """The texts, shortest first, and the number of tokens of each answer.

    Attention is causal, so an answer is read from any text that begins with what stands before its last token: of a
    prompt with five answers of one token each, one text is left.
    """
    encoded: dict[str | int, Encoded] = {}
    groups: dict[str | int, list[tuple[int, NDArray[np.int64]]]] = {}
    tokens = np.zeros(len(pairs), np.int64)
    for i, (prompt, answer) in enumerate(pairs):
        key = prompt if isinstance(prompt, str) else i
        if key not in encoded:
            encoded[key] = lm.encode(prompt)
        ids = continuation(lm.tokenizer, encoded[key], answer, argument="answer")
        tokens[i] = len(ids)
        groups.setdefault(key, []).append((i, ids))
    reads = []
    for key, answers in groups.items():
        start = encoded[key].ids
        last: _Read | None = None
        for one in sorted(answers, key=lambda one: one[1][:-1].tolist(), reverse=True):
            needed = one[1][:-1]
            known = last.ids[len(start) :] if last is not None else needed[:0]
            if last is None or not np.array_equal(known[: len(needed)], needed):
                last = _Read(np.concatenate([start, needed]), len(start), [])
                reads.append(last)
            last.answers.append(one)
    return sorted(reads, key=lambda read: len(read.ids)), tokens
