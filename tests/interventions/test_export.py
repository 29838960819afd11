"""A checkpoint computes what the model with its changes computes, and is there whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import interp_widgets as iw
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions import export
from tests.interventions.made_edits import many_facts
from tests.interventions.state import IDS, logits
from tests.tiny import make_lm


def read(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()


def again(folder: Path) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = read(folder)(input_ids=IDS, use_cache=False).logits
    return found


def check(lm: Any, folder: Path) -> None:
    expected = logits(lm)
    iw.export_checkpoint(lm, folder)
    found = again(folder)
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


def test_every_foldable_change_is_in_it(any_lm: Any, tmp_path: Path) -> None:
    lm = any_lm
    plain, state, config = logits(lm), lm.state_hash(), lm.model.config.to_json_string()
    lm.ledger.add(many_facts(lm))
    lm.ledger.add(iw.DenseDelta(torch.randn(32, lm.architecture.mlp_width) * 0.1, layer=1))
    lm.ledger.add(iw.Ablation(layer=1, neuron=7))
    lm.ledger.add(iw.Ablation(layer=2, head=1))
    lm.ledger.add(iw.Ablation(layer=0, site="attn_out"))
    off = lm.ledger.add(iw.AddedVector(torch.ones(32), layer=0))
    lm.ledger.toggle(off)  # what does not act needs no place
    check(lm, tmp_path / "model")
    assert not torch.allclose(logits(lm), plain, atol=1e-3)
    assert lm.state_hash() == state
    assert lm.model.config.to_json_string() == config
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert len({file.stat().st_mode for file in (tmp_path / "model").iterdir()}) == 1  # who may read one may read all
    assert tokenizer("The capital of Australia")["input_ids"] == lm.tokenizer("The capital of Australia")["input_ids"]


@pytest.mark.parametrize("tied", ["embedding", "head", "both"])
@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("shared", [True, False])
def test_either_end_of_the_embedding(family: str, tied: str, shared: bool, tmp_path: Path) -> None:
    lm = make_lm(family, tie_word_embeddings=shared)
    lm.ledger.add(iw.LowRank(torch.randn(400, 2) * 0.3, torch.randn(2, 32) * 0.3, tied=tied))
    check(lm, tmp_path / "model")
    same = read(tmp_path / "model")
    ends = same.get_input_embeddings().weight, same.get_output_embeddings().weight
    assert (ends[0] is ends[1]) == (shared and tied == "both")
    told = (tmp_path / "model" / "README.md").read_text()
    assert ("the head has a matrix of its own" in told) == (shared and tied != "both")


def test_what_no_weight_can_hold_is_refused_by_name(tmp_path: Path) -> None:
    lm = make_lm("llama")
    lm.ledger.add(many_facts(lm))
    lm.ledger.add(iw.AddedVector(torch.ones(32), layer=0), name="calm")
    lm.ledger.add(iw.Ablation(layer=0, head=0, value=0.5), name="half")
    lm.ledger.add(iw.Ablation(layer=0, head=0, positions="last"), name="last")
    with pytest.raises(
        ArgumentError, match=r"'calm' is no change of a weight .*'half' sets a part to 0\.5.*'last' acts"
    ):
        iw.export_checkpoint(lm, tmp_path / "model")
    assert not list(tmp_path.iterdir())
    with pytest.warns(UserWarning, match="left out, since no weight can hold it: 'calm', 'half', 'last'"):
        iw.export_checkpoint(lm, tmp_path / "model", only_weights=True)
    for name in ("calm", "half", "last"):
        lm.ledger.remove(name)
    torch.testing.assert_close(again(tmp_path / "model"), logits(lm), rtol=1e-5, atol=1e-5)
    assert "calm: is no change of a weight" in (tmp_path / "model" / "README.md").read_text()


def test_what_rounding_takes_is_told(tmp_path: Path) -> None:
    lm = make_lm("llama", dtype=torch.bfloat16)
    lm.ledger.add(iw.LowRank(torch.full((32, 1), 1e-4), torch.ones(1, 48), layer=0))
    with pytest.warns(UserWarning, match=r"Rounding to bfloat16 took \d+ % of the change of model\.layers\.0"):
        iw.export_checkpoint(lm, tmp_path / "model")
    assert "Rounding to bfloat16" in (tmp_path / "model" / "README.md").read_text()
    assert read(tmp_path / "model").dtype == torch.bfloat16


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    iw.export_checkpoint(lm, tmp_path / "model")
    before = again(tmp_path / "model")
    lm.ledger.add(many_facts(lm))

    def interrupted(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "card", interrupted)
    with pytest.raises(KeyboardInterrupt):
        iw.export_checkpoint(lm, tmp_path / "model")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    assert torch.equal(again(tmp_path / "model"), before)


def test_a_model_whose_weights_are_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    monkeypatch.setattr(lm.model, "hf_quantizer", object(), raising=False)
    with pytest.raises(ArgumentError, match="is quantised"):
        iw.export_checkpoint(lm, tmp_path / "model")


@pytest.mark.default_model
def test_the_default_model(default_lm: Any, tmp_path: Path) -> None:
    lm = default_lm
    a, draw = lm.architecture, torch.Generator().manual_seed(0)
    parts = [
        iw.LowRank(torch.randn(a.width, 4, generator=draw), torch.randn(4, a.mlp_width, generator=draw) * 0.01, layer=i)
        for i in (3, 4)
    ]
    ids = torch.as_tensor(lm.encode("The capital of Australia is").ids)[None]
    with lm.using(*parts):
        expected = lm.next_logits(ids)
        iw.export_checkpoint(lm, tmp_path / "model")
    found = iw.load_model(tmp_path / "model", device="cpu")
    got = found.next_logits(ids)
    assert float((got - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    assert not torch.allclose(expected, lm.next_logits(ids), atol=1e-2)
    for file in (tmp_path / "model").glob("*.json"):
        assert str(Path.home()) not in file.read_text("utf-8")
        assert "/" not in str(json.loads(file.read_text("utf-8")).get("_name_or_path", ""))
    (tmp_path / "model" / "model.safetensors").unlink()  # half a gigabyte, which pytest would keep for three runs
