"""What is explained: a number that the model computes, as a function of the prompt's embeddings.

logit               of a single token; what is explained when nothing else is said
log-probability     of a string, token by token (teacher forcing); by default for a target of several tokens
probability         the same, as a probability
difference          log-odds: log-probability of the target minus that of the foil; for single tokens this is the
                    difference of their logits; by default with a foil
entropy             of the distribution of the next token, in nats; no target is needed
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, PromptTooLongError, TargetError, not_one_of
from interp_widgets.models.candidate import Candidate
from interp_widgets.models.diagnose import require_finite
from interp_widgets.models.prefix import Prefix, can_reuse
from interp_widgets.models.prompts import Encoded, continuation, decode, looks_joined

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Ids = NDArray[np.int64]
Wish = str | int | Sequence[int]  # a string, a token's id, or the ids of several
N_CANDIDATES = 8
LOGIT_ROWS = 64  # distributions that exist at once where many are read: 13 MB in float32 on the default model
UNITS = {
    "logit": "logit",
    "log-probability": "log-probability",
    "probability": "probability",
    "difference": "log-odds",
    "entropy": "nats",
}
FUNCTIONS = tuple(UNITS)


@dataclass(frozen=True, eq=False)
class Question:
    """A prompt with its target and foil, resolved to tokens, and what the model answers now.

    value: the number explained, at the prompt itself; log_probability: of the target, there
    function: which number of target and foil; see FUNCTIONS
    gap: log-odds of the target over the foil, or over the best other next token
    forward_passes: what it took to find out; prefix: keys and values of the prompt, where they can be used again
    """

    lm: LanguageModel
    prompt: Encoded
    target_ids: Ids
    foil_ids: Ids
    function: str
    unit: str
    value: float
    log_probability: float
    gap: float
    candidates: tuple[Candidate, ...]
    forward_passes: int
    prefix: Prefix | None = None

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

    @property
    def tails(self) -> tuple[Ids, ...]:
        """What is fed after the prompt, once for each pass: target and foil without their last tokens."""
        if self.passes_each == 1:
            return (self.target_ids[:-1] if self.function != "entropy" else self.target_ids[:0],)
        return (self.target_ids[:-1], self.foil_ids[:-1])

    def as_log_probability(self) -> Question:
        """The same question about the target's log-probability, if it is about its logit or probability."""
        if self.function not in ("logit", "probability"):
            return self
        function = "log-probability"
        return dataclasses.replace(self, function=function, unit=UNITS[function], value=self.log_probability)

    def values(self, embeds: Tensor) -> Tensor:
        """The number explained, (rows,), for embeddings of the prompt (rows, tokens, width); differentiable."""
        lm, n = self.lm, embeds.shape[1]

        def hidden(tail: Ids) -> Tensor:
            with_tail = embeds
            if len(tail):
                given = lm.embed(torch.as_tensor(tail)[None]).to(embeds.dtype).expand(embeds.shape[0], -1, -1)
                with_tail = torch.cat([embeds, given], dim=1)
            return lm.hidden(embeds=with_tail)[:, n - 1 :]

        return self.read([hidden(tail) for tail in self.tails])

    def read(self, states: Sequence[Tensor]) -> Tensor:
        """The number explained, (rows,), from last hidden states for each of `tails`, (rows, 1 + tail, width): those of
        the prompt's last token and of the tail's."""
        lm = self.lm
        if self.function == "entropy":
            logits = lm.head(states[0][:, -1])
            log_p = logits - logits.logsumexp(-1, keepdim=True)
            return -(log_p.exp() * log_p).sum(-1)
        if self.single and self.function in ("logit", "difference"):
            columns = [int(i) for i in (*self.target_ids, *self.foil_ids)]
            logits = lm.head(states[0][:, -1], columns)
            return logits[:, 0] - logits[:, 1] if len(self.foil_ids) else logits[:, 0]
        target = self._log_probability(states[0], self.target_ids)
        if self.function == "difference":
            return target - self._log_probability(states[1], self.foil_ids)
        return target.exp() if self.function == "probability" else target

    def _log_probability(self, states: Tensor, ids: Ids) -> Tensor:
        logits = self.lm.head(states)
        wanted = torch.as_tensor(ids, device=logits.device).expand(logits.shape[0], -1)
        chosen = logits.gather(-1, wanted[..., None])[..., 0]
        return (chosen - logits.logsumexp(-1)).sum(-1)


def ask(
    lm: LanguageModel, prompt: Encoded, target: Wish | None, foil: Wish | None, function: str | None = None
) -> Question:
    """Resolve target (by default the model's first choice) and foil, and see what the model answers.

    Raises
    ------
    TargetError: cannot follow the prompt, or would read as one word with it while a leading space is more probable
    ArgumentError: target and foil are the same; the function does not fit them
    PromptTooLongError, NonFiniteError
    """
    with torch.no_grad():
        ids = torch.as_tensor(prompt.ids)[None]
        prefix = Prefix(lm, ids)
        logits = lm.head(prefix.last[:, -1])[0].cpu().double()  # in this order: MPS has no float64
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
        function = check_function(function, len(target_ids), foil)
        if function == "entropy" and target is not None:
            raise ArgumentError(f"target={target!r}: the entropy is of all next tokens together; leave the target out")
        question = Question(
            lm=lm,
            prompt=prompt,
            target_ids=target_ids,
            foil_ids=foil_ids,
            function=function,
            unit=UNITS[function],
            value=0.0,
            log_probability=0.0,
            gap=0.0,
            candidates=_candidates(lm, log_p, [ids for ids in (target_ids, foil_ids) if len(ids)]),
            forward_passes=1,
            prefix=prefix if can_reuse(lm, longest) else None,
        )
        tails = question.tails
        if all(len(tail) == 0 for tail in tails):
            passes, value = 1, float(question.read([prefix.last] * len(tails))[0])
        elif question.prefix is not None:
            states = [prefix.after(torch.as_tensor(tail)[None]) for tail in tails]
            passes, value = 1 + sum(len(tail) > 0 for tail in tails), float(question.read(states)[0])
        else:
            passes, value = 1 + len(tails), float(question.values(lm.embed(ids))[0])
    if foil is not None:
        gap = value
    else:
        others = log_p.clone()
        others[int(target_ids[0])] = -torch.inf
        gap = float(log_p[int(target_ids[0])] if len(target_ids) == 1 else _log_of(value, function)) - float(
            others.max()
        )
    if function in ("log-probability", "probability"):
        log_probability = _log_of(value, function)
    else:
        log_probability = float(log_p[int(target_ids[0])])
    return dataclasses.replace(question, value=value, log_probability=log_probability, gap=gap, forward_passes=passes)


def _log_of(value: float, function: str) -> float:
    return math.log(max(value, 1e-300)) if function == "probability" else value


def check_function(function: str | None, target_tokens: int, foil: Wish | None) -> str:
    """The function that is explained. Raises ArgumentError if it does not fit target and foil."""
    if function is None:
        return "difference" if foil is not None else "logit" if target_tokens == 1 else "log-probability"
    if function not in FUNCTIONS:
        raise not_one_of("function", function, FUNCTIONS)
    if (function == "difference") != (foil is not None):
        what = "needs a foil to take the difference to" if foil is None else "has no place for a foil; leave one out"
        raise ArgumentError(f"function={function!r} {what}")
    if function == "logit" and target_tokens > 1:
        raise ArgumentError(
            f"function='logit': the target has {target_tokens} tokens and each a logit of its own; take"
            " 'log-probability', which adds up over a string"
        )
    return function


def count_passes(lm: LanguageModel, prompt: Encoded, target: Wish | None, foil: Wish | None) -> tuple[int, int]:
    """How many forward passes `ask` takes, and each row of `Question.values`; runs nothing. Raises TargetError."""
    wishes = [(target, "target"), (foil, "foil")]
    lengths = [len(_ids(lm, prompt, wish, argument)) for wish, argument in wishes if wish is not None]
    longest = max(lengths, default=1)
    each = 2 if longest > 1 and foil is not None else 1
    if can_reuse(lm, len(prompt) + longest - 1):
        return 1 + sum(length > 1 for length in lengths), each
    return 1 if longest == 1 else 1 + each, each


def _ids(lm: LanguageModel, prompt: Encoded, wish: Wish, argument: str) -> Ids:
    if isinstance(wish, list | tuple | np.ndarray) and len(wish) and all(_is_whole(one) for one in wish):
        return np.concatenate([_ids(lm, prompt, int(each), argument) for each in wish])
    one: Any = int(wish) if isinstance(wish, np.integer) else wish  # an id out of `token_ids` or `target_ids`
    ids = continuation(lm.tokenizer, prompt, one, argument=argument)
    if int(ids.max()) >= lm.architecture.vocabulary:  # a tokenizer may know more tokens than its model
        last = lm.architecture.vocabulary - 1
        raise TargetError(f"{argument}={wish!r}: this model has token ids 0 to {last}", argument=argument)
    return ids


def _is_whole(one: object) -> bool:
    return isinstance(one, int | np.integer) and not isinstance(one, bool)


def _resolve(lm: LanguageModel, prompt: Encoded, wish: Wish, argument: str, log_p: Tensor) -> Ids:
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
