"""What does each call of the ledger do, and what does it refuse?"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.interventions import Ablation, AddedVector
from interp_widgets.models import events
from interp_widgets.models.language_model import LanguageModel
from tests.interventions.state import count_hooks, logits
from tests.tiny import make_lm


@pytest.fixture
def lm() -> LanguageModel:
    return make_lm()


def vector(layer: int = 1, strength: float = 1.0) -> AddedVector:
    return AddedVector(torch.linspace(-1, 1, 32), layer=layer, strength=strength)


def test_it_is_an_ordered_mapping_from_name_to_intervention(lm: LanguageModel) -> None:
    x, y = vector(), Ablation(layer=0, head=2)
    assert lm.ledger.add(x, name="calm") is x
    lm.ledger.add(y)
    assert list(lm.ledger) == ["calm", "ablate head 2 of layer 0"]
    assert lm.ledger["calm"] is x
    assert dict(lm.ledger.items()) == {"calm": x, "ablate head 2 of layer 0": y}
    assert (x.name, x.kind, x.enabled, x.ledger) == ("calm", "added vector", True, lm.ledger)
    assert len(lm.ledger) == 2
    assert "calm" in lm.ledger
    members: list[Any] = [x, vector(), 5]
    assert [member in lm.ledger for member in members] == [True, False, False]
    assert lm.ledger.get("storm") is None
    with pytest.raises(
        KeyError, match="'storm' is not in this ledger; names in it: 'calm', 'ablate head 2 of layer 0'"
    ):
        lm.ledger["storm"]
    assert repr(x) == "<AddedVector 'calm', on>"
    assert "on   calm  (added vector)" in repr(lm.ledger)


def test_undo_takes_back_each_kind_of_change(lm: LanguageModel) -> None:
    x, y = vector(), vector(0)
    states: list[list[tuple[str, bool]]] = []

    def state() -> list[tuple[str, bool]]:
        return [(name, intervention.enabled) for name, intervention in lm.ledger.items()]

    for change in (
        lambda: lm.ledger.add(x, name="x"),
        lambda: lm.ledger.add(y, name="y"),
        lambda: lm.ledger.toggle("x"),
        lambda: lm.ledger.rename("y", "z"),
        lambda: lm.ledger.remove(x),
        lambda: lm.ledger.clear(),
    ):
        states.append(state())
        change()
    while states:
        lm.ledger.undo()
        assert state() == states.pop()
    with pytest.raises(ArgumentError, match="nothing to undo"):
        lm.ledger.undo()


def test_what_changes_nothing_is_no_step_to_undo(lm: LanguageModel) -> None:
    lm.ledger.clear()
    lm.ledger.add(vector(), name="x")
    lm.ledger.toggle("x", on=True)
    lm.ledger.rename("x", "x")
    lm.ledger.undo()
    assert len(lm.ledger) == 0


def test_undo_of_one_intervention(lm: LanguageModel) -> None:
    plain = logits(lm)
    x = lm.ledger.add(vector())
    assert not torch.equal(logits(lm), plain)
    x.undo()
    assert torch.equal(logits(lm), plain)
    assert not x.enabled
    for call in (x.undo, lambda: x.save("never.safetensors")):
        with pytest.raises(ArgumentError, match="'add vector at layer 1' is in no ledger"):
            call()
    lm.ledger.undo()  # the removal
    assert x.enabled


def test_names(lm: LanguageModel) -> None:
    lm.ledger.add(vector())
    lm.ledger.add(vector())
    assert list(lm.ledger) == ["add vector at layer 1", "add vector at layer 1 (2)"]
    lm.ledger.add(vector(), name="x")
    with pytest.raises(ArgumentError, match="name='x' is taken; names in this ledger: 'add vector at layer 1'"):
        lm.ledger.add(vector(), name="x")
    with pytest.raises(ArgumentError, match="name='x' is taken"):
        lm.ledger.rename("add vector at layer 1", "x")
    for wrong in ("", "  ", 3):
        with pytest.raises(ArgumentError, match="name="):
            lm.ledger.rename("x", wrong)  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(ArgumentError, match="name="):
            lm.ledger.add(vector(), name=wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert len(lm.ledger) == 3


def test_what_is_not_in_the_ledger_is_named(lm: LanguageModel) -> None:
    lm.ledger.add(vector(), name="calm")
    calls: list[Any] = [lm.ledger.remove, lm.ledger.toggle, lambda which: lm.ledger.rename(which, "new")]
    for call in calls:
        with pytest.raises(ArgumentError, match="'storm' is not in this ledger; names in it: 'calm'"):
            call("storm")
        with pytest.raises(ArgumentError, match="'add vector at layer 2' is not in this ledger"):
            call(vector(2))


def test_the_same_one_twice_and_what_is_none(lm: LanguageModel) -> None:
    other = make_lm("qwen2")
    x = lm.ledger.add(vector(), name="x")
    with pytest.raises(ArgumentError, match="'x' is in a ledger already; switch it with toggle"):
        lm.ledger.add(x)
    with pytest.raises(ArgumentError, match="'x' is in a ledger already"):
        other.ledger.add(x)
    with pytest.raises(ArgumentError, match="3 is not an intervention"):
        lm.ledger.add(3)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ArgumentError, match="'x' is not an intervention"):
        lm.using("x")  # type: ignore[arg-type]  # wrong on purpose


def test_what_does_not_fit_is_refused_before_anything_changes(lm: LanguageModel) -> None:
    for x in (vector(3), Ablation(layer=0, head=4)):
        with pytest.raises(OutOfRangeError, match="llama has"):
            lm.ledger.add(x)
        with pytest.raises(OutOfRangeError, match="llama has"):
            lm.using(x)
    assert len(lm.ledger) == 0
    assert count_hooks(lm.model) == 0


def test_switched_off_is_exactly_off(lm: LanguageModel) -> None:
    plain = logits(lm)
    lm.ledger.add(vector(), name="x")
    changed = logits(lm)
    assert lm.ledger.toggle("x") is False
    assert torch.equal(logits(lm), plain)
    assert count_hooks(lm.model) == 0
    assert lm.ledger.toggle("x", on=True) is True
    assert torch.equal(logits(lm), changed)


def test_a_block_adds_to_the_ledger_and_counts_each_once(lm: LanguageModel) -> None:
    x, y = vector(), vector(0)
    lm.ledger.add(x, name="x")
    with lm.using(x):
        assert list(lm.ledger.active) == [x]
    with lm.using(y, y), lm.using(y, x):
        assert list(lm.ledger.active) == [x, y]
        assert lm.ledger.active_names() == ("x", "add vector at layer 0")
    lm.ledger.toggle("x")
    with lm.using(x):
        assert list(lm.ledger.active) == [x]
    assert not lm.ledger.active


def test_a_block_may_be_used_again_but_not_within_itself(lm: LanguageModel) -> None:
    scope = lm.using(vector())
    for _ in range(2):
        with scope:
            with pytest.raises(ArgumentError, match="open already"):
                with scope:
                    pass
            assert len(lm.ledger.active) == 1
        assert not lm.ledger.active


def test_a_closed_block_keeps_nothing_in_memory(lm: LanguageModel) -> None:
    x = vector()
    gone = weakref.ref(x)
    with lm.using(x):
        logits(lm)
    del x
    gc.collect()
    assert gone() is None


def test_listeners_hear_of_every_change(lm: LanguageModel) -> None:
    heard: list[int] = []
    disconnect = events.models_changed.connect(lambda: heard.append(len(lm.ledger)))
    lm.ledger.add(vector(), name="x")
    lm.ledger.toggle("x")
    lm.ledger.clear()
    disconnect()
    lm.ledger.add(vector())
    assert heard == [1, 1, 0]


def test_a_run_holds_to_its_snapshot(lm: LanguageModel) -> None:
    plain = logits(lm)
    x = lm.ledger.add(vector())
    changed = logits(lm)
    with lm.run() as run:
        lm.ledger.clear()
        assert torch.equal(logits(lm), changed)
        with lm.using(vector(0)):
            assert torch.equal(logits(lm), changed)
        assert run.snapshot.changes == (x,)
    assert torch.equal(logits(lm), plain)
    with lm.run():
        lm.ledger.add(x)
        assert torch.equal(logits(lm), plain)
    assert torch.equal(logits(lm), changed)
