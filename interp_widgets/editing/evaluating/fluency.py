"""Does the model still read and write as before?  Two numbers that an edit must leave alone.

perplexity          of ten neutral texts that come with the package and stand behind no statistic: exp of the mean
                    negative log-probability a token, of all tokens after a text's first word
generation entropy  of what the model writes (Zhang et al. 2018; Meng et al. 2022, section 3.4 and their code): with H_n
                    the entropy in bits of the distribution of n-grams of tokens in one text,

                        (2/3 H_2 + 4/3 H_3) / 2

                    and its mean over the texts.  A text that repeats itself has few different n-grams; 50 tokens
                    without any repetition have 5.6 bits.  Papers give it times 100, of words.

Neither sees everything: a model that writes rare words at random has a high entropy, and one that says one sentence
well for ever a low perplexity.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.models.answers import score_answers
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.neutral_text import NEUTRAL

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

WEIGHTS = ((2, 2 / 3), (3, 4 / 3))  # n, and the weight of its entropy
TOKENS = 50  # of a generation


def perplexity_of(
    lm: LanguageModel, texts: Sequence[str] = NEUTRAL, *, before: str = "", cancel: threading.Event | None = None
) -> float:
    """Of some texts under what is active now; infinite where the model's numbers are no longer finite.

    before: stands ahead of each text and is not counted

    Raises ArgumentError: no texts, or one without a second word; Cancelled.
    """
    pairs = []
    for text in texts:
        word = re.match(r"\S+(?=\s)", text)
        if word is None:
            raise ArgumentError(f"texts has {text!r}; each needs at least two words, the first of which stands first")
        pairs.append((before + word.group(), text[word.end() :]))
    if not pairs:
        raise ArgumentError("texts is empty; give some, or leave it out for the package's neutral ones")
    try:
        found = score_answers(lm, pairs, cancel=cancel)
    except NonFiniteError:
        return float("inf")
    return float(np.exp(min(-found.log_probability.sum() / found.tokens.sum(), 700.0)))


def ngram_entropy(tokens: Sequence[int]) -> float:
    """Weighted entropy of a text's bigrams and trigrams, bits; see the module's text. 0 for fewer than two tokens."""
    return float(np.mean([weight * _entropy(tokens, n) for n, weight in WEIGHTS]))


def _entropy(tokens: Sequence[int], n: int) -> float:
    counts = np.asarray(list(Counter(zip(*(tokens[i:] for i in range(n)), strict=False)).values()), float)
    shares = counts / counts.sum() if len(counts) else np.ones(1)
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # not -0.0


def generation_entropy(
    lm: LanguageModel,
    prompts: Sequence[str],
    *,
    tokens: int = TOKENS,
    temperature: float = 1.0,
    seed: int = 0,
    cancel: threading.Event | None = None,
) -> float:
    """Mean over the prompts of the entropy of what the model writes after each, under what is active now; 0 where the
    model's numbers are no longer finite.

    Raises ArgumentError, PromptTooLongError, Cancelled.
    """
    try:
        written = generate_batch(lm, prompts, max_new_tokens=tokens, temperature=temperature, seed=seed, cancel=cancel)
    except NonFiniteError:
        return 0.0
    return float(np.mean([ngram_entropy(ids) for ids in written.ids]))
