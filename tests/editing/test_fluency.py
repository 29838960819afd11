"""Entropies against counting by hand, perplexity against the tokens' own probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.evaluating.fluency import generation_entropy, ngram_entropy, perplexity_of
from interp_widgets.errors import ArgumentError
from interp_widgets.models.generation_batch import generate_batch
from tests.tiny import make_lm

TEXTS = ("The capital of Australia is Canberra and not Sydney.", "She opened the window because")


def test_entropy_of_some_texts() -> None:
    assert ngram_entropy([]) == ngram_entropy([4]) == 0
    assert ngram_entropy([7] * 40) == 0  # one bigram and one trigram, again and again
    n = 50
    assert ngram_entropy(range(n)) == pytest.approx((2 / 3 * math.log2(n - 1) + 4 / 3 * math.log2(n - 2)) / 2)
    # bigrams 12 21 12, trigrams 121 212
    pairs = -(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3))
    assert ngram_entropy([1, 2, 1, 2]) == pytest.approx((2 / 3 * pairs + 4 / 3 * 1.0) / 2)


def test_perplexity_is_that_of_every_token_after_the_first_word(any_lm: Any) -> None:
    loss, tokens = 0.0, 0
    for text in TEXTS:
        encoded = any_lm.encode(text)
        ids = torch.as_tensor(encoded.ids)[None]
        with torch.no_grad(), any_lm.run():
            log_p = any_lm.head(any_lm.hidden(ids))[0].float().log_softmax(-1)
        start = len(any_lm.encode(text.split()[0]))
        for place in range(start, ids.shape[1]):
            loss -= float(log_p[place - 1, ids[0, place]])
            tokens += 1
    assert perplexity_of(any_lm, TEXTS) == pytest.approx(math.exp(loss / tokens), rel=1e-4)


def test_what_stands_before_counts_as_context_only() -> None:
    lm = make_lm("llama")
    alone, told = perplexity_of(lm, TEXTS), perplexity_of(lm, TEXTS, before="The room was warm. ")
    assert told != pytest.approx(alone, rel=1e-6)
    assert perplexity_of(lm) > 1  # the package's own texts


def test_a_model_that_is_broken_has_no_finite_perplexity_and_no_entropy() -> None:
    lm = make_lm("llama")
    rows = torch.full((32, lm.architecture.mlp_width), float(np.finfo(np.float32).max))
    with lm.using(iw.DenseDelta(rows, layer=1)):
        assert perplexity_of(lm, TEXTS) == math.inf
        assert generation_entropy(lm, ["The city"], tokens=5) == 0


def test_entropy_of_what_is_written_belongs_to_its_seed() -> None:
    lm, prompts = make_lm("llama"), ["The city", "She"]
    how: dict[str, Any] = {"temperature": 0.1, "seed": 1}
    found = generation_entropy(lm, prompts, tokens=30, **how)
    assert found == generation_entropy(lm, prompts, tokens=30, **how)
    written = generate_batch(lm, prompts, max_new_tokens=30, **how)
    assert found == pytest.approx(np.mean([ngram_entropy(ids) for ids in written.ids]))
    assert 0 < found < ngram_entropy(range(30))


def test_bad_input_is_told() -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match="two words"):
        perplexity_of(lm, ["Sydney"])
    with pytest.raises(ArgumentError, match="texts is empty"):
        perplexity_of(lm, [])
    with pytest.raises(ArgumentError, match="prompts is empty"):
        generation_entropy(lm, [])
