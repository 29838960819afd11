"""What is explained: a number that the model computes, as a function of the prompt's embeddings.

one token, no foil         its logit
several tokens, no foil    the log-probability of the string, token by token (teacher forcing)
target and foil            log-odds: log-probability of the target minus that of the foil; for single tokens this is
                           the difference of their logits
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.attribution.result import Candidate
from interp_widgets.errors import ArgumentError, PromptTooLongError, TargetError
from interp_widgets.models.diagnose import require_finite
from interp_widgets.models.prompts import Encoded, continuation, decode, looks_joined

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Ids = NDArray[np.int64]
N_CANDIDATES = 8


@dataclass(frozen=True, eq=False)
class Question:
    """A prompt with its target and foil, resolved to tokens, and what the model answers now.

    value: the number explained, at the prompt itself
    gap: log-odds of the target over the foil, or over the best other next token
    forward_passes: what it took to find out
    """

    lm: LanguageModel
    prompt: Encoded
    target_ids: Ids
    foil_ids: Ids
    unit: str
    value: float
    gap: float
    candidates: tuple[Candidate, ...]
    forward_passes: int

    @property
    def target(self) -> str:
        return decode(self.lm.tokenizer, self.target_ids.tolist())

    @property
    def foil(self) -> str | None:
        return decode(self.lm.tokenizer, self.foil_ids.tolist()) if len(self.foil_ids) else None

    @property
    def single(self) -> bool:
        """Target and foil are one token each: one pass gives both."""
        return len(self.target_ids) == 1 and len(self.foil_ids) <= 1

    @property
    def passes_each(self) -> int:
        """Rows of the model that one evaluation of `values` takes."""
        return 1 if self.single or not len(self.foil_ids) else 2

    def values(self, embeds: Tensor) -> Tensor:
        """The number explained, (rows,), for embeddings of the prompt (rows, tokens, width); differentiable."""
        lm = self.lm
        if self.single:
            columns = [int(i) for i in (*self.target_ids, *self.foil_ids)]
            logits = lm.head(lm.hidden(embeds=embeds)[:, -1], columns)
            return logits[:, 0] - logits[:, 1] if len(self.foil_ids) else logits[:, 0]
        target = continuation_log_probability(lm, embeds, self.target_ids)
        return target - continuation_log_probability(lm, embeds, self.foil_ids) if len(self.foil_ids) else target


def continuation_log_probability(lm: LanguageModel, embeds: Tensor, ids: Ids) -> Tensor:
    """log P(ids | prompt), (rows,), the earlier tokens of `ids` being given."""
    given = torch.as_tensor(ids[:-1])[None]
    n = embeds.shape[1]
    if len(ids) > 1:
        tail = lm.embed(given).to(embeds.dtype).expand(embeds.shape[0], -1, -1)
        embeds = torch.cat([embeds, tail], dim=1)
    logits = lm.head(lm.hidden(embeds=embeds)[:, n - 1 :])
    wanted = torch.as_tensor(ids, device=logits.device).expand(logits.shape[0], -1)
    return logits.log_softmax(-1).gather(-1, wanted[..., None])[..., 0].sum(-1)


def ask(lm: LanguageModel, prompt: Encoded, target: str | int | None, foil: str | int | None) -> Question:
    """Resolve target (by default the model's first choice) and foil, and see what the model answers.

    Raises
    ------
    TargetError: cannot follow the prompt, or would read as one word with it while a leading space is more probable
    ArgumentError: target and foil are the same
    PromptTooLongError, NonFiniteError
    """
    with torch.no_grad():
        ids = torch.as_tensor(prompt.ids)[None]
        logits = lm.next_logits(ids)[0].cpu().double()  # in this order: MPS has no float64
        require_finite(lm, ids, logits)
        log_p = logits.log_softmax(-1)
        if target is None:
            target_ids = np.asarray([int(log_p.argmax())], dtype=np.int64)
        else:
            target_ids = _resolve(lm, prompt, target, "target", log_p)
        foil_ids = np.empty(0, dtype=np.int64) if foil is None else _resolve(lm, prompt, foil, "foil", log_p)
        if np.array_equal(target_ids, foil_ids):
            raise ArgumentError(f"foil={foil!r} is the target itself; name another continuation, or none")
        longest = len(prompt) + max(len(target_ids), len(foil_ids)) - 1
        if longest > lm.architecture.context_length:
            raise PromptTooLongError(
                f"prompt and target have {longest} tokens, the model's context holds {lm.architecture.context_length}"
            )
        passes = 1
        embeds: Tensor | None = None
        of: dict[str, float] = {}
        for name, wanted in (("target", target_ids), ("foil", foil_ids)):
            if len(wanted) == 1:
                of[name] = float(log_p[int(wanted[0])])
            elif len(wanted):
                embeds = lm.embed(ids) if embeds is None else embeds
                of[name] = float(continuation_log_probability(lm, embeds, wanted)[0])
                passes += 1
    if foil is not None:
        unit, value, gap = "log-odds", of["target"] - of["foil"], of["target"] - of["foil"]
    else:
        others = log_p.clone()
        others[int(target_ids[0])] = -torch.inf
        gap = of["target"] - float(others.max())
        single = len(target_ids) == 1
        unit = "logit" if single else "log-probability"
        value = float(logits[int(target_ids[0])]) if single else of["target"]
    return Question(
        lm=lm,
        prompt=prompt,
        target_ids=target_ids,
        foil_ids=foil_ids,
        unit=unit,
        value=value,
        gap=gap,
        candidates=_candidates(lm, log_p, [ids for ids in (target_ids, foil_ids) if len(ids)]),
        forward_passes=passes,
    )


def count_passes(
    lm: LanguageModel, prompt: Encoded, target: str | int | None, foil: str | int | None
) -> tuple[int, int]:
    """How many forward passes `ask` takes, and each row of `Question.values`; runs nothing. Raises TargetError."""
    wishes = [(target, "target"), (foil, "foil")]
    lengths = [len(_ids(lm, prompt, wish, argument)) for wish, argument in wishes if wish is not None]
    long = sum(length > 1 for length in lengths)
    return 1 + long, 2 if long and foil is not None else 1


def _ids(lm: LanguageModel, prompt: Encoded, wish: str | int, argument: str) -> Ids:
    if isinstance(wish, np.integer):  # an id out of `token_ids` or `target_ids`
        wish = int(wish)
    ids = continuation(lm.tokenizer, prompt, wish, argument=argument)
    if int(ids.max()) >= lm.architecture.vocabulary:  # a tokenizer may know more tokens than its model
        last = lm.architecture.vocabulary - 1
        raise TargetError(f"{argument}={wish!r}: this model has token ids 0 to {last}", argument=argument)
    return ids


def _resolve(lm: LanguageModel, prompt: Encoded, wish: str | int, argument: str, log_p: Tensor) -> Ids:
    ids = _ids(lm, prompt, wish, argument)
    if isinstance(wish, str) and looks_joined(prompt, wish):
        spaced = " " + wish
        try:
            better = continuation(lm.tokenizer, prompt, spaced, argument=argument)
        except TargetError:
            return ids
        if log_p[int(better[0])] > log_p[int(ids[0])]:
            word = prompt.tokens[-1].strip() + wish
            raise TargetError(
                f"{argument}={wish!r} follows this prompt without a space and would read {word!r}."
                f" Did you mean {spaced!r}, with a leading space? To mean it as written, pass the first token's id.",
                argument=argument,
                suggestion=spaced,
            )
    return ids


def _candidates(lm: LanguageModel, log_p: Tensor, wanted: Sequence[Ids]) -> tuple[Candidate, ...]:
    best = log_p.topk(min(N_CANDIDATES, len(log_p))).indices.tolist()
    best += [int(ids[0]) for ids in wanted if int(ids[0]) not in best]
    return tuple(Candidate(decode(lm.tokenizer, [i]), i, float(log_p[i].exp())) for i in best)
