"""A language model of a few thousand random weights, on which an answer is checked in milliseconds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_WORDS = "the a capital of city is in was red blue cat dog sees likes river house one two and not"


@lru_cache(maxsize=2)
def tiny_lm(seed: int = 0) -> LanguageModel:
    """Llama layout, 2 layers, width 16, 22 words, float64, so that rounding hides no mistake. Made once."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from interp_widgets.models import live
    from interp_widgets.models.language_model import LanguageModel

    vocabulary = {word: i for i, word in enumerate(["<unk>", "<end>", *_WORDS.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():  # the usual start is so small that every answer would be nearly 0
                parameter.add_(0.3 * torch.randn_like(parameter))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unk>")
    lm = LanguageModel(model, fast, name="tiny random model")
    live.leave_out(lm)
    return lm
