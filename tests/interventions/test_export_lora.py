"""What an adapter holds, without the library that loads it (tests/peers/test_peft.py has that)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, FingerprintMismatchError
from interp_widgets.interventions.export_lora import CONFIG, WEIGHTS
from tests.interventions.made_edits import FACT, many_facts
from tests.tiny import make_lm

DOWN = "model.layers.{}.mlp.down_proj"


def product(folder: Path, path: str) -> torch.Tensor:
    tensors = load_file(folder / WEIGHTS)
    a, b = (tensors[f"base_model.model.{path}.lora_{side}.weight"].double() for side in "AB")
    return b @ a


def test_parts_at_one_matrix_are_joined_and_ranks_differ_by_layer(tmp_path: Path) -> None:
    lm = make_lm("llama")
    edit = lm.ledger.add(many_facts(lm, ranks=(1, 5, 7)))
    extra = iw.LowRank(torch.ones(32, 2), torch.ones(2, 48), layer=1)
    assert iw.export_lora([edit, extra], tmp_path / "adapter") == tmp_path / "adapter"
    config = json.loads((tmp_path / "adapter" / CONFIG).read_text())
    assert (config["r"], config["lora_alpha"], config["fan_in_fan_out"]) == (7, 7, False)
    assert config["rank_pattern"] == config["alpha_pattern"] == {r"model\.layers\.0\.mlp\.down_proj": 1}
    assert config["target_modules"] == [DOWN.format(i) for i in range(3)]
    expected = edit.pieces[1].matrix() + extra.matrix()  # type: ignore[attr-defined]  # LowRank
    torch.testing.assert_close(product(tmp_path / "adapter", DOWN.format(1)), expected, rtol=1e-5, atol=1e-6)
    told = (tmp_path / "adapter" / "README.md").read_text()
    assert "'The capital of Australia is' is answered ' Canberra', ' Sydney' before (memit)" in told
    assert lm.fingerprint in told
    assert "change layer 1 by rank 2" in told


def test_a_full_matrix_is_factored_where_its_rank_is_low(tmp_path: Path) -> None:
    lm = make_lm("gpt2")
    draw = torch.Generator().manual_seed(0)
    low = torch.randn(32, 3, generator=draw) @ torch.randn(3, 128, generator=draw)
    iw.export_lora(iw.DenseDelta(low, layer=2), tmp_path / "low", lm=lm)
    path = "transformer.h.2.mlp.c_proj"
    config = json.loads((tmp_path / "low" / CONFIG).read_text())
    assert (config["r"], config["fan_in_fan_out"]) == (3, True)
    torch.testing.assert_close(product(tmp_path / "low", path), low.double(), rtol=1e-5, atol=1e-5)
    assert "numerical rank 3" in (tmp_path / "low" / "README.md").read_text()
    full = iw.DenseDelta(torch.randn(32, 128, generator=draw), layer=2)
    with pytest.raises(ArgumentError, match=r"has rank 32 of 32, .* iw.export_checkpoint"):
        iw.export_lora(full, tmp_path / "full", lm=lm)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["low"]


def test_more_facts_than_the_matrix_has_rank(tmp_path: Path) -> None:
    lm = make_lm("llama")
    edit = many_facts(lm, ranks=(100,))
    iw.export_lora(edit, tmp_path / "adapter", lm=lm)
    assert json.loads((tmp_path / "adapter" / CONFIG).read_text())["r"] == 32
    expected = edit.pieces[0].matrix()  # type: ignore[attr-defined]  # LowRank
    torch.testing.assert_close(product(tmp_path / "adapter", DOWN.format(0)), expected, rtol=1e-4, atol=1e-4)


def test_the_model_is_found_by_the_edit_itself(tmp_path: Path) -> None:
    lm = make_lm("llama", seed=3)
    edit = lm.ledger.add(many_facts(lm))
    edit.undo()
    iw.export_lora(edit, tmp_path / "undone")
    iw.export_lora(many_facts(lm), tmp_path / "new")
    with pytest.raises(ArgumentError, match="give it: lm=lm"):
        iw.export_lora(iw.LowRank(torch.ones(32, 1), torch.ones(1, 48), layer=0), tmp_path / "nobody")
    with pytest.raises(FingerprintMismatchError, match="was made for a model"):
        iw.export_lora(edit, tmp_path / "other", lm=make_lm("llama"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: iw.Ablation(layer=0, head=1), "'ablate head 1 of layer 0' is no change of a weight"),
        (
            lambda: iw.LowRank(torch.ones(400, 1), torch.ones(1, 32), tied="both"),
            "'change both by rank 1' changes model.embed_tokens and lm_head",
        ),
        (lambda: iw.LowRank(torch.ones(400, 1), torch.ones(1, 32), tied="embedding"), "embedding is looked up"),
        (lambda: iw.LowRank(torch.zeros(32, 1), torch.ones(1, 48), layer=0), None),
    ],
)
def test_what_an_adapter_cannot_say_is_refused_by_name(tmp_path: Path, change: Any, told: str | None) -> None:
    lm = make_lm("llama")
    if told is None:  # a zero of rank one is a change of rank one; as a full matrix it is none
        iw.export_lora(change(), tmp_path / "adapter", lm=lm)
        change, told = (lambda: iw.DenseDelta(torch.zeros(32, 48), layer=0)), "change no weight"
    with pytest.raises(ArgumentError, match=told):
        iw.export_lora(change(), tmp_path / "refused", lm=lm)
    assert not (tmp_path / "refused").exists()


def test_the_head_of_an_untied_model_may_change(tmp_path: Path) -> None:
    lm = make_lm("llama", tie_word_embeddings=False)
    head = iw.LowRank(torch.ones(400, 1), torch.ones(1, 32), tied="head")
    iw.export_lora(head, tmp_path / "head", lm=lm)
    torch.testing.assert_close(product(tmp_path / "head", "lm_head"), torch.ones(400, 32, dtype=torch.float64))
    tied = make_lm("llama", tie_word_embeddings=True)
    with pytest.raises(ArgumentError, match="whose matrix embedding and head share"):
        iw.export_lora(head, tmp_path / "tied", lm=tied)


def test_a_part_of_an_edit_is_named_with_it(tmp_path: Path) -> None:
    lm = make_lm("llama")
    mixed = iw.Edit(
        [iw.LowRank(torch.ones(32, 1), torch.ones(1, 48), layer=0), iw.AddedVector(torch.ones(32), layer=0)],
        facts=[FACT],
        method="mixed",
        fingerprint=lm.fingerprint,
    )
    with pytest.raises(ArgumentError, match="of 'mixed, Australia: ·Canberra' is no change of a weight"):
        iw.export_lora(mixed, tmp_path / "adapter", lm=lm)
    with pytest.raises(ArgumentError, match="give an edit"):
        iw.export_lora([], tmp_path / "adapter", lm=lm)


def test_only_what_an_export_wrote_is_replaced(tmp_path: Path) -> None:
    lm = make_lm("llama")
    edit = many_facts(lm)
    folder = tmp_path / "adapter"
    iw.export_lora(edit, folder)
    iw.export_lora(edit, folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match=r"holds 'notes.txt', which no export of this kind wrote"):
        iw.export_lora(edit, folder)
    assert (folder / "notes.txt").read_text() == "mine"
    with pytest.raises(ArgumentError, match="is a file"):
        iw.export_lora(edit, folder / "notes.txt")
