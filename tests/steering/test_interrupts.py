"""A thousand Ctrl-C at random moments of steered generation: the next call finds and removes every stray hook."""

from __future__ import annotations

import random
import signal
import sys
import time

import pytest

import interp_widgets as iw
from tests.interventions.state import count_hooks
from tests.steering.test_measures import PAIRS
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"
INTERRUPTS = 1_000


def test_a_thousand_interrupts_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # One that lands in the callback of a weak reference Python can only report.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    lm = make_lm(num_hidden_layers=2)
    vector = iw.control_vector(lm, *PAIRS)
    unsteered = lm.generate(PROMPT, max_new_tokens=6)
    with lm.steered(vector, layers=[0, 1], strength=3.0):
        began = time.process_time()
        steered = lm.generate(PROMPT, max_new_tokens=6)
        length = time.process_time() - began
    assert steered != unsteered
    weights = lm.state_hash()

    moments = random.Random(0)
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)  # SIGALRM is pytest-timeout's
    landed, strays = 0, 0
    try:
        while landed < INTERRUPTS:
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, moments.uniform(1e-4, length))
                while True:  # until it lands
                    with lm.steered(vector, layers=[0, 1], strength=3.0):
                        lm.generate(PROMPT, max_new_tokens=6)
            except KeyboardInterrupt:
                landed += 1
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            strays += count_hooks(lm.model) > 0
            with lm.using():  # the next call of the ledger
                assert count_hooks(lm.model) == 0
            if landed % 20 == 0:
                assert lm.generate(PROMPT, max_new_tokens=6) == unsteered
    finally:
        signal.signal(signal.SIGVTALRM, before)
    print(f"{landed} interrupts, of which {strays} left a hook until the next call")
    assert not lm.ledger.active
    assert lm.state_hash() == weights
    assert lm.generate(PROMPT, max_new_tokens=6) == unsteered
