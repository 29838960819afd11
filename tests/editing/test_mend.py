"""MEND on tiny models: training helps facts that it did not see, the edit is what the network says, files are safe."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.mend import artefact as mend_artefact
from interp_widgets.editing.mend.artefact import MendArtefact
from interp_widgets.editing.mend.editor import MendSettings, train_mend
from interp_widgets.editing.mend.facts import training_facts
from interp_widgets.editing.mend.gradients import Outer
from interp_widgets.editing.mend.network import MendNetwork
from interp_widgets.editing.mend.training import MendTraining
from interp_widgets.errors import ArgumentError, Cancelled, FileFormatError, FingerprintMismatchError, TooCostlyError
from interp_widgets.results.cost import Cost
from tests.interventions.state import count_hooks
from tests.tiny import CORPUS, make_lm

FACT = iw.Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney")
OTHER = iw.Fact("{} is located in", subject="The Eiffel Tower", target=" the room", original=" Paris")
QUICK = MendTraining(steps=20, batch=4, rank=16, learning_rate=5e-3, edit_weight=1.0, held_out=4)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mend_artefact, "cache_dir", lambda: tmp_path / "cache")


def trained(lm: Any, **changes: Any) -> MendArtefact:
    return train_mend(lm, **{"facts": training_facts(40), "texts": CORPUS, "settings": QUICK, **changes})


def test_training_helps_facts_that_were_held_out(any_lm: Any) -> None:
    lm = any_lm
    state, hooks = lm.state_hash(), count_hooks(lm.model)
    found = trained(lm)
    steps, edit, locality = found.curve.T
    assert (steps[0], steps[-1], len(steps)) == (0, 20, 11)
    whole = QUICK.edit_weight * edit + QUICK.locality_weight * locality
    assert whole.min() < whole[0]
    assert edit[whole.argmin()] < found.about["unedited"]
    assert found.layers == (0, 1, 2)
    assert (lm.state_hash(), count_hooks(lm.model)) == (state, hooks)
    assert all(parameter.grad is None for parameter in lm.model.parameters())


def test_an_edit_is_the_networks_change_and_is_undone_exactly(any_lm: Any) -> None:
    lm = any_lm
    trained(lm, layers=[1, 2])
    ids = torch.as_tensor(lm.encode(FACT.prompt).ids)[None]
    plain = lm.next_logits(ids)
    edit = iw.edit(lm, FACT, method="mend", layer=[1, 2])
    changed = lm.next_logits(ids)
    after = iw.evaluate_edit(lm, edit, perplexity=False, generation=0)
    assert after.after[0, 0] == pytest.approx(-edit.measured["loss"], abs=1e-4)
    assert after.after[0, 0] > after.before[0, 0]
    assert edit.measured["probability"] == pytest.approx(np.exp(-edit.measured["loss"]), rel=1e-6)
    assert all(isinstance(part, iw.LowRank) for part in edit.parts)
    dense = [
        iw.DenseDelta(part.matrix(), layer=part.layer, module=part.module)  # type: ignore[attr-defined]  # weight changes
        for part in edit.parts
    ]
    edit.undo()
    assert torch.equal(lm.next_logits(ids), plain)
    with lm.using(*dense):
        torch.testing.assert_close(lm.next_logits(ids), changed, rtol=1e-4, atol=1e-4)


def test_several_facts_add_up_and_scale_multiplies() -> None:
    lm = make_lm("llama")
    trained(lm)
    found = []
    for facts, scale in (([FACT, OTHER], 1.0), (FACT, 1.0), (OTHER, 1.0), (FACT, 0.5)):
        found.append(iw.edit(lm, facts, method="mend", settings=MendSettings(scale=scale)))
        found[-1].undo()  # each on the model as it is
    both, first, second, half = found
    assert (first.settings["scale"], half.settings["scale"]) == (1.0, 0.5)
    for part, one, other, less in zip(both.parts, first.parts, second.parts, half.parts, strict=True):
        whole, left, right, small = (x.matrix() for x in (part, one, other, less))  # type: ignore[attr-defined]
        torch.testing.assert_close(whole, left + right, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(small, left / 2, rtol=1e-4, atol=1e-6)


def test_more_tokens_than_the_matrix_has_rank() -> None:
    lm = make_lm("llama")
    trained(lm)
    many = training_facts(40, seed=5)
    edit = iw.edit(lm, many, method="mend")
    assert all(isinstance(part, iw.DenseDelta) for part in edit.parts)


def test_a_network_begins_as_the_identity() -> None:
    shapes = {"up": (5, 3), "gate": (5, 3), "down": (3, 5)}
    network = MendNetwork(shapes, rank=4)
    draw = torch.Generator().manual_seed(0)
    found = {}
    for path, (outputs, inputs) in shapes.items():
        deltas = torch.randn(2, 4, outputs, generator=draw)
        deltas[1, 2:] = 0
        found[path] = Outer(torch.randn(2, 4, inputs, generator=draw), deltas, (deltas != 0).any(-1))
    for path, (u, delta) in network.transformed(found).items():
        torch.testing.assert_close(u, found[path].inputs * found[path].kept[..., None])
        torch.testing.assert_close(delta, found[path].deltas)
    assert len(network.shared) == 2  # up and gate have one shape
    change: dict[str, torch.Tensor] = {path: left @ right for path, (left, right) in network(found).items()}
    expected = -torch.einsum("rto,rti->roi", found["up"].deltas, found["up"].inputs)
    torch.testing.assert_close(change["up"], expected)
    # From there every weight of the second layers can move, and of the first ones all that is not behind a zero.
    torch.stack([one.square().sum() for one in change.values()]).sum().backward()
    assert all(float(layer.first.up.grad.abs().sum()) > 0 for layer in network.shared)  # type: ignore[union-attr, operator]


def test_a_file_is_the_network(tmp_path: Path) -> None:
    lm = make_lm("llama")
    found = trained(lm, path=tmp_path / "mend.safetensors")
    again = MendArtefact.load(tmp_path / "mend.safetensors", lm)
    for name, tensor in found.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name])
    assert (again.layers, again.about, again.model) == (found.layers, found.about, "tiny llama")
    np.testing.assert_array_equal(again.curve, found.curve)
    own = MendSettings(artefact=str(tmp_path / "mend.safetensors"))
    edit = iw.edit(lm, FACT, method="mend", settings=own)
    edit.undo()
    assert edit.measured["growth"] > 0
    with pytest.raises(ArgumentError, match=r"trained for layers \[0, 1, 2\]"):
        iw.edit(lm, FACT, method="mend", settings=own, layer=1, name="one layer")
    with pytest.raises(FingerprintMismatchError, match="Train one for it"):
        iw.edit(make_lm("llama", seed=1), FACT, method="mend", settings=own)
    iw.edit(lm, OTHER, method="rome", layer=1, texts=CORPUS, alarm=None).save(tmp_path / "edit.safetensors")
    with pytest.raises(FileFormatError, match="not a saved MEND network"):
        MendArtefact.load(tmp_path / "edit.safetensors", lm)


def test_without_a_network_it_says_how_to_get_one() -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match=r"Train one, once: .*train_mend\(lm, confirm=True\)"):
        iw.edit(lm, FACT, method="mend")
    assert not lm.ledger


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    lm = make_lm("llama")
    hooks, stop = count_hooks(lm.model), threading.Event()

    def progress(done: int, total: int, text: str) -> None:
        if text.startswith("MEND"):
            stop.set()

    with pytest.raises(Cancelled):
        trained(lm, progress=progress, cancel=stop, path=tmp_path / "mend.safetensors")
    assert not list(tmp_path.iterdir())
    assert count_hooks(lm.model) == hooks


def test_bad_input_is_told() -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match="1 facts and 4 texts"):
        trained(lm, facts=[FACT])
    with pytest.raises(ArgumentError, match="layers is empty"):
        trained(lm, layers=[])
    with pytest.raises(ArgumentError, match="steps=0"):
        MendTraining(steps=0)
    with pytest.raises(ArgumentError, match="scale=0"):
        MendSettings(scale=0.0)
    with pytest.raises(TooCostlyError, match="Take fewer steps"):
        trained(lm, settings=MendTraining(steps=10**9))
    with pytest.raises(ArgumentError, match="count=0"):
        training_facts(0)


def test_its_cost_is_told_before() -> None:
    lm = make_lm("llama")
    small, large = (iw.estimate(train_mend, lm, settings=MendTraining(steps=steps)) for steps in (100, 1000))
    assert 0 < small.seconds < large.seconds < 20 * small.seconds
    asked: list[Cost] = []

    def refuse(cost: Cost) -> bool:
        asked.append(cost)
        return False

    with pytest.raises(Cancelled, match="nothing was computed"):
        trained(lm, confirm=refuse)
    assert asked == [iw.estimate(train_mend, lm, training_facts(40), settings=QUICK)]


def test_the_packages_facts() -> None:
    facts = training_facts(500)
    assert len({fact.prompt for fact in facts}) == 500
    assert facts == training_facts(500)
    assert facts != training_facts(500, seed=1)
    assert all(len(fact.paraphrases) == 2 and fact.prompt not in fact.paraphrases for fact in facts)
    assert all("{}" not in text for fact in facts for text in fact.paraphrases)
