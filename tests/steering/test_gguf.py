"""Control vectors in GGUF: what is written, what comes back, and which files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError, OutOfRangeError
from tests.tiny import make_lm

GLAD = ["I love this day", "The food was wonderful", "She smiled with joy", "What a lovely morning it is"]
SAD = ["I hate this day", "The food was terrible", "She cried with grief", "What a dreadful morning it is"]
ROW = np.ones(32, np.float32)


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def mood(lm: Any) -> Any:
    return iw.control_vector(lm, GLAD, SAD, name="mood")


def logits(lm: Any, text: str = "The city of Paris is") -> Any:
    return lm.next_logits(torch.as_tensor(lm.encode(text).ids)[None])


def test_gguf_and_back_on_every_architecture(any_lm: Any, tmp_path: Path) -> None:
    v = iw.control_vector(any_lm, GLAD, SAD, name="mood")
    back = iw.ControlVector.from_gguf(v.to_gguf(tmp_path / "v.gguf"), any_lm)
    assert back.layers == v.layers[1:]
    np.testing.assert_array_equal(back.matrix, v.matrix[1:])
    np.testing.assert_array_equal(back.norm, v.norm[1:])
    assert (back.name, back.poles, back.method, back.fingerprint) == (v.name, v.poles, v.method, v.fingerprint)
    with any_lm.steered(v, layers=[1, 2], strength=0.1):
        one = logits(any_lm)
    with any_lm.steered(back, layers=[1, 2], strength=0.1):
        assert torch.equal(logits(any_lm), one)


def test_with_a_strength_the_file_holds_what_steer_adds(mood: Any, tmp_path: Path) -> None:
    reader = gguf.GGUFReader(mood.to_gguf(tmp_path / "v.gguf", layers=[2, 1], strength=0.08))
    assert [one.name for one in reader.tensors] == ["direction.1", "direction.2"]
    for one, layer in zip(reader.tensors, (1, 2), strict=True):
        np.testing.assert_allclose(one.data, 0.08 * mood.norm[layer] * mood.matrix[layer], rtol=1e-6)
    best = mood.with_best_layer(1)
    (one,) = gguf.GGUFReader(best.to_gguf(tmp_path / "a.gguf", alpha=-3)).tensors
    np.testing.assert_allclose(one.data, -3 * mood.matrix[1], rtol=1e-6)


def test_layer_0_and_two_scales_are_refused(mood: Any, tmp_path: Path) -> None:
    for layers in ([0], [0, 1], [5], []):
        with pytest.raises(OutOfRangeError, match=r"llama\.cpp refuses a file with layer 0"):
            mood.to_gguf(tmp_path / "v.gguf", layers=layers)
    with pytest.raises(OutOfRangeError):
        mood.with_best_layer(0).to_gguf(tmp_path / "v.gguf", strength=0.1)
    with pytest.raises(ArgumentError, match="not both"):
        mood.to_gguf(tmp_path / "v.gguf", strength=0.1, alpha=1)
    with pytest.raises(ArgumentError, match="one number each"):
        mood.to_gguf(tmp_path / "v.gguf", layers=[1], strength=[0.1, 0.2])
    assert list(tmp_path.iterdir()) == []


def write(path: Path, rows: dict[str, Any], *, architecture: str = "controlvector", hint: str = "llama") -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_string("controlvector.model_hint", hint)
    writer.add_uint32("controlvector.layer_count", len(rows))
    for name, row in rows.items():
        writer.add_tensor(name, row)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_file_of_others_has_no_norms_until_they_are_measured(lm: Any, tmp_path: Path) -> None:
    v = iw.ControlVector.from_gguf(write(tmp_path / "joy.gguf", {"direction.1": ROW, "direction.2": -ROW}), lm)
    assert (v.name, v.layers, v.method, v.pairs) == ("joy", (1, 2), "imported", 0)
    assert np.isnan(v.norm).all()
    assert v.steer(alpha=2).amounts.tolist() == [2]
    with pytest.raises(ArgumentError, match=r"imported without residual norms: give alpha, or v.measured\(lm\)"):
        v.steer(strength=0.1)
    measured = v.measured(lm, GLAD)
    np.testing.assert_allclose(measured.norm, iw.control_vector(lm, GLAD[:2], GLAD[2:]).norm[1:], rtol=1e-5)
    assert np.isfinite(v.measured(lm).norm).all()
    assert measured.steer(strength=0.1).layers == (v.best_layer,)
    back = iw.ControlVector.from_gguf(v.to_gguf(tmp_path / "again.gguf"), lm)
    assert np.isnan(back.norm).all()
    with pytest.raises(FingerprintMismatchError):
        v.measured(make_lm("llama", seed=1))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"direction.1": np.full(32, np.nan, np.float32)}, "direction.1 holds NaN"),
        ({"direction.1": ROW.astype(np.float16)}, "direction.1 is F16"),
        ({"direction.1": np.ones((2, 32), np.float32)}, "direction.1 is F32 with shape"),
        ({"direction.x": ROW}, "tensor 'direction.x'"),
        ({"direction": ROW}, "tensor 'direction'"),
        ({"blk.0.attn_q.weight": ROW}, "tensor 'blk.0.attn_q.weight'"),
        ({"direction.1": ROW, "direction.2": np.ones(16, np.float32)}, "different widths"),
        ({}, "without a single direction"),
    ],
)  # fmt: skip
def test_a_gguf_that_is_no_sound_control_vector_is_refused(lm: Any, tmp_path: Path, rows: Any, said: str) -> None:
    with pytest.raises(FileFormatError, match=said):
        iw.ControlVector.from_gguf(write(tmp_path / "x.gguf", rows), lm)


def test_a_model_and_what_is_no_gguf_are_refused(lm: Any, mood: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "model.gguf", {"direction.1": ROW}, architecture="llama")
    with pytest.raises(FileFormatError, match="architecture 'llama', not a control vector"):
        iw.ControlVector.from_gguf(path, lm)
    with pytest.raises(FileNotFoundError):
        iw.ControlVector.from_gguf(tmp_path / "none.gguf", lm)
    whole = mood.to_gguf(tmp_path / "v.gguf").read_bytes()
    for content in (
        b"",
        b"GG",
        b"not a gguf file at all, but a text",
        *(whole[:n] for n in (10, 40, 200, len(whole) // 2)),
    ):
        (tmp_path / "broken.gguf").write_bytes(content)
        with pytest.raises(FileFormatError, match="not a GGUF file, or it is cut off"):
            iw.ControlVector.from_gguf(tmp_path / "broken.gguf", lm)


def test_keys_of_ours_that_are_damaged_are_refused(lm: Any, tmp_path: Path) -> None:
    for text in ("[]", "{", json.dumps({"poles": 3}), json.dumps({"norm": ["x", "y"]}), json.dumps({"pairs": "x"})):
        path = tmp_path / "x.gguf"
        writer = gguf.GGUFWriter(path, "controlvector")
        writer.add_string("controlvector.model_hint", "llama")
        writer.add_string("interp_widgets.control_vector", text)
        writer.add_tensor("direction.1", ROW)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with pytest.raises(FileFormatError, match="its own keys cannot be read"):
            iw.ControlVector.from_gguf(path, lm)


def test_a_gguf_of_another_model_is_refused_with_both_fingerprints(lm: Any, mood: Any, tmp_path: Path) -> None:
    path, other = mood.to_gguf(tmp_path / "v.gguf"), make_lm("llama", seed=1)
    with pytest.raises(FingerprintMismatchError, match=rf"{lm.fingerprint[:12]}.*{other.fingerprint[:12]}"):
        iw.ControlVector.from_gguf(path, other)
    wide = write(tmp_path / "wide.gguf", {"direction.1": np.ones(64, np.float32)})
    with pytest.raises(FingerprintMismatchError, match=r"width 64; this model, tiny llama, has .* and 32"):
        iw.ControlVector.from_gguf(wide, lm)
    with pytest.raises(
        FingerprintMismatchError, match=r"family gpt2 and width 32; this model, tiny llama, has .* llama"
    ):
        iw.ControlVector.from_gguf(write(tmp_path / "gpt2.gguf", {"direction.1": ROW}, hint="gpt2"), lm)
    with pytest.raises(OutOfRangeError, match="direction for layer 3; tiny llama has layers 0 to 2"):
        iw.ControlVector.from_gguf(write(tmp_path / "deep.gguf", {"direction.3": ROW}), lm)


@pytest.mark.parametrize(("family", "hint"), [("mistral", "llama"), ("gpt_neox", "gptneox"), ("gemma3_text", "gemma3")])
def test_the_names_that_llama_cpp_gives_to_families_are_taken(tmp_path: Path, family: str, hint: str) -> None:
    path = write(tmp_path / "x.gguf", {"direction.1": ROW}, hint=hint)
    assert iw.ControlVector.from_gguf(path, make_lm(family)).layers == (1,)
