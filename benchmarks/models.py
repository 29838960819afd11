"""Which model a benchmark runs on: the default one, or random weights of another size, which do for time and memory."""

from __future__ import annotations

import argparse
from typing import Any

import torch

import interp_widgets as iw
from interp_widgets.models.language_model import LanguageModel

SIZES: dict[str, dict[str, int]] = {
    "llama-8b": {
        "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "vocab_size": 128256,
    },
    "tiny": {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 49152,
    },
}  # fmt: skip


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", choices=("default", *SIZES), default="default",
        help="random weights in bfloat16 for llama-8b (16 GB; on the GPU where there is one)",
    )  # fmt: skip


def load(name: str) -> Any:
    """The default model, or random weights of that size with its tokenizer."""
    default = iw.load_model()
    if name == "default":
        return default
    from transformers import AutoModelForCausalLM, LlamaConfig

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config: Any = LlamaConfig
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(
            config(**SIZES[name], eos_token_id=0, bos_token_id=None, pad_token_id=None),
            dtype=torch.bfloat16 if name == "llama-8b" else torch.float32,
        )
    return LanguageModel(model.eval(), default.tokenizer, name=f"{name}, random weights")
