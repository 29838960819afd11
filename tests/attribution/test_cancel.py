"""Cancel stops the computation itself, at the next layer, and leaves nothing behind."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import Cancelled
from tests.attribution.formulas import LONG, PROMPT, by_path
from tests.tiny import make_lm

METHODS = [method["name"] for method in iw.attribution_methods()]


class Watch:
    """Sees each layer begin, forward and backward, and can set a flag when a certain one does."""

    def __init__(self, lm: Any, flag: threading.Event, *, direction: str, layer: int, occasion: int = 1) -> None:
        self.flag, self.direction, self.layer, self.occasion = flag, direction, layer, occasion
        self.seen = 0
        self.begun_after = 0  # layers that began although the flag was set
        self.reached = threading.Event()
        self.handles = [
            module.register_forward_pre_hook(self._hook(number), with_kwargs=True)
            for number, module in enumerate(lm.architecture.layers)
        ] + [
            module.register_forward_hook(self._output_hook(number))
            for number, module in enumerate(lm.architecture.layers)
        ]

    def _hook(self, number: int) -> Any:
        return lambda module, args, kwargs: self._begin("forward", number)

    def _output_hook(self, number: int) -> Any:
        def attach(module: Any, inputs: Any, output: Any) -> None:
            hidden = output[0] if isinstance(output, tuple) else output
            if hidden.requires_grad:
                hidden.register_hook(lambda gradient: self._begin("backward", number))

        return attach

    def _begin(self, direction: str, number: int) -> None:
        if self.flag.is_set():
            self.begun_after += 1
        if (direction, number) == (self.direction, self.layer):
            self.seen += 1
            if self.seen == self.occasion:
                self.reached.set()
                self.act()

    def act(self) -> None:
        self.flag.set()

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def hooks(lm: Any) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in lm.model.modules())


def clean(lm: Any) -> None:
    """No hook, no wrapped layer, and the lock is free for another thread."""
    assert hooks(lm) == 0
    assert not any("forward" in vars(layer) for layer in lm.architecture.layers)
    done: list[Any] = []
    other = threading.Thread(target=lambda: done.append(lm.next_token(PROMPT)))
    other.start()
    other.join(timeout=60)
    assert len(done) == 1


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize(
    ("direction", "layer", "occasion"),
    [
        ("forward", 0, 1),  # the very first layer, of the question itself
        ("forward", 2, 1),
        ("forward", 1, 5),  # on the path
        ("backward", 2, 1),
        ("backward", 1, 2),
        ("backward", 0, 2),
    ],
)
def test_a_flag_set_at_a_layer_stops_there(
    family: str, checkpoint: bool, direction: str, layer: int, occasion: int
) -> None:
    lm = make_lm(family)
    asked: dict[str, Any] = {"batch_size": 5, "checkpoint": checkpoint, "baseline": "eos"}
    expected = by_path(lm, LONG, **asked)
    flag = threading.Event()
    watch = Watch(lm, flag, direction=direction, layer=layer, occasion=occasion)
    try:
        with pytest.raises(Cancelled):
            by_path(lm, LONG, cancel=flag, **asked)
    finally:
        watch.remove()
    assert watch.seen == occasion
    assert watch.begun_after <= 1
    clean(lm)
    again = by_path(lm, LONG, cancel=threading.Event(), **asked)
    assert np.array_equal(again.scores, expected.scores)
    assert again.diagnostics == expected.diagnostics
    clean(lm)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("occasion", [1, 3])
def test_every_method_can_be_cancelled_and_leaves_nothing(method: str, occasion: int) -> None:
    lm = make_lm("qwen3")
    expected = iw.attribute(lm, PROMPT, method=method)
    flag = threading.Event()
    watch = Watch(lm, flag, direction="forward", layer=1, occasion=occasion)
    try:
        with pytest.raises(Cancelled):
            iw.attribute(lm, PROMPT, method=method, cancel=flag)
    finally:
        watch.remove()
    assert watch.begun_after <= 1
    clean(lm)
    again = iw.attribute(lm, PROMPT, method=method, cancel=threading.Event())
    assert np.array_equal(again.scores, expected.scores)
    clean(lm)


@pytest.mark.parametrize("method", ["integrated_gradients", "leave_one_out", "relevance"])
def test_a_flag_that_is_never_set_changes_no_bit(any_lm: Any, method: str) -> None:
    plain = iw.attribute(any_lm, PROMPT, " Canberra and", " Paris", method)
    flagged = iw.attribute(any_lm, PROMPT, " Canberra and", " Paris", method, cancel=threading.Event())
    assert np.array_equal(plain.scores, flagged.scores)


def test_a_flag_set_before_computes_nothing() -> None:
    lm = make_lm("llama")
    flag = threading.Event()
    flag.set()
    watch = Watch(lm, flag, direction="forward", layer=0)
    with pytest.raises(Cancelled):
        by_path(lm, PROMPT, cancel=flag)
    watch.remove()
    assert (watch.seen, watch.begun_after) == (0, 0)
    clean(lm)


@pytest.mark.parametrize("stop_at", ["integrating along the path", "testing by deletion"])
def test_a_flag_set_by_who_hears_of_progress(stop_at: str) -> None:
    lm = make_lm("gpt_neox")
    flag = threading.Event()
    heard: list[str] = []

    def hear(done: int, total: int, text: str) -> None:
        heard.append(text)
        if text == stop_at:
            flag.set()

    with pytest.raises(Cancelled):
        by_path(lm, LONG, batch_size=4, cancel=flag, progress=hear)
    assert heard.count(stop_at) == 1
    clean(lm)


def test_an_error_of_who_hears_of_progress_leaves_nothing_either() -> None:
    lm = make_lm("gpt_neox")

    def hear(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        by_path(lm, LONG, cancel=threading.Event(), progress=hear, checkpoint=True)
    clean(lm)


def test_who_waits_for_the_model_can_be_cancelled_too() -> None:
    lm = make_lm("llama")
    flag, outcome = threading.Event(), []

    def wait() -> None:
        try:
            by_path(lm, PROMPT, cancel=flag)
        except Cancelled as error:
            outcome.append(error)

    with lm.run():
        waiter = threading.Thread(target=wait)
        waiter.start()
        flag.set()
        waiter.join(timeout=60)
        assert len(outcome) == 1
    clean(lm)


@pytest.mark.default_model
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_another_thread_stops_a_batch_of_512_tokens_within_a_layer(
    default_lm: Any, direction: str, record_property: Any
) -> None:
    """The flag comes from outside while layer 15 is at work; at most one more layer begins."""
    lm = default_lm
    ids = torch.randint(1000, 40000, (512,), generator=torch.Generator().manual_seed(0)).tolist()
    flag = threading.Event()
    watch = Watch(lm, flag, direction=direction, layer=15, occasion=1 if direction == "backward" else 3)
    watch.act = lambda: None  # type: ignore[method-assign]  # here the main thread sets the flag
    stopped: list[float] = []

    def work() -> None:
        try:
            by_path(lm, ids, cancel=flag)
        except Cancelled:
            stopped.append(time.perf_counter())

    worker = threading.Thread(target=work)
    worker.start()
    assert watch.reached.wait(timeout=240)
    flag.set()
    began = time.perf_counter()
    worker.join(timeout=240)
    watch.remove()
    assert len(stopped) == 1
    delay = 1000 * (stopped[0] - began)
    record_property("milliseconds from the flag to Cancelled", delay)
    print(f"{direction}: {delay:.0f} ms from the flag to Cancelled")
    assert watch.begun_after <= 1
    clean(lm)
