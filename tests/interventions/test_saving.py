"""Does a saved ledger come back the same, and is everything else refused without a trace?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from interp_widgets import storage
from interp_widgets.errors import FileFormatError, FingerprintMismatchError
from interp_widgets.interventions import Ablation, AddedVector, DenseDelta, Intervention, LowRank
from tests.interventions.state import IDS, logits
from tests.tiny import make_lm

_random = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=_random)


def all_kinds() -> list[Intervention]:
    return [
        AddedVector(normal(32), layer=0, strength=-0.5, positions=[0, -1], site="mlp_out"),
        AddedVector(normal(32).double(), layer=-1, positions="last"),
        Ablation(layer=1, head=2),
        Ablation(layer=1, neuron=3, value=0.25, positions="prompt"),
        Ablation(layer=2, site="attn_out"),
        LowRank(normal(32, 2), normal(2, 48), layer=1),
        LowRank(normal(48, 1), normal(1, 32), module="model.layers.0.mlp.up_proj"),
        LowRank(normal(400, 1), normal(1, 32), tied="both"),
        DenseDelta(normal(32, 48), layer=0),
    ]


def test_a_ledger_comes_back_to_the_bit(tmp_path: Path) -> None:
    lm, other = make_lm(), make_lm()
    for i, x in enumerate(all_kinds()):
        lm.ledger.add(x, name=f"·naïve {i}")
    lm.ledger.toggle("·naïve 2")
    lm.ledger.save(tmp_path / "edits.safetensors")
    loaded = other.ledger.load(tmp_path / "edits.safetensors")
    assert torch.equal(logits(other), logits(lm))
    assert list(other.ledger) == list(lm.ledger)
    assert [x.enabled for x in loaded] == [x.enabled for x in lm.ledger.values()]
    assert [(x.kind, x.document()) for x in loaded] == [(x.kind, x.document()) for x in lm.ledger.values()]
    for name in list(lm.ledger):  # each switch acts as the original's
        lm.ledger.toggle(name)
        other.ledger.toggle(name)
        assert torch.equal(logits(other), logits(lm))


@pytest.mark.parametrize("kind", range(8))
def test_each_kind_comes_back_alone(tmp_path: Path, kind: int) -> None:
    lm, x = make_lm(), all_kinds()[kind]
    plain = logits(lm)
    lm.ledger.add(Ablation(layer=0, site="mlp_out"), name="not saved")
    lm.ledger.add(x, name="one")
    x.save(tmp_path / "one")
    lm.ledger.clear()
    with lm.using(x):
        expected = logits(lm)
    (again,) = lm.ledger.load(tmp_path / "one")
    assert (again.name, again.enabled) == ("one", True)
    assert torch.equal(logits(lm), expected)
    again.undo()
    assert torch.equal(logits(lm), plain)


def test_taken_names_get_a_number_and_one_undo_takes_a_load_back(tmp_path: Path) -> None:
    lm = make_lm()
    lm.ledger.add(Ablation(layer=0, head=0), name="x")
    lm.ledger.add(Ablation(layer=0, head=1), name="y")
    lm.ledger.save(tmp_path / "two")
    lm.ledger.load(tmp_path / "two")
    lm.ledger.load(tmp_path / "two")
    assert list(lm.ledger) == ["x", "y", "x (2)", "y (2)", "x (3)", "y (3)"]
    lm.ledger.undo()
    assert list(lm.ledger) == ["x", "y", "x (2)", "y (2)"]
    lm.ledger.undo()
    assert list(lm.ledger) == ["x", "y"]


def test_an_empty_ledger_is_a_file_too(tmp_path: Path) -> None:
    lm = make_lm()
    lm.ledger.save(tmp_path / "none")
    assert lm.ledger.load(tmp_path / "none") == ()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    lm, other = make_lm(), make_lm(seed=1)
    lm.ledger.add(Ablation(layer=0, head=0))
    lm.ledger.save(tmp_path / "a")
    with pytest.raises(
        FingerprintMismatchError, match=r"saved for tiny llama with fingerprint .* Load the model"
    ) as caught:
        other.ledger.load(tmp_path / "a")
    assert lm.fingerprint[:12] in str(caught.value)
    assert other.fingerprint[:12] in str(caught.value)
    assert len(other.ledger) == 0


def test_it_may_be_loaded_in_another_dtype(tmp_path: Path) -> None:
    lm, other = make_lm(), make_lm(dtype=torch.bfloat16)
    lm.ledger.add(AddedVector(normal(32), layer=0))
    lm.ledger.save(tmp_path / "a")
    other.ledger.load(tmp_path / "a")
    assert logits(other).dtype == torch.bfloat16


def test_files_that_are_cut_off_or_not_ours(tmp_path: Path) -> None:
    lm = make_lm()
    lm.ledger.add(AddedVector(normal(32), layer=0))
    lm.ledger.save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    for length in (0, 7, 100, len(data) - 1):
        (tmp_path / "cut").write_bytes(data[:length])
        with pytest.raises(FileFormatError, match="cut off"):
            lm.ledger.load(tmp_path / "cut")
    with pytest.raises(FileNotFoundError):
        lm.ledger.load(tmp_path / "missing")
    storage.write_bundle(tmp_path / "result", "attribution result", 1, {}, {})
    with pytest.raises(FileFormatError, match="holds a saved attribution result, not a saved interventions"):
        lm.ledger.load(tmp_path / "result")
    assert len(lm.ledger) == 1


@pytest.mark.parametrize("harm", ["kind", "document", "shape", "missing array", "entries"])
def test_a_damaged_document_changes_nothing(tmp_path: Path, harm: str) -> None:
    lm = make_lm()
    plain = logits(lm)
    lm.ledger.add(Ablation(layer=0, head=0), name="first")
    lm.ledger.add(AddedVector(normal(32), layer=0), name="second")
    lm.ledger.save(tmp_path / "a")
    lm.ledger.clear()
    document, arrays = storage.read_bundle(tmp_path / "a", "interventions")
    second = document["entries"][1]
    if harm == "kind":
        second["kind"] = "time machine"
    elif harm == "document":
        second["document"]["depth"] = 3
    elif harm == "shape":
        arrays["1.vector"] = arrays["1.vector"][:5]
    elif harm == "missing array":
        del arrays["1.vector"]
    else:
        del document["entries"]
    storage.write_bundle(tmp_path / "b", "interventions", 1, document, arrays)
    with pytest.raises((FileFormatError, ValueError), match=r"time machine|damaged|vector has 5 numbers"):
        lm.ledger.load(tmp_path / "b")
    assert len(lm.ledger) == 0
    assert torch.equal(logits(lm, IDS), plain)


def test_the_file_is_safetensors_with_json(tmp_path: Path) -> None:
    lm = make_lm()
    x = AddedVector(normal(32), layer=0)
    lm.ledger.add(x, name="x")
    lm.ledger.save(tmp_path / "a")
    with safe_open(tmp_path / "a", framework="pt") as file:
        assert torch.equal(file.get_tensor("0.vector"), x.vector)
        document = json.loads(file.metadata()["document"])
    assert document["fingerprint"] == lm.fingerprint
    assert document["entries"][0]["name"] == "x"
