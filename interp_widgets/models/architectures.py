"""Where each family of transformers keeps its parts.

Everything above this file speaks of *sites*: places in the network where an activation can be read or changed.

    resid_pre, resid_post   residual stream before and after a layer, (batch, positions, width)
    attn_out, mlp_out       what is added to the residual stream, after a post-norm if there is one
    mlp_key, mlp_value      input and output of the MLP's down-projection
    head_out                input of the attention's output projection, (batch, positions, heads * head_dim)
    embedding               output of the token embedding, after the model's own scaling
    logits                  output of the head, before a soft-cap

To add a family, add one `Layout` to `LAYOUTS`; the self-check says whether it is true.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from interp_widgets.errors import ArgumentError, OutOfRangeError, UnsupportedArchitectureError

LAYER_SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out", "mlp_key", "mlp_value", "head_out")
MODEL_SITES = ("embedding", "logits")
Where = Literal["input", "output"]


@dataclass(frozen=True)
class Site:
    """A place in the network: a kind from `LAYER_SITES` with its layer, one from `MODEL_SITES` without, or the output
    of any module by its `path` in the model (kind "module")."""

    kind: str
    layer: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return self.path
        return self.kind if self.layer is None else f"layer {self.layer} {self.kind}"


@dataclass(frozen=True)
class Layout:
    """Module paths of one family, relative to the base model (`layers`, `final_norm`) or to a layer (the others)."""

    layers: str
    final_norm: str
    attention: str
    attention_projection: str
    mlp: str
    down_projection: str
    attention_norm: str | None = None  # post-norm between the attention and the residual stream
    mlp_norm: str | None = None  # post-norm between the MLP and the residual stream
    queries_keys: tuple[str, ...] = ("q_proj", "k_proj")  # in the attention
    fused: str | None = None  # queries, keys and values of one module: in "thirds", or one after the other "by head"


_LLAMA = Layout(
    layers="layers",
    final_norm="norm",
    attention="self_attn",
    attention_projection="self_attn.o_proj",
    mlp="mlp",
    down_projection="mlp.down_proj",
)
_GEMMA = Layout(
    layers="layers",
    final_norm="norm",
    attention="self_attn",
    attention_projection="self_attn.o_proj",
    mlp="mlp",
    down_projection="mlp.down_proj",
    attention_norm="post_attention_layernorm",
    mlp_norm="post_feedforward_layernorm",
)

LAYOUTS: dict[str, Layout] = {  # by transformers' `model_type`
    "gpt2": Layout("h", "ln_f", "attn", "attn.c_proj", "mlp", "mlp.c_proj", queries_keys=("c_attn",), fused="thirds"),
    "gptj": Layout("h", "ln_f", "attn", "attn.out_proj", "mlp", "mlp.fc_out"),
    "gpt_neox": Layout(
        "layers",
        "final_layer_norm",
        "attention",
        "attention.dense",
        "mlp",
        "mlp.dense_4h_to_h",
        queries_keys=("query_key_value",),
        fused="by head",
    ),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gemma2": _GEMMA,
    "gemma3_text": _GEMMA,
}


class Architecture:
    """The map of one model: its sizes, and the module and side (input or output) of every site."""

    def __init__(self, model: Any) -> None:  # a PreTrainedModel, whose parts torch types as Tensor | Module
        config = model.config
        self.model_type = str(config.model_type)
        layout = LAYOUTS.get(self.model_type)
        if layout is None:
            near = difflib.get_close_matches(self.model_type, LAYOUTS, n=1)
            raise UnsupportedArchitectureError(
                f"no architecture map for model type {self.model_type!r}; known: {', '.join(LAYOUTS)}."
                + (f" Did you mean {near[0]!r}?" if near else "")
                + " To add one, give its module paths as a Layout in interp_widgets.models.architectures.LAYOUTS"
                f" (LAYOUTS[{self.model_type!r}] = Layout(...)); the self-check tells whether it is right."
            )
        self.layout = layout
        self.model = model
        self.base: nn.Module = model.base_model
        try:
            self.layers: list[nn.Module] = list(self.base.get_submodule(layout.layers).children())
            self.final_norm = self.base.get_submodule(layout.final_norm)
            self._parts = [self._find_parts(layer) for layer in self.layers]
        except AttributeError as error:
            raise UnsupportedArchitectureError(
                f"the map for model type {self.model_type!r} does not fit this model: {error}"
            ) from error
        self.embedding: Any = model.get_input_embeddings()
        self.unembedding: Any = model.get_output_embeddings()
        self.width = int(config.hidden_size)
        self.n_layers = len(self.layers)
        self.n_heads = int(config.num_attention_heads)
        self.n_key_value_heads = int(getattr(config, "num_key_value_heads", None) or self.n_heads)
        self.head_dim = int(getattr(config, "head_dim", None) or self.width // self.n_heads)
        self.vocabulary = int(self.unembedding.weight.shape[0])
        self.soft_cap: float | None = getattr(config, "final_logit_softcapping", None)
        self.context_length = int(config.max_position_embeddings)
        self.mlp_width = self.weight_shape(0)[1]
        # Gemma multiplies each row that it looks up by the square root of the width, rounded to its dtype.
        scale = getattr(self.embedding, "embed_scale", None)
        self.embedding_scale = float(scale.to(self.embedding.weight.dtype)) if isinstance(scale, Tensor) else 1.0
        self.tied = self.unembedding.weight is self.embedding.weight

    def _find_parts(self, layer: nn.Module) -> dict[str, tuple[nn.Module, Where]]:
        layout, at = self.layout, layer.get_submodule
        return {
            "resid_pre": (layer, "input"),
            "resid_post": (layer, "output"),
            "attn_out": (at(layout.attention_norm or layout.attention), "output"),
            "mlp_out": (at(layout.mlp_norm or layout.mlp), "output"),
            "mlp_key": (at(layout.down_projection), "input"),
            "mlp_value": (at(layout.down_projection), "output"),
            "head_out": (at(layout.attention_projection), "input"),
        }

    def module(self, site: Site) -> tuple[nn.Module, Where]:
        """The module whose input or output is the site's activation."""
        if site.path is not None:
            return self.named_module(site.path), "output"
        if site.kind in MODEL_SITES:
            return (self.embedding if site.kind == "embedding" else self.unembedding), "output"
        if site.kind not in LAYER_SITES:
            raise ArgumentError(f"site={site.kind!r} is not known; one of {', '.join(LAYER_SITES + MODEL_SITES)}")
        return self._parts[self.check_layer(site.layer)][site.kind]

    def sites(self) -> list[Site]:
        """All sites, in no particular order."""
        layered = [Site(kind, layer) for layer in range(self.n_layers) for kind in LAYER_SITES]
        return layered + [Site(kind) for kind in MODEL_SITES]

    @property
    def weight_of_embedding(self) -> Tensor:
        """(vocabulary, width); its device and dtype are those of prompts."""
        weight: Tensor = self.embedding.weight
        return weight

    def check_layer(self, layer: int | None) -> int:
        """The layer as a number from 0; negative ones count from the end."""
        return self._index("layer", layer, self.n_layers)

    def check_head(self, head: int) -> int:
        """A query head as a number from 0; negative ones count from the end."""
        shared = self.n_key_value_heads
        also = f"; its {self.n_heads} query heads share {shared} key-value heads" if shared < self.n_heads else ""
        return self._index("head", head, self.n_heads, also)

    def check_neuron(self, neuron: int) -> int:
        return self._index("neuron", neuron, self.mlp_width)

    def _index(self, name: str, value: int | None, size: int, also: str = "") -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not -size <= value < size:
            raise OutOfRangeError(f"{name}={value!r}: {self.model_type} has {name}s 0 to {size - 1}{also}")
        return value % size

    def named_module(self, path: str) -> nn.Module:
        """Any module by its path in the model, for example "model.layers.3.mlp.up_proj"."""
        try:
            module: nn.Module = self.model.get_submodule(path)
            return module
        except AttributeError:
            names = [name for name, _ in self.model.named_modules() if name]
            near = difflib.get_close_matches(path, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ArgumentError(f"module={path!r} is not a part of this {self.model_type} model{hint}") from None

    def down_projection(self, layer: int) -> nn.Module:
        """The module that holds the MLP's value matrix of this layer."""
        return self._parts[self.check_layer(layer)]["mlp_value"][0]

    def weight_shape(self, layer: int) -> tuple[int, int]:
        """(outputs, inputs) of the value matrix, however the module stores it."""
        return matrix_shape(self.down_projection(layer))

    def project_heads(self, layer: int, heads: Tensor) -> Tensor:
        """What the model makes of `head_out`: (..., heads * head_dim) to `attn_out`, (..., width)."""
        out: Tensor = self._parts[self.check_layer(layer)]["head_out"][0](heads)
        norm = self.layout.attention_norm
        return out if norm is None else self.layers[layer].get_submodule(norm)(out)

    def finish_logits(self, logits: Tensor) -> Tensor:
        """What the model does to the head's output before it returns it: Gemma 2's soft-cap."""
        if self.soft_cap is None:
            return logits
        return torch.tanh(logits / self.soft_cap) * self.soft_cap


def is_conv1d(module: nn.Module) -> bool:
    """GPT-2 stores its matrices as (inputs, outputs). By type: the shape of a square matrix does not tell."""
    return type(module).__name__ == "Conv1D"


def matrix_shape(module: nn.Module) -> tuple[int, int]:
    """(outputs, inputs) of a Linear or a Conv1D."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 2:
        raise ArgumentError(f"{type(module).__name__} has no weight matrix; name a Linear or Conv1D module")
    rows, columns = weight.shape
    return (columns, rows) if is_conv1d(module) else (rows, columns)
