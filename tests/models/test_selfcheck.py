"""Does every family pass with room to spare, and is a check made once for what it depends on?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from interp_widgets.errors import NonFiniteError, SelfCheckError
from interp_widgets.interventions import AddedVector
from interp_widgets.models import selfcheck
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.models.selfcheck import TOLERANCE, Check, run_check
from tests.tiny import FAMILIES, make_lm, make_model, make_tokenizer

# What the tiny models reach, with a factor of ten to spare; GPT-J computes attention in float32 in any case.
REACHED = {torch.float64: 1e-13, torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 1e-1}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "checks"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models for which a check was really run."""
    made: list[str] = []

    def counted(lm: LanguageModel) -> Check:
        made.append(lm.name)
        return run_check(lm)

    monkeypatch.setattr(selfcheck, "run_check", counted)
    return made


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_passes(family: str, dtype: torch.dtype) -> None:
    check = make_lm(family, dtype=dtype).check
    assert check.failures() == []
    assert check.hooks == 0
    assert check.tolerance == TOLERANCE[dtype]
    worst = max(check.head, check.stream, check.value, check.cache if family != "gptj" else 0)
    assert worst <= REACHED[dtype]
    assert check.cache <= check.tolerance / 10 or dtype == torch.bfloat16
    assert check.seconds_per_token > 0


def test_the_model_and_its_ledger_are_as_before() -> None:
    model = make_model("llama")
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    lm = LanguageModel(model, make_tokenizer())
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert len(lm.ledger) == 0
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())
    assert not lm.lock.held


def test_it_measures_the_plain_model_also_while_something_is_active() -> None:
    lm = make_lm()
    before = run_check(lm)
    lm.ledger.add(AddedVector(torch.ones(32), layer=1, strength=9))
    now = run_check(lm)
    assert now.failures() == []
    assert (now.head, now.stream, now.value) == (before.head, before.stream, before.value)


def test_a_check_is_remembered(empty_cache: Path, runs: list[str]) -> None:
    first, second = make_lm(), make_lm()
    assert len(runs) == 1
    assert first.check == second.check
    (file,) = empty_cache.iterdir()
    assert json.loads(file.read_text())["hooks"] == 0


def test_what_it_depends_on_asks_for_a_new_one(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def made(**changes: Any) -> int:
        make_lm(**changes)
        return len(runs)

    assert made() == 1
    assert made(seed=1) == 2  # other weights
    assert made(dtype=torch.bfloat16) == 3
    assert made(attn_implementation="eager") == 4
    with monkeypatch.context() as other:
        other.setattr(torch, "__version__", "9.9")
        assert made() == 5
    with monkeypatch.context() as other:
        other.setattr("transformers.__version__", "9.9")
        assert made() == 6
    with monkeypatch.context() as other:
        other.setattr("interp_widgets._version.__version__", "9.9")
        assert made() == 7
    assert made() == 7


def test_the_device_is_part_of_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm()
    here = selfcheck._key(lm)
    monkeypatch.setattr(LanguageModel, "device", torch.device("cuda", 1))
    there = selfcheck._key(lm)
    monkeypatch.setattr(LanguageModel, "device", torch.device("cuda", 0))
    assert here != there == selfcheck._key(lm)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"hooks": 0}', "3"])
def test_a_spoilt_note_is_written_anew(empty_cache: Path, runs: list[str], text: str) -> None:
    make_lm()
    (file,) = empty_cache.iterdir()
    file.write_text(text)
    make_lm()
    assert len(runs) == 2
    make_lm()
    assert len(runs) == 2


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path / "file"))
    assert make_lm().check.failures() == []
    assert make_lm().check.failures() == []
    assert len(runs) == 2


def test_a_failed_check_says_what_is_off_and_is_not_remembered(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(lm: LanguageModel) -> Check:
        return Check(hooks=1e-9, cache=0.5, head=float("nan"), stream=0, value=0, tolerance=1e-4, seconds_per_token=1)

    monkeypatch.setattr(selfcheck, "run_check", failing)
    with pytest.raises(
        SelfCheckError, match=r"cache \(off by 5.0e-01\); head \(off by nan\); hooks .*equal to the bit"
    ):
        make_lm()
    assert not empty_cache.exists() or not list(empty_cache.iterdir())


@pytest.mark.parametrize("part", ["cache", "head"])
def test_a_model_that_computes_otherwise_is_caught(part: str) -> None:
    model = make_model("llama")
    forward = model.forward

    def other(*arguments: Any, past_key_values: Any = None, **keywords: Any) -> Any:
        out = forward(*arguments, past_key_values=past_key_values, **keywords)
        if part == "head" or (past_key_values is not None and past_key_values.get_seq_length() > 8):
            out.logits = out.logits * 1.01 + 0.01 * out.logits.roll(1, -1)
        return out

    model.forward = other
    with pytest.raises(SelfCheckError, match=rf"{part} \(off by"):
        LanguageModel(model, make_tokenizer())


def test_weights_that_are_not_finite_are_refused() -> None:
    model = make_model("llama")
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = float("nan")
    with pytest.raises(NonFiniteError, match="not finite on a prompt of random tokens"):
        LanguageModel(model, make_tokenizer(), name="broken")


@pytest.mark.default_model
def test_the_default_model_passes(default_lm: LanguageModel) -> None:
    check = run_check(default_lm)
    assert check.failures() == []
    assert max(check.cache, check.head, check.stream, check.value) < 5e-5
