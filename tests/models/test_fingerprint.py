"""Same weights, same name; anything else, another name."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import torch
from tokenizers import processors

from interp_widgets.models.fingerprint import SAMPLES, fingerprint
from interp_widgets.models.language_model import LanguageModel
from tests.tiny import FAMILIES, make_model, make_tokenizer

TOKENIZER = make_tokenizer()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_in_bfloat16_and_for_a_copy(family: str) -> None:
    model = make_model(family)
    name = fingerprint(model, TOKENIZER)
    assert re.fullmatch("[0-9a-f]{64}", name)
    assert fingerprint(copy.deepcopy(model), make_tokenizer()) == name
    assert fingerprint(copy.deepcopy(model).to(torch.bfloat16), TOKENIZER) == name
    assert fingerprint(copy.deepcopy(model).to(torch.bfloat16).float(), TOKENIZER) == name
    assert fingerprint(copy.deepcopy(model).double(), TOKENIZER) == name


@pytest.mark.parametrize("family", ["gpt2", "gemma3_text"])
def test_each_tensor_counts(family: str) -> None:
    model = make_model(family)
    names = {fingerprint(model, TOKENIZER)}
    for parameter in model.parameters():
        with torch.no_grad():
            flat = parameter.view(-1)
            old = float(flat[-1].detach())
            flat[-1] = old * 1.5 + 0.1
            names.add(fingerprint(model, TOKENIZER))
            flat[-1] = old
    assert len(names) == 1 + len(list(model.parameters()))


CHANGES: list[dict[str, Any]] = [
    {"rms_norm_eps": 1e-3},
    {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16},
    {"max_position_embeddings": 128},
    {"hidden_act": "gelu"},
    {"rope_parameters": {"rope_type": "default", "rope_theta": 123.0}},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_fields_that_decide_the_computation_count(changes: dict[str, Any]) -> None:
    """Also where every tensor is the same, as with another rotary base."""
    assert fingerprint(make_model("llama", **changes), TOKENIZER) != fingerprint(make_model("llama"), TOKENIZER)


def test_soft_cap_and_window_count() -> None:
    plain = fingerprint(make_model("gemma2"), TOKENIZER)
    assert fingerprint(make_model("gemma2", final_logit_softcapping=3.0), TOKENIZER) != plain
    assert fingerprint(make_model("gemma2", sliding_window=8), TOKENIZER) != plain


def test_the_tokenizer_counts() -> None:
    model = make_model("llama")
    with_bos, other_words, with_pad, other_merges = (make_tokenizer() for _ in range(4))
    with_bos.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    other_words.add_tokens(["Canberra"])
    with_pad.pad_token = "</s>"
    other_merges = make_tokenizer(vocabulary=300)
    tokenizers = [TOKENIZER, with_bos, other_words, with_pad, other_merges]
    assert len({fingerprint(model, tokenizer) for tokenizer in tokenizers}) == len(tokenizers)


def test_padding_and_truncation_of_a_call_do_not_count() -> None:
    tokenizer = make_tokenizer()
    before = fingerprint(make_model("llama"), tokenizer)
    tokenizer("The capital", truncation=True, max_length=3)
    assert fingerprint(make_model("llama"), tokenizer) == before


def test_large_tensors_are_sampled() -> None:
    model = torch.nn.Linear(SAMPLES, 3, bias=False)
    model.config = make_model("llama").config  # enough of a model for its name
    before = fingerprint(model, TOKENIZER)
    with torch.no_grad():
        model.weight[-1, -1] += 1  # the last value is always looked at
    assert fingerprint(model, TOKENIZER) != before


@pytest.mark.default_model
def test_the_default_model_in_two_dtypes(default_lm: LanguageModel) -> None:
    half = copy.deepcopy(default_lm.model).to(torch.bfloat16)
    assert fingerprint(half, default_lm.tokenizer) == default_lm.fingerprint
