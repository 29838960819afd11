"""An exported adapter, loaded by peft, computes what the model with the edit computes."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import interp_widgets as iw
from tests.interventions.made_edits import many_facts
from tests.interventions.state import IDS, logits
from tests.tiny import make_lm

peft: Any = pytest.importorskip("peft", reason="peft is not installed: make peers")

pytestmark = pytest.mark.peers


def served(lm: Any, folder: Path) -> Any:
    """A copy of the model with the adapter, as a server has it."""
    with warnings.catch_warnings():
        # A copy in memory has no folder of its own in which peft could look for a vocabulary of other size.
        warnings.filterwarnings("ignore", message="Could not find a config file")
        # peft asks transformers by a name that is on its way out.
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
        return peft.PeftModel.from_pretrained(copy.deepcopy(lm.model), str(folder)).eval()


def computed(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=ids, use_cache=False).logits
    return found


@pytest.mark.parametrize("ranks", [(100, 100, 100), (100, 7, 31)])
def test_the_logits_are_the_edits(any_lm: Any, tmp_path: Path, ranks: tuple[int, ...]) -> None:
    """A hundred facts at several layers, in every family."""
    lm = any_lm
    plain = logits(lm)
    edit = lm.ledger.add(many_facts(lm, ranks=ranks))
    expected = logits(lm)
    assert float((expected - plain).abs().max()) > 0.1
    iw.export_lora(edit, tmp_path / "adapter")
    found = served(lm, tmp_path / "adapter")
    assert float((computed(found) - expected).abs().max()) < 1e-4
    with found.disable_adapter():
        torch.testing.assert_close(computed(found), plain, rtol=0, atol=0)
    merged = found.merge_and_unload()
    torch.testing.assert_close(computed(merged), expected, rtol=1e-4, atol=1e-4)


def test_any_matrix_may_be_changed(any_lm: Any, tmp_path: Path) -> None:
    lm = any_lm
    layer = lm.architecture.layers[1]
    inside = {id(module) for module in layer.modules()}
    changes = []
    for path, module in lm.model.named_modules():
        weight = getattr(module, "weight", None)
        if id(module) in inside and weight is not None and weight.dim() == 2:
            outputs, inputs = weight.shape[::-1] if type(module).__name__ == "Conv1D" else weight.shape
            changes.append(iw.LowRank(torch.randn(outputs, 2) * 0.2, torch.randn(2, inputs) * 0.2, module=path))
    assert len(changes) >= 4
    with lm.using(*changes):
        expected = logits(lm)
    iw.export_lora(changes, tmp_path / "adapter", lm=lm)
    assert float((computed(served(lm, tmp_path / "adapter")) - expected).abs().max()) < 1e-4


def test_a_full_matrix_of_low_rank_and_the_head(tmp_path: Path) -> None:
    lm = make_lm("llama", tie_word_embeddings=False)
    low = torch.randn(32, 3) @ torch.randn(3, 48) * 0.1
    changes = [iw.DenseDelta(low, layer=0), iw.LowRank(torch.randn(400, 1), torch.randn(1, 32) * 0.1, tied="head")]
    with lm.using(*changes):
        expected = logits(lm)
    iw.export_lora(changes, tmp_path / "adapter", lm=lm)
    assert float((computed(served(lm, tmp_path / "adapter")) - expected).abs().max()) < 1e-4


@pytest.mark.default_model
def test_a_hundred_facts_on_the_default_model(default_lm: Any, tmp_path: Path) -> None:
    """Of the size that an edit of a hundred facts has: 6 % of each matrix, at five layers."""
    lm = default_lm
    a, draw = lm.architecture, torch.Generator().manual_seed(2)
    parts = []
    for layer in range(2, 7):
        left = torch.randn(a.width, 100, generator=draw, dtype=torch.float64)
        right = torch.randn(100, a.mlp_width, generator=draw, dtype=torch.float64)
        size = 0.06 * float(a.down_projection(layer).weight.norm()) / float((left @ right).norm())
        parts.append(iw.LowRank(left * size, right, layer=layer))
    facts = [iw.Fact("{} is", subject=f"number {i}", target=f" {i + 1}") for i in range(100)]
    edit = iw.Edit(parts, facts=facts, method="memit", fingerprint=lm.fingerprint)
    ids = torch.as_tensor(lm.encode("The capital of Australia is the city of").ids)[None]
    with lm.using(edit):
        expected = logits(lm, ids)
    assert float((expected - logits(lm, ids)).abs().max()) > 0.1
    iw.export_lora(edit, tmp_path / "adapter", lm=lm)
    assert float((computed(served(lm, tmp_path / "adapter"), ids) - expected).abs().max()) < 1e-4
