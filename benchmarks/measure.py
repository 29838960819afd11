"""What every benchmark measures with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch


class Rows:
    """Counts sequences through the model."""

    def __init__(self, lm: Any) -> None:
        self.count = 0
        self._handle = lm.architecture.layers[0].register_forward_hook(self._add)

    def _add(self, module: Any, inputs: Any, output: Any) -> None:
        self.count += int(inputs[0].shape[0])

    def close(self) -> None:
        self._handle.remove()


def private_bytes() -> int:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def peak(work: Callable[[], Any]) -> int:
    """Peak of private memory above the start, in bytes."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return int(torch.cuda.max_memory_allocated() - before)
    before, top, stop = private_bytes(), [0], threading.Event()

    def sample() -> None:
        while not stop.wait(0.005):
            top[0] = max(top[0], private_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        work()
    finally:
        stop.set()
        sampler.join()
    return top[0] - before
