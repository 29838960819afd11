"""After any sequence of changes, blocks, errors and undos: exactly the hooks that are needed, and the same bits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from interp_widgets.interventions import Ablation, AddedVector, DenseDelta, Intervention, LowRank, Scope
from interp_widgets.interventions.erased import Erased
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.language_model import LanguageModel
from tests.interventions.state import count_hooks, logits
from tests.tiny import make_lm

_random = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=_random)


POOL: list[Intervention] = [
    AddedVector(normal(32), layer=0, strength=2),
    AddedVector(normal(32), layer=2, positions="last"),
    AddedVector(normal(32), layer=1, site="attn_out", positions=[0, -1]),
    Ablation(layer=1, head=3),
    Ablation(layer=1, site="attn_out", positions="prompt"),
    Ablation(layer=2, neuron=5, value=1.5),
    LowRank(normal(32, 2), normal(2, 48), layer=1),
    LowRank(normal(400, 1), normal(1, 32), tied="both"),
    DenseDelta(normal(32, 48), layer=1),
    LowRank(normal(48, 1), normal(1, 32), module="model.layers.0.mlp.up_proj"),
    Erased([("resid_post", 1), ("mlp_out", 2)], [normal(32)] * 2, [normal(32, 2)] * 2, [normal(2, 32)] * 2),
]
WHICH = st.integers(0, len(POOL) - 1)
State = tuple[tuple[str, int, bool], ...]


class LedgerMachine(RuleBasedStateMachine):
    """A real ledger beside a plain list of what should be in it."""

    lm: LanguageModel
    other: LanguageModel  # the same weights, its ledger never used
    plain: torch.Tensor
    weights: str

    def __init__(self) -> None:
        super().__init__()
        self.entries: State = ()
        self.history: list[State] = []
        self.scopes: list[tuple[Scope, list[int]]] = []

    def become(self, entries: State) -> None:
        self.history.append(self.entries)
        self.entries = entries

    def pick(self, k: int) -> tuple[str, int, bool]:
        return self.entries[k % len(self.entries)]

    @rule(which=WHICH)
    def add(self, which: int) -> None:
        if all(i != which for _, i, _ in self.entries):
            self.lm.ledger.add(POOL[which], name=f"n{which}")
            self.become((*self.entries, (f"n{which}", which, True)))

    @precondition(lambda self: self.entries)
    @rule(k=st.integers(0, 20), by_name=st.booleans())
    def remove(self, k: int, by_name: bool) -> None:
        gone = self.pick(k)
        self.lm.ledger.remove(gone[0] if by_name else POOL[gone[1]])
        self.become(tuple(entry for entry in self.entries if entry != gone))

    @precondition(lambda self: self.entries)
    @rule(k=st.integers(0, 20))
    def toggle(self, k: int) -> None:
        name, which, on = self.pick(k)
        assert self.lm.ledger.toggle(name) is not on
        self.become(tuple((n, i, not on) if n == name else (n, i, o) for n, i, o in self.entries))
        assert POOL[which].enabled is not on

    @precondition(lambda self: self.entries)
    @rule(k=st.integers(0, 20))
    def rename(self, k: int) -> None:
        name = self.pick(k)[0]
        self.lm.ledger.rename(name, name + "'")
        self.become(tuple((n + "'" if n == name else n, i, on) for n, i, on in self.entries))

    @precondition(lambda self: self.entries)
    @rule()
    def clear(self) -> None:
        self.lm.ledger.clear()
        self.become(())

    @precondition(lambda self: self.history)
    @rule()
    def undo(self) -> None:
        self.lm.ledger.undo()
        self.entries = self.history.pop()

    @rule(which=st.lists(WHICH, max_size=3))
    def open_block(self, which: list[int]) -> None:
        scope = self.lm.using(*(POOL[i] for i in which))
        scope.__enter__()
        self.scopes.append((scope, which))

    @precondition(lambda self: self.scopes)
    @rule(k=st.integers(0, 20))
    def close_block_in_any_order(self, k: int) -> None:
        scope, _ = self.scopes.pop(k % len(self.scopes))
        scope.__exit__(None, None, None)

    @rule(which=WHICH, at_layer=st.booleans())
    def error_inside_a_block(self, which: int, at_layer: bool) -> None:
        def fail(*_: Any) -> None:
            raise ZeroDivisionError

        handle = self.lm.architecture.layers[1].register_forward_hook(fail)
        with pytest.raises(ZeroDivisionError):
            with self.lm.using(POOL[which]), self.lm.run(capture=self.lm.architecture.sites()):
                if at_layer:
                    logits(self.lm)
                handle.remove()
                raise ZeroDivisionError
        handle.remove()

    @rule(which=st.lists(WHICH, max_size=2))
    def generators_close_in_another_order(self, which: list[int]) -> None:
        def block(i: int) -> Any:
            with self.lm.using(POOL[i]):
                yield

        opened = [block(i) for i in which]
        for generator in opened:
            next(generator)
        for generator in opened:
            generator.close()

    @rule(checkpoint=st.booleans())
    def run_with_gradient(self, checkpoint: bool) -> None:
        ids = torch.tensor([[5, 9, 77]])
        with self.lm.run(checkpoint=checkpoint):
            embeds = self.lm.embed(ids).detach().requires_grad_()
            self.lm.hidden(embeds=embeds).sum().backward()
        self.lm.model.zero_grad(set_to_none=True)

    def active(self) -> list[Intervention]:
        indices = [i for _, i, on in self.entries if on]
        for _, which in self.scopes:
            for i in which:
                if i not in indices:
                    indices.append(i)
        return [POOL[i] for i in indices]

    @invariant()
    def the_ledger_says_what_it_should(self) -> None:
        found = [(name, x, x.enabled) for name, x in self.lm.ledger.items()]
        assert found == [(name, POOL[i], on) for name, i, on in self.entries]
        assert list(self.lm.ledger.active) == self.active()

    @invariant()
    def exactly_the_needed_hooks_are_there(self) -> None:
        keys = Snapshot(self.active(), self.lm.architecture).keys()
        # One hook a place, and the clock, which torch lists twice: as hook, and as one that takes keywords.
        assert count_hooks(self.lm.model) == len(keys) + (2 if keys else 0)

    @invariant()
    def the_bits_are_those_of_a_fresh_model(self) -> None:
        active = self.active()
        here = logits(self.lm)
        if not active:
            assert torch.equal(here, self.plain)
        with self.other.using(*active):
            assert torch.equal(here, logits(self.other))
        with self.lm.run():
            assert torch.equal(logits(self.lm), here)

    def teardown(self) -> None:
        for scope, _ in self.scopes:
            scope.__exit__(None, None, None)
        self.lm.ledger.clear()
        assert count_hooks(self.lm.model) == 0
        assert torch.equal(logits(self.lm), self.plain)
        assert self.lm.state_hash() == self.weights
        assert not self.lm.lock.held
        while True:  # the next example starts without a history
            if not self.lm.ledger._states[1:]:
                break
            self.lm.ledger.undo()


@pytest.mark.parametrize("family", ["llama", "gemma3_text"])
def test_random_sequences_of_changes(family: str) -> None:
    class Machine(LedgerMachine):
        lm, other = make_lm(family), make_lm(family)

    Machine.plain = logits(Machine.lm)
    Machine.weights = Machine.lm.state_hash()
    assert torch.equal(logits(Machine.other), Machine.plain)
    case = Machine.TestCase
    case.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
    case().runTest()
