"""Does a batch halve when memory is exhausted, and only then?"""

from __future__ import annotations

import errno
import weakref

import pytest
import torch

from interp_widgets.errors import MemoryExhaustedError
from interp_widgets.models import memory
from interp_widgets.models.memory import available_bytes, give_back, gradient_bytes, in_batches, is_memory_error
from tests.tiny import make_lm

EXHAUSTED = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1000000000000 bytes."),
    RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    RuntimeError("unable to mmap 8 bytes: Cannot allocate memory (12)"),
]


@pytest.mark.parametrize("error", EXHAUSTED, ids=str)
def test_a_batch_halves_until_it_fits(error: Exception) -> None:
    done: list[tuple[int, int]] = []

    def work(start: int, end: int) -> None:
        if end - start > 3:
            raise error
        done.append((start, end))

    assert in_batches(20, 16, work) == 2
    assert done == [(i, i + 2) for i in range(0, 20, 2)]


def test_every_row_is_done_once_whatever_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "give_back", lambda: None)  # hundreds of collections are slow
    for total in range(8):
        for size in range(1, 10):
            for fits in range(1, 10):
                rows: list[int] = []

                def work(start: int, end: int, fits: int = fits, rows: list[int] = rows) -> None:
                    if end - start > fits:
                        raise MemoryError
                    rows.extend(range(start, end))

                held = in_batches(total, size, work)
                assert rows == list(range(total))
                assert 1 <= held <= size


def test_one_row_that_does_not_fit() -> None:
    def work(start: int, end: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryExhaustedError, match="single row; shorten the prompt") as caught:
        in_batches(4, 4, work)
    assert isinstance(caught.value, MemoryError)
    assert isinstance(caught.value.__cause__, MemoryError)


@pytest.mark.parametrize("error", [RuntimeError("shapes cannot be multiplied"), ValueError("x"), KeyboardInterrupt()])
def test_other_errors_pass(error: BaseException) -> None:
    calls: list[int] = []

    def work(start: int, end: int) -> None:
        calls.append(start)
        raise error

    with pytest.raises(type(error)):
        in_batches(4, 4, work)
    assert calls == [0]
    assert not is_memory_error(error)


def test_a_real_allocation_that_fails_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_memory_error(caught.value)
    assert not is_memory_error(OSError(errno.ENOENT, "no such file"))


def test_the_failed_batch_is_let_go_before_the_next() -> None:
    """Its tensors must not live on in the traceback while a smaller batch is tried."""
    alive: list[bool] = []
    held: list[weakref.ref[torch.Tensor]] = []

    def work(start: int, end: int) -> None:
        alive.extend(reference() is not None for reference in held)
        if end - start > 1:
            large = torch.zeros(3)
            held.append(weakref.ref(large))
            raise MemoryError

    in_batches(2, 2, work)
    assert alive
    assert not any(alive)


def test_estimates() -> None:
    lm = make_lm()
    assert available_bytes(torch.device("cpu")) > 2**20
    long, short = gradient_bytes(lm, 200, checkpoint=False), gradient_bytes(lm, 100, checkpoint=False)
    assert long == 2 * short
    assert gradient_bytes(lm, 200, checkpoint=True) < long
    assert gradient_bytes(make_lm(dtype=torch.bfloat16), 200, checkpoint=False) == long / 2
    give_back()
