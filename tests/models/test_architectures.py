"""Is every site of every family what its name says? References are computed here from the parts of the model."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, Conv1D

from interp_widgets.errors import ArgumentError, OutOfRangeError, SelfCheckError, UnsupportedArchitectureError
from interp_widgets.models.architectures import LAYER_SITES, LAYOUTS, Architecture, Layout, Site, matrix_shape
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.models.selfcheck import run_check
from tests.tiny import FAMILIES, make_lm, make_model, make_tokenizer

IDS = torch.tensor([[5, 17, 230, 8, 99, 17, 301]])


def mlp_of(family: str, layer: Any, before: Tensor, attention: Tensor, parallel: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Key, value and output of a layer's MLP, worked out from the layer's own parts."""
    middle = before + attention
    if family == "gpt2":
        key = layer.mlp.act(layer.mlp.c_fc(layer.ln_2(middle)))
        value = layer.mlp.c_proj(key)
    elif family == "gptj":
        key = layer.mlp.act(layer.mlp.fc_in(layer.ln_1(before)))
        value = layer.mlp.fc_out(key)
    elif family == "gpt_neox":
        normed = layer.post_attention_layernorm(before if parallel else middle)
        key = layer.mlp.act(layer.mlp.dense_h_to_4h(normed))
        value = layer.mlp.dense_4h_to_h(key)
    else:
        gemma = family.startswith("gemma")
        normed = (layer.pre_feedforward_layernorm if gemma else layer.post_attention_layernorm)(middle)
        key = layer.mlp.act_fn(layer.mlp.gate_proj(normed)) * layer.mlp.up_proj(normed)
        value = layer.mlp.down_proj(key)
        return key, value, layer.post_feedforward_layernorm(value) if gemma else value
    return key, value, value


def projection_of(family: str, layer: Any) -> Any:
    if family == "gpt2":
        return layer.attn.c_proj
    if family == "gptj":
        return layer.attn.out_proj
    if family == "gpt_neox":
        return layer.attention.dense
    return layer.self_attn.o_proj


@pytest.mark.parametrize(
    ("family", "changes"), [*((family, {}) for family in FAMILIES), ("gpt_neox", {"use_parallel_residual": False})]
)
def test_each_site_is_what_its_name_says(family: str, changes: dict[str, Any]) -> None:
    lm = make_lm(family, dtype=torch.float64, **changes)
    a = lm.architecture
    with torch.no_grad():
        reference = lm.model(input_ids=IDS, output_hidden_states=True, use_cache=False)
        with lm.run(capture=a.sites()) as run:
            logits = lm.head(lm.hidden(IDS))
    at, hidden = run.captured, reference.hidden_states
    assert set(at) == set(a.sites())
    near: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9}
    for i, layer in enumerate(a.layers):
        before, after, attention, mlp_out, key, value, heads = (
            at[Site(kind, i)]
            for kind in ("resid_pre", "resid_post", "attn_out", "mlp_out", "mlp_key", "mlp_value", "head_out")
        )
        assert torch.equal(before, hidden[i])
        if i + 1 < a.n_layers:
            assert torch.equal(after, hidden[i + 1])
        with torch.no_grad():
            parallel = bool(changes.get("use_parallel_residual", True))
            own_key, own_value, own_out = mlp_of(family, layer, before, attention, parallel)
            projected = projection_of(family, layer)(heads)
            if family.startswith("gemma"):
                projected = layer.get_submodule("post_attention_layernorm")(projected)
        torch.testing.assert_close(key, own_key, **near)
        torch.testing.assert_close(value, own_value, **near)
        torch.testing.assert_close(mlp_out, own_out, **near)
        torch.testing.assert_close(attention, projected, **near)
        torch.testing.assert_close(after, before + attention + mlp_out, **near)
        assert heads.shape[-1] == a.n_heads * a.head_dim
        assert key.shape[-1] == a.mlp_width
    torch.testing.assert_close(a.final_norm(at[Site("resid_post", a.n_layers - 1)]), hidden[-1], **near)
    assert torch.equal(logits, reference.logits)
    torch.testing.assert_close(a.finish_logits(at[Site("logits")]), reference.logits, **near)
    if family != "gpt2":  # it adds learned positions after the lookup
        assert torch.equal(at[Site("embedding")], hidden[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes(family: str) -> None:
    model = make_model(family)
    a = Architecture(model)
    assert (a.n_layers, a.width, a.n_heads, a.head_dim, a.vocabulary) == (3, 32, 4, 8, 400)
    assert a.context_length == model.config.max_position_embeddings
    assert a.weight_shape(1) == (32, a.mlp_width)
    assert len(a.sites()) == 3 * len(LAYER_SITES) + 2
    assert a.tied == (family in ("gpt2", "gemma2", "gemma3_text"))
    assert a.embedding_scale == (pytest.approx(32**0.5) if family.startswith("gemma") else 1.0)
    assert (a.soft_cap is not None) == (family == "gemma2")


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "llama, parts swapped": ("llama", {"attention": "mlp", "mlp": "self_attn"}),
    "llama, MLP's norm for its output": ("llama", {"mlp": "post_attention_layernorm"}),
    "llama, up for down": ("llama", {"down_projection": "mlp.gate_proj"}),
    "llama, another layer's matrix": ("llama", {"down_projection": "self_attn.o_proj"}),
    "llama, query for output": ("llama", {"attention_projection": "self_attn.q_proj"}),
    "llama, wrong final norm": ("llama", {"final_norm": "layers.0.input_layernorm"}),
    "llama, post-norm that is none": ("llama", {"attention_norm": "input_layernorm"}),
    "gpt2, parts swapped": ("gpt2", {"attention": "mlp", "mlp": "attn"}),
    "gpt2, up for down": ("gpt2", {"down_projection": "mlp.c_fc"}),
    "gptj, parts swapped": ("gptj", {"attention": "mlp", "mlp": "attn"}),
    "gpt_neox, parts swapped": ("gpt_neox", {"attention": "mlp", "mlp": "attention"}),
    "gemma2 without post-norms": ("gemma2", {"attention_norm": None, "mlp_norm": None}),
    "gemma3 without one post-norm": ("gemma3_text", {"mlp_norm": None}),
    "gemma3, post-norms swapped": (
        "gemma3_text",
        {"attention_norm": "post_feedforward_layernorm", "mlp_norm": "post_attention_layernorm"},
    ),
    "gemma2, a pre-norm for a post-norm": ("gemma2", {"mlp_norm": "pre_feedforward_layernorm"}),
}


@pytest.mark.parametrize("case", WRONG)
def test_self_check_catches_a_wrong_map(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family, changes = WRONG[case]
    make_lm(family)  # the right map passes, is remembered, and must not speak for the wrong one
    monkeypatch.setitem(LAYOUTS, family, dataclasses.replace(LAYOUTS[family], **changes))
    with pytest.raises(SelfCheckError, match=f"{family}.*not true"):
        make_lm(family)


def opt() -> Any:
    config = AutoConfig.for_model(
        "opt",
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        ffn_dim=64,
        word_embed_proj_dim=32,
        max_position_embeddings=64,
    )
    return AutoModelForCausalLM.from_config(config).eval()


def test_unknown_family_is_refused_by_name_and_told_how_to_add_it() -> None:
    with pytest.raises(
        UnsupportedArchitectureError, match=r"'opt'.*known: gpt2, .*LAYOUTS\['opt'\] = Layout"
    ) as caught:
        LanguageModel(opt(), make_tokenizer())
    assert isinstance(caught.value, NotImplementedError)


def test_near_name_is_offered() -> None:
    model = make_model("gemma2")
    model.config.model_type = "gemma3_txt"
    with pytest.raises(UnsupportedArchitectureError, match="Did you mean 'gemma3_text'"):
        Architecture(model)


def test_family_is_added_by_one_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(
        layers="decoder.layers",
        final_norm="decoder.final_layer_norm",
        attention="self_attn",
        attention_projection="self_attn.out_proj",
        mlp="fc2",
        down_projection="fc2",
    )
    monkeypatch.setitem(LAYOUTS, "opt", layout)
    lm = LanguageModel(opt(), make_tokenizer())
    assert run_check(lm).failures() == []
    monkeypatch.setitem(LAYOUTS, "opt", dataclasses.replace(layout, attention="attention"))
    with pytest.raises(UnsupportedArchitectureError, match=r"'opt' does not fit this model.*attention"):
        LanguageModel(opt(), make_tokenizer())


def test_out_of_range_names_the_argument_the_value_and_the_range() -> None:
    a = Architecture(make_model("llama"))
    assert (a.check_layer(-1), a.check_head(-4), a.check_neuron(47)) == (2, 0, 47)
    with pytest.raises(OutOfRangeError, match="layer=3: llama has layers 0 to 2"):
        a.check_layer(3)
    with pytest.raises(OutOfRangeError, match="layer=-4"):
        a.check_layer(-4)
    with pytest.raises(OutOfRangeError, match="head=4: llama has heads 0 to 3"):
        a.check_head(4)
    with pytest.raises(OutOfRangeError, match="neuron=48: llama has neurons 0 to 47") as caught:
        a.check_neuron(48)
    assert isinstance(caught.value, IndexError)
    for nonsense in (None, True, 1.0, "1"):
        with pytest.raises(OutOfRangeError, match="layer="):
            a.check_layer(nonsense)  # type: ignore[arg-type]  # wrong on purpose


def test_sites_and_modules_that_do_not_exist() -> None:
    a = Architecture(make_model("llama"))
    with pytest.raises(ArgumentError, match=r"site='residual'.*resid_pre"):
        a.module(Site("residual", 0))
    with pytest.raises(OutOfRangeError, match="layer=9"):
        a.module(Site("mlp_out", 9))
    with pytest.raises(ArgumentError, match=r"did you mean 'model\.layers\.1\.mlp\.up_proj'"):
        a.named_module("model.layers.1.mlp.upproj")


def test_matrix_shape_goes_by_type_not_by_shape() -> None:
    assert matrix_shape(Conv1D(5, 3)) == (5, 3)  # Conv1D(outputs, inputs)
    assert matrix_shape(torch.nn.Linear(3, 5)) == (5, 3)
    with pytest.raises(ArgumentError, match="LayerNorm has no weight matrix"):
        matrix_shape(torch.nn.LayerNorm(3))


def test_sites_have_plain_names() -> None:
    names = [str(site) for site in (Site("mlp_out", 3), Site("logits"), Site("module", path="lm_head"))]
    assert names == ["layer 3 mlp_out", "logits", "lm_head"]
