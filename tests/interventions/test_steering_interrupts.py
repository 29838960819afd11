"""A thousand interrupts at random moments of steered generation: no hook stays, the unsteered text is what it was."""

from __future__ import annotations

import random
import signal
import sys

import numpy as np
import pytest
import torch

from interp_widgets.interventions.steering import Steering
from tests.interventions.state import count_hooks, logits
from tests.tiny import make_lm

MOOD = Steering(np.random.default_rng(0).normal(size=(2, 32)), layers=[0, 1], amounts=[0.7, -0.4], source="mood")
LENGTH = Steering(np.random.default_rng(1).normal(size=(1, 32)), layers=[1], amounts=[0.5], positions="generated")
INTERRUPTS = 1_000


def test_a_thousand_interrupts_during_steered_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    # Some land in the callback of a weak reference, where Python reports them and goes on.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    lm = make_lm(num_hidden_layers=2)
    prompt = "The city of Paris"
    plain, weights = lm.generate(prompt, max_new_tokens=6), lm.state_hash()
    with lm.using(MOOD):
        steered = lm.generate(prompt, max_new_tokens=6)
    assert steered != plain
    moments = random.Random(0)
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)  # SIGALRM is pytest-timeout's
    landed = strays = 0
    try:
        while landed < INTERRUPTS:
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, moments.uniform(1e-4, 0.012))
                while True:
                    with lm.using(MOOD):
                        lm.generate(prompt, max_new_tokens=6)
                        lm.ledger.add(LENGTH)
                        for _ in lm.stream(prompt, max_new_tokens=3):
                            pass
                        lm.ledger.clear()
            except KeyboardInterrupt:
                landed += 1
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            strays += not len(lm.ledger) and count_hooks(lm.model) > 0
            lm.ledger.clear()
            with lm.using():  # the next call of the ledger
                pass
            assert count_hooks(lm.model) == 0
            assert not lm.lock.held
            if landed % 50 == 0:
                assert lm.generate(prompt, max_new_tokens=6) == plain
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        torch.set_grad_enabled(True)  # an interrupt inside torch's own `no_grad` leaves the thread without gradients
    print(f"{landed} interrupts; after {strays} of them a stray hook was on until the next call of the ledger")
    assert lm.generate(prompt, max_new_tokens=6) == plain
    with lm.using(MOOD):
        assert lm.generate(prompt, max_new_tokens=6) == steered
    with torch.no_grad():
        assert torch.isfinite(logits(lm)).all()
    assert lm.state_hash() == weights
