"""Generating text token by token, with what the model thought of each token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, NonFiniteError, PromptTooLongError
from interp_widgets.models.prompts import Prompt, decode

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Step:
    """One generated token.

    text, id: the token; probability: the model's (at temperature 1, whatever the sampling temperature);
    entropy: of the next-token distribution, in nats; runner_up: (text, probability) of the best other token;
    sources: with `attribute`, float64 scores of all tokens before it, in its log-probability.
    """

    text: str
    id: int
    probability: float
    entropy: float
    runner_up: tuple[str, float]
    sources: NDArray[np.float64] | None = None


def stream(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    cancel: threading.Event | None,
) -> Iterator[Step]:
    """Yield a `Step` for each new token; one forward pass each, with a key-value cache.

    Text is cut at token borders: a character of several tokens arrives as U+FFFD; join the ids to get it whole.
    """
    encoded = lm.encode(prompt)
    check_length(max_new_tokens, temperature, len(encoded), lm.architecture.context_length)
    return _steps(lm, encoded.ids.tolist(), max_new_tokens, temperature, seed, cancel)


def generate(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    cancel: threading.Event | None,
) -> str:
    steps = stream(lm, prompt, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, cancel=cancel)
    ids = [step.id for step in steps]
    stops = stop_tokens(lm)
    return decode(lm.tokenizer, ids[:-1] if ids and ids[-1] in stops else ids)


def stop_tokens(lm: LanguageModel) -> set[int]:
    """Ids that end a text: the tokenizer's end-of-text token and those of the generation config."""
    configured: Any = getattr(getattr(lm.model, "generation_config", None), "eos_token_id", None)
    ids = configured if isinstance(configured, list) else [configured]
    return {int(i) for i in [*ids, lm.tokenizer.eos_token_id] if i is not None}


def check_length(max_new_tokens: int, temperature: float, length: int, context: int) -> None:
    if max_new_tokens < 1:
        raise ArgumentError(f"max_new_tokens={max_new_tokens}: at least 1")
    if not 0 <= temperature < float("inf"):
        raise ArgumentError(f"temperature={temperature}: 0 (greedy) or more")
    if length + max_new_tokens > context:
        raise PromptTooLongError(
            f"the prompt's {length} tokens and max_new_tokens={max_new_tokens} exceed the context of {context};"
            f" ask for at most {max(context - length, 0)} new tokens"
        )


def _steps(
    lm: LanguageModel,
    ids: list[int],
    max_new_tokens: int,
    temperature: float,
    seed: int,
    cancel: threading.Event | None,
) -> Iterator[Step]:
    from transformers import DynamicCache

    chance = torch.Generator().manual_seed(seed)
    cache = DynamicCache(config=lm.model.config)
    stops = stop_tokens(lm)
    # The interventions of the first token hold for the whole text, also where the caller's block ends between two.
    with torch.no_grad(), lm.run(cancel=cancel, prompt_length=len(ids)) as first:
        snapshot = first.snapshot
    given = torch.tensor([ids])
    for _ in range(max_new_tokens):
        # The run closes before each yield: a lock held by a generator that nobody asks again would never be freed.
        with torch.no_grad(), lm.run(cancel=cancel, prompt_length=len(ids), snapshot=snapshot) as run:
            run.check()
            hidden = lm.hidden(given, past_key_values=cache, use_cache=True)
            logits = lm.head(hidden[:, -1])[0].float()
        step = choose(lm, logits, temperature, chance)
        yield step
        if step.id in stops:
            return
        given = torch.tensor([[step.id]])


def choose(lm: LanguageModel, logits: Tensor, temperature: float, chance: torch.Generator) -> Step:
    if not torch.isfinite(logits).all():
        raise NonFiniteError("the model's logits are not finite; an active intervention may be too strong")
    if temperature == 0:
        chosen = int(logits.argmax())
    else:
        weights = (logits / temperature).softmax(-1).cpu()
        chosen = int(torch.multinomial(weights, 1, generator=chance))
    return thought(lm, logits, chosen)


def thought(lm: LanguageModel, logits: Tensor, chosen: int) -> Step:
    """What the model thinks of a token, by its logits there (vocabulary,)."""
    log_probabilities = logits.log_softmax(-1)
    probabilities = log_probabilities.exp()
    best = probabilities.topk(2)
    other = int(best.indices[0]) if int(best.indices[0]) != chosen else int(best.indices[1])
    return Step(
        text=decode(lm.tokenizer, [chosen]),
        id=chosen,
        probability=float(probabilities[chosen]),
        entropy=float(-(probabilities * log_probabilities).nan_to_num().sum()),
        runner_up=(decode(lm.tokenizer, [other]), float(probabilities[other])),
    )
