"""How probable answers are after prompts, many at once.

Answers are read token by token (teacher forcing): prompt and answer go through the model in one pass, and of each token
of the answer the log-probability is read.  Rows of like length share a pass, padded on the right.
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
from interp_widgets.models.prompts import Prompt, continuation
from interp_widgets.models.question import LOGIT_ROWS
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_CPU_TOKENS, _GPU_TOKENS = 512, 16_384  # of a pass


@dataclass(frozen=True, eq=False)
class Answers:
    """log_probability: float64, (pairs,), of the whole answer; tokens: int64, (pairs,), how many it has
    first: bool, (pairs,), every token of it is the model's first choice"""

    log_probability: NDArray[np.float64]
    tokens: NDArray[np.int64]
    first: NDArray[np.bool_]

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
    rows, answers = [], []
    for prompt, answer in pairs:
        encoded = lm.encode(prompt)
        ids = continuation(lm.tokenizer, encoded, answer, argument="answer")
        rows.append(np.concatenate([encoded.ids, ids[:-1]]))
        answers.append(ids)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    log_p = np.zeros(len(rows))
    first = np.ones(len(rows), bool)
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    longest = max(map(len, rows), default=1)
    with torch.no_grad(), lm.run(cancel=cancel) as run:

        def work(start: int, end: int) -> None:
            chosen = order[start:end]
            ids, _ = padded([rows[i] for i in chosen])
            hidden = lm.hidden(ids)
            places = [
                (row, len(rows[i]) - len(answers[i]) + t, i, int(token))
                for row, i in enumerate(chosen)
                for t, token in enumerate(answers[i])
            ]
            found = np.zeros(len(chosen)), np.ones(len(chosen), bool)
            for begin in range(0, len(places), LOGIT_ROWS):
                run.check()
                part = places[begin : begin + LOGIT_ROWS]
                at = [torch.tensor([place[k] for place in part], device=hidden.device) for k in (0, 1)]
                logits = lm.head(hidden[at[0], at[1]]).float()
                wanted = torch.tensor([token for *_, token in part], device=logits.device)
                said = (logits.gather(-1, wanted[:, None])[:, 0] - logits.logsumexp(-1)).double().cpu().numpy()
                best = (logits.argmax(-1) == wanted).cpu().numpy()
                for (row, *_), one, is_best in zip(part, said, best, strict=True):
                    found[0][row] += one
                    found[1][row] &= bool(is_best)
            log_p[chosen], first[chosen] = found
            if advance is not None:
                advance(end, len(rows), "answers")

        in_batches(len(rows), batch_size or max(tokens // longest, 1), work)
    if not np.isfinite(log_p).all():
        raise NonFiniteError("an answer has a log-probability that is not finite; an active change may be too strong")
    return Answers(log_p, np.asarray([len(ids) for ids in answers], np.int64), first)
