"""Directions here against repeng's for the same pairs, and control vectors handed over in GGUF, both ways.

repeng's "pca_diff" is our "pca_centred", its "pca_center" our "pca_uncentred".  It reads the last layer's state after
the model's final norm (transformers' last hidden state), which is not what a hook at that layer adds to: there, ours
equals its only on normed states.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

import interp_widgets as iw
from benchmarks import peers
from interp_widgets.models.states import last_states
from interp_widgets.steering.directions import direction
from tests.tiny import make_lm

try:
    repeng: Any = peers.repeng()
except ImportError:
    pytest.skip("repeng is not installed: make peers", allow_module_level=True)

pytestmark = pytest.mark.peers

# Of an odd number of pairs: where as many point one way as the other, repeng leaves the sign to chance.
THEIRS = {"pca_centred": "pca_diff", "pca_uncentred": "pca_center"}
TOPICS = ("the train", "a long day", "my neighbour", "the film", "rain", "our garden", "the office", "lunch", "them")
GLAD = [f"I am delighted about {topic} and" for topic in TOPICS]
SAD = [f"I am upset about {topic} and" for topic in TOPICS]


def padding_tokenizer(lm: Any) -> Any:
    """Its own copy: repeng pads, and the tiny tokenizer has nothing to pad with."""
    import copy

    tokenizer = copy.deepcopy(lm.tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def theirs(lm: Any, method: str) -> Any:
    pairs = [repeng.DatasetEntry(positive=one, negative=other) for one, other in zip(GLAD, SAD, strict=True)]
    return repeng.ControlVector.train(lm.model, padding_tokenizer(lm), pairs, method=THEIRS[method])


def cosine(one: Any, other: Any) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def compared(lm: Any, method: str) -> list[float]:
    """Cosine at each layer that repeng has, 1 to the last."""
    mine, other = iw.control_vector(lm, GLAD, SAD, method), theirs(lm, method).directions
    last = lm.architecture.n_layers - 1
    assert sorted(other) == list(range(1, last + 1))
    found = [cosine(mine.directions[layer], other[layer]) for layer in range(1, last)]
    states = torch.from_numpy(last_states(lm, [*GLAD, *SAD], layers=[last]).last[:, 0])
    with torch.no_grad():
        normed = lm.architecture.final_norm(states).double().numpy()
    return [*found, cosine(direction(method, normed[: len(GLAD)], normed[len(GLAD) :]), other[last])]


@pytest.mark.parametrize("family", ["gpt2", "gptj", "llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text"])
@pytest.mark.parametrize("method", sorted(THEIRS))
def test_the_same_directions_at_every_layer(family: str, method: str) -> None:
    assert min(compared(make_lm(family), method)) > 0.9999


@pytest.mark.default_model
@pytest.mark.parametrize("method", sorted(THEIRS))
def test_the_same_directions_on_the_default_model(default_lm: Any, method: str, record_property: Any) -> None:
    found = compared(default_lm, method)
    record_property("least cosine", min(found))
    print(f"{method} and {THEIRS[method]}, {len(found)} layers: cosine at least {min(found):.6f}")
    assert min(found) > 0.999


def test_what_we_write_repeng_and_gguf_read(tmp_path: Path) -> None:
    lm = make_lm("llama")
    v = iw.control_vector(lm, GLAD, SAD)
    path = v.to_gguf(tmp_path / "glad.gguf")
    read = repeng.ControlVector.import_gguf(path)
    assert read.model_type == "llama"
    assert sorted(read.directions) == [1, 2]
    for layer, row in read.directions.items():
        np.testing.assert_array_equal(row, v.directions[layer])
    reader = gguf.GGUFReader(path)
    assert reader.fields["general.architecture"].contents() == "controlvector"
    assert reader.fields["controlvector.model_hint"].contents() == "llama"
    assert reader.fields["controlvector.layer_count"].contents() == 2
    for tensor in reader.tensors:
        assert tensor.tensor_type == gguf.GGMLQuantizationType.F32
        np.testing.assert_array_equal(tensor.data, v.directions[int(tensor.name.removeprefix("direction."))])


def test_what_repeng_writes_we_read_and_apply_alike(tmp_path: Path) -> None:
    """Its ControlModel with a coefficient gives the logits of our alpha."""
    lm = make_lm("llama")
    vector = theirs(lm, "pca_uncentred")
    vector.export_gguf(tmp_path / "theirs.gguf")
    v = iw.ControlVector.from_gguf(tmp_path / "theirs.gguf", lm)
    assert v.layers == (1, 2)
    for layer, row in vector.directions.items():
        np.testing.assert_array_equal(v.directions[layer], row)
    ids = torch.as_tensor(lm.encode("The film was").ids)[None]
    with lm.steered(v, layers=[1, 2], alpha=1.5):
        mine = lm.next_logits(ids)
    controlled = repeng.ControlModel(lm.model, [1, 2])
    try:
        controlled.set_control(vector, 1.5)
        with torch.no_grad():
            other = controlled(input_ids=ids).logits[:, -1]
    finally:
        controlled.unwrap()
    torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_a_strength_in_the_file_is_repengs_coefficient_1(tmp_path: Path) -> None:
    lm = make_lm("llama")
    v = iw.control_vector(lm, GLAD, SAD)
    vector = repeng.ControlVector.import_gguf(v.to_gguf(tmp_path / "v.gguf", layers=[1], strength=0.3))
    ids = torch.as_tensor(lm.encode("The film was").ids)[None]
    with lm.steered(v, layers=[1], strength=0.3):
        mine = lm.next_logits(ids)
    controlled = repeng.ControlModel(lm.model, [1])
    try:
        controlled.set_control(vector)
        with torch.no_grad():
            other = controlled(input_ids=ids).logits[:, -1]
    finally:
        controlled.unwrap()
    torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)
