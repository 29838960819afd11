"""The texts that activate neurons most, against activations taken with plain hooks and sorted by numpy."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import (
    ArgumentError,
    Cancelled,
    EmptyPromptError,
    NonFiniteError,
    OutOfRangeError,
    PromptTooLongError,
)
from interp_widgets.models.architectures import LAYOUTS, is_conv1d
from tests.tiny import make_lm

TEXTS = [
    "I",
    "The city of Paris is warm",
    "not",
    "She opened the window because the room was warm.",
    "import numpy as np\nprint(np.arange(3))\n",
    "It is 👋 warm",
    "The capital of Australia is Canberra and not Sydney.",
    "The Eiffel Tower is located in the city of Paris.",
]
LAYER = 1


def by_hand(lm: Any, texts: list[str], layer: int = LAYER) -> list[Any]:
    """Activations (tokens, neurons) of each text: the down-projection's input, by a hook of torch's own."""
    a, found = lm.architecture, []
    module = a.layers[layer].get_submodule(LAYOUTS[a.model_type].down_projection)
    handle = module.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0][0].detach().double().numpy()))
    try:
        with torch.no_grad():
            for text in texts:
                lm.model(torch.as_tensor(lm.tokenizer(text)["input_ids"])[None])
    finally:
        handle.remove()
    return found


@pytest.mark.parametrize("sign", ["positive", "negative"])
@pytest.mark.parametrize("batch_size", [None, 1, 3])
def test_all_neurons_equal_to_sorting_everything(any_lm: Any, sign: str, batch_size: int | None) -> None:
    found = iw.max_activating(any_lm, TEXTS, layer=LAYER, k=5, sign=sign, batch_size=batch_size)
    signed = [x * (1 if sign == "positive" else -1) for x in by_hand(any_lm, TEXTS)]
    peaks = np.stack([x.max(0) for x in signed], axis=1)
    values = found.values * (1 if sign == "positive" else -1)
    np.testing.assert_allclose(values, -np.sort(-peaks, axis=1)[:, :5], atol=1e-4)
    rows = np.arange(len(values))[:, None]
    np.testing.assert_allclose(peaks[rows, found.text_index], values, atol=1e-4)
    assert all(len(set(row)) == 5 for row in found.text_index.tolist())  # one entry for each text
    for row, (texts, places) in enumerate(zip(found.text_index.tolist(), found.positions.tolist(), strict=True)):
        at = [signed[text][place, row] for text, place in zip(texts, places, strict=True)]
        np.testing.assert_allclose(at, values[row], atol=1e-4)
    masses = np.stack([np.clip(x, 0, None).sum(0) for x in signed], axis=1)
    np.testing.assert_allclose(found.masses, masses[rows, found.text_index], atol=1e-3)
    np.testing.assert_allclose(found.total_mass, masses.sum(1), atol=1e-3)


def test_figures_of_all_tokens(any_lm: Any) -> None:
    found = iw.max_activating(any_lm, TEXTS, layer=LAYER, k=2, batch_size=3)
    tokens = np.concatenate(by_hand(any_lm, TEXTS))
    assert found.tokens_counted == len(tokens)
    assert found.tokens_left_out == 0
    np.testing.assert_allclose(found.mean, tokens.mean(0), atol=1e-5)
    np.testing.assert_allclose(found.deviation, tokens.std(0), atol=1e-5)
    np.testing.assert_allclose(found.minimum, tokens.min(0), atol=1e-5)
    np.testing.assert_allclose(found.maximum, tokens.max(0), atol=1e-5)
    np.testing.assert_allclose(found.above_zero, (tokens > 0).mean(0), atol=1e-12)
    for neuron in range(0, tokens.shape[1], 7):
        edges, counts = found.histogram(neuron)
        assert 0 in edges or edges[0] > 0 or edges[-1] < 0
        assert counts[0]
        assert counts[-1]
        assert counts.sum() == len(tokens)
        # Rounding may move an activation that lies on an edge by one bin, so whole sums are compared.
        np.testing.assert_allclose(np.cumsum(counts), [(tokens[:, neuron] < edge).sum() for edge in edges[1:]], atol=1)


def test_one_neuron_is_a_row_of_all(any_lm: Any) -> None:
    whole = iw.max_activating(any_lm, TEXTS, layer=LAYER, k=3)
    one = iw.max_activating(any_lm, TEXTS, layer=LAYER - any_lm.architecture.n_layers, neuron=-5, k=3)
    neuron = any_lm.architecture.mlp_width - 5
    assert one.neurons.tolist() == [neuron]
    assert one.layer == LAYER
    assert one.neuron == neuron
    assert one.top() == whole.top(neuron)
    for name in ("values", "counts", "mean", "deviation", "total_mass", "promoted"):
        np.testing.assert_allclose(getattr(one, name)[0], getattr(whole, name)[neuron], rtol=1e-5, atol=1e-6)
    shown = whole.show(neuron)
    for mine, its in zip(one.contexts(), shown.contexts(), strict=True):
        assert mine.text == its.text
        np.testing.assert_allclose(mine.activations, its.activations, atol=1e-4)
    activations = by_hand(any_lm, TEXTS)
    for context, index in zip(one.contexts(), one.text_index[0], strict=True):
        np.testing.assert_allclose(context.activations, activations[index][:, neuron], atol=1e-4)
    assert one.provenance.forward_passes == len(TEXTS)


def test_layers_above_are_not_computed(any_lm: Any) -> None:
    a: Any = any_lm.architecture
    seen: list[int] = []
    bad(any_lm)  # the first run of a model that stops early asks one layer for the form of its outputs
    sites = [a.layers[layer].get_submodule(a.layout.mlp) for layer in range(a.n_layers)]
    handles = [m.register_forward_hook(lambda *_, layer=i: seen.append(layer)) for i, m in enumerate(sites)]
    iw.max_activating(any_lm, TEXTS, layer=LAYER, neuron=0)
    for handle in handles:
        handle.remove()
    assert set(seen) == set(range(LAYER + 1))


def plant(lm: Any, token: str) -> int:
    """Make neuron 7 of layer 0 fire for one token alone: gate and value look at that token's embedding, and neither
    attention nor position moves the state."""
    a: Any = lm.architecture
    (wanted,) = lm.tokenizer(token, add_special_tokens=False)["input_ids"]
    layer = a.layers[0]
    with torch.no_grad():
        a.embedding.weight.zero_()
        a.embedding.weight[:, 1] = 1.0
        a.embedding.weight[wanted, :2] = torch.tensor([1.0, 0.0])
        layer.self_attn.o_proj.weight.zero_()
        layer.post_attention_layernorm.weight.fill_(1.0)
        for matrix in (layer.mlp.gate_proj.weight, layer.mlp.up_proj.weight):
            matrix[7] = 0
            matrix[7, 0] = 1.0
    return int(wanted)


@pytest.mark.parametrize("bos", [False, True])
def test_a_planted_neuron_lists_exactly_the_texts_with_its_token(bos: bool) -> None:
    lm = make_lm("llama", bos=bos)
    wanted = plant(lm, " the")
    texts = ["She opened the window because the room was warm.", "Paris", "not", "in the city", "Sydney is warm", "I"]
    found = iw.max_activating(lm, texts, layer=0, neuron=7, k=4)
    assert found.text_index[0, :2].tolist() == [0, 3]
    assert (found.values[0, :2] > 1).all()
    assert found.token_ids[0, :2].tolist() == [wanted] * 2
    assert [top.token for top in found.top(k=2)] == [" the"] * 2
    assert [texts[top.index][slice(*top.span)] for top in found.top(k=2)] == [" the"] * 2
    np.testing.assert_allclose(found.values[0, 2:], 0, atol=1e-6)
    assert found.held() == pytest.approx(1)
    assert found.top()[0].share == pytest.approx(2 / 3)
    verdict = found.verdict()
    assert verdict is not None
    assert verdict.word == "caution"
    assert verdict.sentence.startswith("only 2 of these 4")
    assert (found.contexts()[0].activations > 1).sum() == 2


def test_padding_changes_nothing(any_lm: Any) -> None:
    one = iw.max_activating(any_lm, TEXTS, layer=LAYER, neuron=3, k=8, batch_size=1)
    together = iw.max_activating(any_lm, TEXTS, layer=LAYER, neuron=3, k=8, batch_size=8)
    assert (one.provenance.batch_size, together.provenance.batch_size) == (1, 8)
    np.testing.assert_allclose(one.values, together.values, atol=1e-4)
    for name in ("mean", "deviation", "minimum", "maximum", "total_mass"):
        np.testing.assert_allclose(getattr(one, name), getattr(together, name), atol=1e-4)
    activations = by_hand(any_lm, TEXTS)
    for found in (one, together):
        at = [activations[i][p, 3] for i, p in zip(found.text_index[0], found.positions[0], strict=True)]
        np.testing.assert_allclose(found.values[0], at, atol=1e-4)


def test_special_tokens_that_the_tokenizer_adds_do_not_count() -> None:
    lm = make_lm("llama", bos=True)
    found = iw.max_activating(lm, ["<s>not", *TEXTS], layer=LAYER, k=9)
    assert found.tokens_left_out == len(TEXTS) + 1
    assert found.provenance.bos == 1
    assert (found.positions > 0).all()
    assert (found.token_ids != lm.tokenizer.bos_token_id).all()
    tokens = np.concatenate([x[1:] for x in by_hand(lm, TEXTS)])
    own = by_hand(lm, ["not"])[0][1:]
    tokens = np.concatenate([tokens, own])
    assert found.tokens_counted == len(tokens)
    np.testing.assert_allclose(found.maximum, tokens.max(0), atol=1e-5)
    context = found.show(0).contexts()[0]
    assert np.isnan(context.activations[0])
    assert np.isfinite(context.activations[1:]).all()


def test_of_equal_texts_the_earlier_one() -> None:
    lm = make_lm("gpt2")
    found = iw.max_activating(lm, ["not", "I", "not", "not"], layer=0, neuron=0, k=4, batch_size=4)
    order = found.text_index[0].tolist()
    assert order in ([0, 2, 3, 1], [1, 0, 2, 3])


def test_k_beyond_the_texts_lists_all_and_says_so() -> None:
    lm = make_lm("gpt2")
    found = iw.max_activating(lm, TEXTS[:3], layer=0, neuron=0)
    assert found.values.shape == (1, 3)
    assert "k=20 was asked, there are 3 texts" in found.provenance.notes
    assert found.finding().startswith("These are all 3 texts")


def test_interventions_act_and_are_named() -> None:
    lm = make_lm("llama")
    plain = iw.max_activating(lm, TEXTS, layer=LAYER, neuron=2)
    vector = iw.AddedVector(np.full(lm.architecture.width, 0.5, np.float32), layer=0)
    with lm.using(vector):
        moved = iw.max_activating(lm, TEXTS, layer=LAYER, neuron=2)
    assert moved.provenance.interventions
    assert not np.allclose(moved.values, plain.values)
    with pytest.raises(ArgumentError, match="interventions active"):
        moved.with_text("The city")


# Promoted and demoted tokens


@pytest.mark.parametrize("family", ["gpt2", "gptj", "gpt_neox", "llama", "qwen2"])
def test_promoted_tokens_are_the_weight_through_norm_and_head(family: str) -> None:
    lm = make_lm(family)
    a: Any = lm.architecture
    found = iw.max_activating(lm, TEXTS[:2], layer=LAYER, neuron=4)
    module: Any = a.down_projection(LAYER)
    weight = module.weight.detach().double()
    column = weight[4] if is_conv1d(module) else weight[:, 4]
    norm = {name: parameter.detach().double() for name, parameter in a.final_norm.named_parameters()}
    if "bias" in norm:  # LayerNorm
        column = column - column.mean()
    unit = column / column.square().mean().sqrt() * norm["weight"]
    logits = (a.unembedding.weight.detach().double() @ unit).numpy()
    order = np.argsort(-logits)
    assert found.promoted_ids[0].tolist() == order[:10].tolist()
    assert found.demoted_ids[0].tolist() == order[::-1][:10].tolist()
    np.testing.assert_allclose(found.promoted[0], logits[order[:10]], rtol=1e-3)
    negative = iw.max_activating(lm, TEXTS[:2], layer=LAYER, neuron=4, sign="negative")
    assert negative.promoted_ids.tolist() == found.demoted_ids.tolist()
    np.testing.assert_allclose(negative.promoted, -found.demoted, rtol=1e-5)


@pytest.mark.parametrize("family", ["gemma2", "gemma3_text"])
def test_promoted_tokens_of_a_family_with_post_norm(family: str) -> None:
    """By the model's own way from the MLP's value to the logits, of a state that is this neuron's output alone; the
    soft-cap is taken back."""
    lm = make_lm(family)
    a: Any = lm.architecture
    found = iw.max_activating(lm, TEXTS[:2], layer=LAYER, neuron=4)
    layer = a.layers[LAYER]
    key = torch.zeros(a.mlp_width)
    key[4] = 100.0
    with torch.no_grad():
        value = layer.mlp.down_proj(key)
        logits = a.unembedding(a.final_norm(layer.post_feedforward_layernorm(value))).numpy()
    order = np.argsort(-logits)
    assert found.promoted_ids[0].tolist() == order[:10].tolist()
    np.testing.assert_allclose(found.promoted[0], logits[order[:10]], rtol=1e-3)
    np.testing.assert_allclose(found.demoted[0], logits[order[::-1][:10]], rtol=1e-3)


# Bad input, cancel, saving


def bad(lm: Any, texts: Any = TEXTS, **settings: Any) -> None:
    iw.max_activating(lm, texts, **{"layer": 0, "neuron": 0, **settings})


@pytest.mark.parametrize(
    ("texts", "error", "words"),
    [
        ([], ArgumentError, r"texts=\[\] is empty"),
        ("The city", ArgumentError, r"not a list of strings; for one text give \['The city'\]"),
        (iter(["I"]), ArgumentError, "not a list of strings"),
        (["I", ""], EmptyPromptError, r"texts\[1\]='' is empty"),
        (["I", 3], ArgumentError, r"texts\[1\]=3 is not a string"),
        (["I", "not " * 300], PromptTooLongError, r"texts\[1\] has \d+ tokens, the model's context holds 256"),
        (["<s>"], EmptyPromptError, r"texts\[0\]='<s>' has no tokens beside special ones"),
        (["\ud800"], ArgumentError, r"texts\[0\].*surrogate"),
    ],
)
def test_texts_that_cannot_be_read(texts: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bad(make_lm("gpt2"), texts)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"layer": 3}, OutOfRangeError, "layer=3: gpt2 has layers 0 to 2"),
        ({"neuron": 128}, OutOfRangeError, "neuron=128: gpt2 has neurons 0 to 127"),
        ({"neuron": True}, OutOfRangeError, "neuron=True"),
        ({"k": 0}, ArgumentError, "k=0: a whole number from 1"),
        ({"k": 2.5}, ArgumentError, "k=2.5"),
        ({"batch_size": 0}, ArgumentError, "batch_size=0"),
        ({"sign": "both"}, ArgumentError, "sign='both': one of positive, negative"),
    ],
)
def test_wishes_that_cannot_be(settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bad(make_lm("gpt2"), **settings)


def test_infinite_activations_are_an_error() -> None:
    lm = make_lm("llama")
    with torch.no_grad():
        layer: Any = lm.architecture.layers[0]
        layer.mlp.up_proj.weight[0] = torch.inf
    with pytest.raises(NonFiniteError, match="layer 0"):
        bad(lm)


def test_cancel_and_confirm() -> None:
    lm = make_lm("gpt2")
    flag = threading.Event()
    told = []

    def progress(done: int, total: int, text: str) -> None:
        told.append(done)
        flag.set()

    with pytest.raises(Cancelled):
        bad(lm, batch_size=1, cancel=flag, progress=progress)
    assert told == [1]
    asked = []
    with pytest.raises(Cancelled):
        bad(lm, confirm=lambda cost: asked.append(cost))
    assert asked == [iw.estimate(iw.max_activating, lm, TEXTS, layer=0, neuron=0)]
    assert asked[0].forward_passes == len(TEXTS)
    assert asked[0].seconds > 0
    assert asked[0].bytes > 0
    every = iw.estimate(iw.max_activating, lm, TEXTS, layer=0)
    assert every.bytes > asked[0].bytes
    assert every.seconds > asked[0].seconds


@pytest.mark.parametrize("neuron", [None, 5])
def test_saved_and_loaded(tmp_path: Path, neuron: int | None) -> None:
    lm = make_lm("gemma2", bos=True)
    found = iw.max_activating(lm, TEXTS, layer=LAYER, neuron=neuron, k=3).with_text("The 👋 city")
    loaded = iw.load_result(found.save(tmp_path / "neurons"))
    assert isinstance(loaded, iw.NeuronResult)
    assert loaded.top() == found.top()
    assert loaded.finding() == found.finding()
    assert loaded.texts == found.texts
    assert loaded.promotes(5) == found.promotes(5)
    assert loaded.corpus == found.corpus
    for mine, its in zip(loaded.contexts(), found.contexts(), strict=True):
        assert mine.text == its.text
        np.testing.assert_array_equal(mine.activations, its.activations)
    assert loaded.tried == ("The 👋 city",)
    assert len(loaded.contexts()) == (4 if neuron else 1)
    assert loaded.to_frame().equals(found.to_frame())
    assert len(found.to_frame()) == found.values.size
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0


def test_a_neuron_that_the_result_does_not_hold() -> None:
    found = iw.max_activating(make_lm("gpt2"), TEXTS, layer=0, neuron=5)
    with pytest.raises(OutOfRangeError, match="this result holds 5 of layer 0"):
        found.top(6)
