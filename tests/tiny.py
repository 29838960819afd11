"""Tiny random models of every architecture, and a small tokenizer of each kind; made in milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from interp_widgets.models.language_model import LanguageModel

CORPUS = [
    "The capital of Australia is Canberra and not Sydney.",
    "The Eiffel Tower is located in the city of Paris.",
    "She opened the window because the room was warm.",
    "import numpy as np\nprint(np.arange(3))\n",
]

FAMILIES = ("gpt2", "gptj", "gpt_neox", "llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text")

_SIZES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256},
    "gptj": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 256, "rotary_dim": 4},
    "gpt_neox": {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64},
}
_DEFAULT = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "head_dim": 8,
}


def make_tokenizer(*, bos: bool = False, vocabulary: int = 400) -> Any:
    """A byte-level BPE tokenizer like GPT-2's; with `bos` it puts <s> in front, as Gemma's does."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def make_model(family: str, *, seed: int = 0, dtype: torch.dtype = torch.float32, **changes: Any) -> Any:
    """A random model of the family; every parameter is random, biases and norms too, so that nothing is trivially 0."""
    sizes = {**_SIZES.get(family, _DEFAULT), **changes}
    config = AutoConfig.for_model(family, vocab_size=400, bos_token_id=0, eos_token_id=1, pad_token_id=None, **sizes)
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        model = AutoModelForCausalLM.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
    finally:
        torch.random.set_rng_state(state)
    return model.to(dtype).eval()


def make_lm(family: str = "llama", *, bos: bool = False, **changes: Any) -> LanguageModel:
    return LanguageModel(make_model(family, **changes), make_tokenizer(bos=bos), name=f"tiny {family}")
