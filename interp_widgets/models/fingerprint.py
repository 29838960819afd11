"""A short name for exactly these weights: the same on every device, and in float32 and bfloat16."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from torch import nn

SAMPLES = 4096  # values taken of each tensor: quick at any size
_PROBE = "The capital of  Australia\n is\tCanberra, naïve 12,345 ½ 漢字 🙂 don't"  # shows merges, normalisation and BOS

_FIELDS = (  # what decides the computation, under every name that transformers uses for it
    "model_type", "vocab_size", "hidden_size", "intermediate_size", "n_inner", "num_hidden_layers",
    "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act", "hidden_activation",
    "activation_function", "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "max_position_embeddings",
    "rope_theta", "rope_parameters", "rope_scaling", "rotary_dim", "rotary_pct", "sliding_window", "layer_types",
    "tie_word_embeddings", "final_logit_softcapping",
    "attn_logit_softcapping", "query_pre_attn_scalar", "use_parallel_residual", "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
)  # fmt: skip


def fingerprint(model: nn.Module, tokenizer: Any) -> str:
    """SHA-256 over architecture fields, tokenizer (vocabulary, and what it makes of a probe text), and for each tensor
    its name, shape and up to 4,096 evenly spaced values rounded to bfloat16; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    fields = {name: getattr(model.config, name, None) for name in _FIELDS}
    digest.update(json.dumps(fields, sort_keys=True, default=str).encode())
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    digest.update(json.dumps(vocabulary).encode())
    digest.update(json.dumps(list(tokenizer(_PROBE, verbose=False)["input_ids"])).encode())
    special = {name: str(value) for name, value in tokenizer.special_tokens_map.items()}
    digest.update(json.dumps(special, sort_keys=True).encode())
    for name, tensor in model.named_parameters():
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        if tensor.device.type != "meta":  # offloaded by accelerate: name and shape must do
            digest.update(_sample(tensor.detach()))
    return digest.hexdigest()


def _sample(tensor: torch.Tensor) -> bytes:
    flat = tensor.reshape(-1)
    n = flat.numel()
    count = min(n, SAMPLES)
    where = torch.arange(count, dtype=torch.int64) * (n - 1) // max(count - 1, 1)
    values = flat[where.to(flat.device)].to(torch.bfloat16).cpu()
    return values.contiguous().view(torch.int16).numpy().tobytes()
