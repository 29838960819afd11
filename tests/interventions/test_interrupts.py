"""Ctrl-C may land between any two steps of our code or of torch's registration. What is left, after the next call?"""

from __future__ import annotations

import dis
import functools
import random
import signal
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import pytest
import torch

from interp_widgets.interventions import Ablation, AddedVector, Intervention
from interp_widgets.models.language_model import LanguageModel
from tests.interventions.state import IDS, count_hooks, logits
from tests.tiny import make_lm

# Files of which each step is a place to be interrupted: where our state is kept, and where torch keeps its hooks.
TRACED = (
    "interp_widgets/interventions/ledger.py",
    "interp_widgets/models/hooks.py",
    "interp_widgets/models/lock.py",
    "interp_widgets/models/run.py",
    "torch/utils/hooks.py",
)
# Closing a generator starts it once more; what is raised there Python can only report.
_UNRAISABLE = "<genexpr>"
X = AddedVector(torch.linspace(-1, 1, 32), layer=1)
Y = Ablation(layer=0, head=1)
Place = tuple[str, int, str]


class Interrupt:
    """Runs something and raises KeyboardInterrupt at its n-th step; without n, only notes the steps.

    Steps are where Python looks for signals: at the start of a function, after a call, at the end of a loop's body.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at, self.places = at, list[Place]()
        self.before: dict[FrameType, str] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not (any(part in code.co_filename for part in TRACED) or code.co_name.startswith("register_forward")):
            return None
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            if code.co_name != _UNRAISABLE:
                self.step(frame, "start")
        elif event == "opcode":
            previous = self.before.get(frame, "")
            self.before[frame] = opcode_at(code, frame.f_lasti)
            if previous.startswith(("CALL", "JUMP_BACKWARD")):
                self.step(frame, previous)
        elif event == "return":
            self.before.pop(frame, None)
        return self

    def step(self, frame: FrameType, kind: str) -> None:
        self.places.append((frame.f_code.co_qualname, frame.f_lasti, kind))
        if self.at is not None and len(self.places) == self.at + 1:
            self.before.clear()
            raise KeyboardInterrupt

    def during(self, work: Callable[[], object]) -> bool:
        """True if the work was interrupted."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


@functools.cache
def _opcodes(code: CodeType) -> bytes:
    return code.co_code


def opcode_at(code: CodeType, offset: int) -> str:
    return dis.opname[_opcodes(code)[offset]]


def steps_of(work: Callable[[], object], prepare: Callable[[], object]) -> list[int]:
    """The first and the last time at each place that the work passes."""
    prepare()
    watch = Interrupt()
    watch.during(work)
    first: dict[Place, int] = {}
    last: dict[Place, int] = {}
    for i, place in enumerate(watch.places):
        first.setdefault(place, i)
        last[place] = i
    return sorted({*first.values(), *last.values()})


class Stage:
    """One model whose ledger is put back to X on and Y off before each interrupted call."""

    def __init__(self) -> None:
        self.lm = make_lm(num_hidden_layers=2)
        self.plain = logits(self.lm)
        self.weights = self.lm.state_hash()
        with self.lm.using(X):
            self.with_x = logits(self.lm)
            self.hooks_of_x = count_hooks(self.lm.model)
        with self.lm.using(Y):
            self.with_y = logits(self.lm)
        with self.lm.using(X, Y):
            self.with_both = logits(self.lm)

    def prepare(self) -> None:
        self.lm.ledger.clear()
        self.lm.ledger.add(X, name="x")
        self.lm.ledger.add(Y, name="y")
        self.lm.ledger.toggle("y")

    def state(self) -> dict[str, bool]:
        return {name: x.enabled for name, x in self.lm.ledger.items()}

    def expected(self, state: dict[str, bool]) -> torch.Tensor:
        on = (state.get("x", False), state.get("y", False))
        return {(True, True): self.with_both, (True, False): self.with_x, (False, True): self.with_y}.get(
            on, self.plain
        )

    def check(self) -> None:
        """As after the next call of the ledger."""
        with self.lm.using():
            pass
        state = self.state()
        assert torch.equal(logits(self.lm), self.expected(state))
        assert not self.lm.lock.held
        self.lm.ledger.clear()
        assert count_hooks(self.lm.model) == 0
        assert torch.equal(logits(self.lm), self.plain)

    def check_at_the_end(self) -> None:
        assert self.lm.state_hash() == self.weights
        found: list[torch.Tensor] = []

        def elsewhere() -> None:
            with self.lm.using(X):
                self.lm.ledger.clear()
                found.append(self.lm.next_logits(IDS))

        thread = threading.Thread(target=elsewhere, daemon=True)
        thread.start()
        thread.join(timeout=20)
        assert found, "a lock is still held"


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


BEFORE = {"x": True, "y": False}
CHANGES: dict[str, tuple[Callable[[LanguageModel], object], dict[str, bool]]] = {
    "toggle": (lambda lm: lm.ledger.toggle("y"), {"x": True, "y": True}),
    "remove": (lambda lm: lm.ledger.remove("x"), {"y": False}),
    "undo": (lambda lm: lm.ledger.undo(), {"x": True, "y": True}),
    "clear": (lambda lm: lm.ledger.clear(), {}),
    "add": (lambda lm: lm.ledger.add(Ablation(layer=-1, neuron=0, positions=[77]), name="z"), {**BEFORE, "z": True}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_happens_or_not_and_leaves_no_hook(stage: Stage, change: str) -> None:
    call, after = CHANGES[change]
    for step in steps_of(lambda: call(stage.lm), stage.prepare):
        stage.prepare()
        Interrupt(step).during(lambda: call(stage.lm))
        assert stage.state() in (BEFORE, after)
        if stage.state() == after:
            stage.lm.ledger.undo()  # one step of history for one change, never two or none
            assert stage.state() == (BEFORE if change != "undo" else {"x": True})
        stage.check()
    stage.check_at_the_end()


def use(lm: LanguageModel, *interventions: Intervention) -> None:
    with lm.using(*interventions):
        with lm.using(X):
            logits(lm)


def compute(lm: LanguageModel) -> None:
    # An interrupt inside torch's own `no_grad` leaves the thread without gradients: whoever needs them says so.
    with torch.enable_grad(), lm.run(cancel=threading.Event(), capture=lm.architecture.sites(), checkpoint=True):
        embeds = lm.embed(IDS).detach().requires_grad_()
        with lm.run():
            score = lm.head(lm.hidden(embeds=embeds)[:, -1], [3]).sum()
        torch.autograd.grad(score, embeds)


BLOCKS: dict[str, Callable[[LanguageModel], object]] = {
    "using": lambda lm: use(lm, Y),
    "run": compute,
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_closed_wherever_it_was_interrupted(stage: Stage, block: str) -> None:
    steps = steps_of(lambda: BLOCKS[block](stage.lm), stage.prepare)
    for step in steps:
        stage.prepare()
        assert Interrupt(step).during(lambda: BLOCKS[block](stage.lm))
        assert stage.state() == BEFORE
        stage.check()
    stage.check_at_the_end()


def test_registration_that_is_interrupted_after_the_hook_is_in(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.prepare()
    register = torch.nn.Module.register_forward_hook

    def interrupted(*arguments: Any, **settings: Any) -> Any:
        register(*arguments, **settings)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(torch.nn.Module, "register_forward_hook", interrupted)
        with pytest.raises(KeyboardInterrupt), stage.lm.using(AddedVector(torch.ones(32), layer=0)):
            pytest.fail("the block was entered")
    # The exception is still held by `raises`, and yet:
    with stage.lm.using():
        assert count_hooks(stage.lm.model) == stage.hooks_of_x
    stage.check()


def test_real_signals_at_random_moments(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some land in the callback of a weak reference, where Python reports them and goes on."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    moments = random.Random(0)
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)  # SIGALRM is pytest-timeout's
    landed = 0
    for _ in range(40):
        stage.prepare()
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, moments.uniform(1e-4, 0.02))
            for _ in range(20):  # longer than the timer
                use(stage.lm, Y)
                compute(stage.lm)
                stage.lm.ledger.toggle("y")
        except KeyboardInterrupt:
            landed += 1
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        stage.check()
    signal.signal(signal.SIGVTALRM, before)
    assert landed >= 30
    stage.check_at_the_end()
