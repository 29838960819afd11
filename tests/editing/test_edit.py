"""An edit is its parts together: it acts, is saved and undone as one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.edit import Edit
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError, FingerprintMismatchError, OutOfRangeError
from interp_widgets.models.language_model import LanguageModel
from tests.tiny import make_lm

FACT = Fact(
    "The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney",
    neighbours=["She lives in", ("The capital of France is", " Paris")],
)  # fmt: skip
IDS = torch.tensor([[5, 9, 33, 270, 31]])


def make_edit(lm: LanguageModel, facts: int = 1) -> Edit:
    draw, keys = torch.Generator().manual_seed(0), lm.architecture.mlp_width
    low = iw.LowRank(torch.randn(32, 1, generator=draw), torch.randn(1, keys, generator=draw), layer=0)
    dense = iw.DenseDelta(torch.randn(32, keys, generator=draw) * 0.1, layer=1)
    return Edit(
        [low, dense], facts=[FACT] * facts, method="rome", fingerprint=lm.fingerprint, settings={"layer": 0},
        measured={"growth": 0.1}, beside=["calm"],
    )  # fmt: skip


def test_it_is_its_parts_together_and_is_undone_exactly() -> None:
    lm = make_lm("llama")
    edit = make_edit(lm)
    plain = lm.next_logits(IDS)
    with lm.using(*edit.parts):
        expected = lm.next_logits(IDS)
    lm.ledger.add(edit)
    torch.testing.assert_close(lm.next_logits(IDS), expected, rtol=0, atol=0)
    assert not torch.allclose(expected, plain)
    edit.undo()
    assert torch.equal(lm.next_logits(IDS), plain)


def test_it_is_saved_whole(tmp_path: Path) -> None:
    lm, other = make_lm("llama"), make_lm("llama")
    edit = lm.ledger.add(make_edit(lm))
    expected = lm.next_logits(IDS)
    edit.save(tmp_path / "edit.safetensors")
    other.ledger.load(tmp_path / "edit.safetensors")
    assert torch.equal(other.next_logits(IDS), expected)
    (again,) = other.ledger.values()
    assert isinstance(again, Edit)
    assert again.facts == (FACT,)
    assert (again.method, again.settings, again.measured) == ("rome", {"layer": 0}, {"growth": 0.1})
    assert again.beside == ("calm",)
    stranger = make_lm("llama", seed=1)
    with pytest.raises(FingerprintMismatchError):
        stranger.ledger.load(tmp_path / "edit.safetensors")


def test_its_name_tells_what_it_changed() -> None:
    lm = make_lm("llama")
    assert make_edit(lm).name == "rome, Australia: ·Canberra"
    assert make_edit(lm, facts=3).name == "rome, 3 facts"


def test_bad_input_is_told() -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match="at least one part"):
        Edit([], facts=[FACT], method="rome", fingerprint=lm.fingerprint)
    part = iw.LowRank(torch.ones(32, 1), torch.ones(1, 48), layer=7)
    with pytest.raises(OutOfRangeError, match="layers 0 to 2"):
        lm.ledger.add(Edit([part], facts=[FACT], method="rome", fingerprint=lm.fingerprint))
