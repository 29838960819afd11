"""What a name means, and which names are offered when it means nothing."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from interp_widgets.errors import UnknownModelError, UnsafeModelError
from interp_widgets.models import names
from interp_widgets.models.names import resolve


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local hub cache that holds two models."""
    folder = tmp_path / "hub"
    for name in ("models--Qwen--Qwen3-0.6B", "models--my-org--tiny-gpt"):
        snapshot = folder / name / "snapshots" / "0123"
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")
    (folder / "models--half--fetched" / "blobs").mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "my-model"
    path.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (path / name).write_text("{}")
    return path


@pytest.mark.parametrize("name", ["smollm2", "SmolLM2", "SmolLM2-135M-Instruct", "smollm2-135m-instruct"])
def test_catalogue_names_in_any_case(name: str) -> None:
    source = resolve(name)
    assert (source.kind, source.where, source.title) == ("catalogue", "smollm2", "SmolLM2-135M-Instruct")


def test_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    for name in (folder, str(folder), "./my-model", "my-model", "~/my-model"):
        source = resolve(name)
        assert (source.kind, source.title) == ("folder", "my-model")


def test_hub_ids(hub_cache: Path) -> None:
    assert resolve("gpt2-xl") == names.Source("hub", "gpt2-xl", "gpt2-xl")
    assert resolve("EleutherAI/gpt-j-6b").title == "gpt-j-6b"
    assert resolve("my-org/tiny-gpt").kind == "hub"
    assert names.cached_hub_ids() == ["Qwen/Qwen3-0.6B", "my-org/tiny-gpt"]


def test_folder_that_is_no_model_does_not_hide_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gpt2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("gpt2").kind == "hub"


@pytest.mark.parametrize(
    ("name", "offered"),
    [("smolm2", "'smollm2'"), ("gemma-270m", "'gemma3-270m'"), ("gpt-2", "'gpt2'"), ("xyzzy", "The catalogue holds")],
)
def test_unknown_names_come_with_the_nearest(hub_cache: Path, name: str, offered: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        resolve(name)
    assert offered in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_slips_of_cached_ids_are_told_from_other_models(hub_cache: Path) -> None:
    assert names.is_near_miss("Qwen/Qwen-3-0.6B") == "Qwen/Qwen3-0.6B"
    assert names.is_near_miss("myorg/tiny-gpt") == "my-org/tiny-gpt"
    assert names.is_near_miss("Qwen/Qwen3-1.7B") is None
    assert names.is_near_miss("meta-llama/Llama-3.1-8B-Instruct") is None


def test_paths_that_lead_nowhere(folder: Path) -> None:
    with pytest.raises(UnknownModelError, match="no such folder"):
        resolve(str(folder / "deeper"))
    with pytest.raises(UnknownModelError, match="is a file"):
        resolve(folder / "model.safetensors")
    with pytest.raises(UnknownModelError, match="neither"):
        resolve("a/b/c")


def test_pickle_is_refused_without_being_opened(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, ("raise SystemExit('opened')",))

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UnsafeModelError, match=r"only as pickle \(pytorch_model\.bin\)"):
        resolve(folder)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["adapter_config.json", "adapter_model.safetensors"], "an adapter"),
        (["model.gguf"], "a GGUF file"),
        (["notes.txt"], "no config.json"),
        (["config.json", "tokenizer.json"], "no weights"),
        (["config.json", "model.safetensors"], "no tokenizer"),
    ],
)
def test_folders_that_are_no_model_say_what_they_are(tmp_path: Path, files: list[str], words: str) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    with pytest.raises(UnknownModelError, match=words):
        resolve(tmp_path)
