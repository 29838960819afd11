"""Threads and tasks: each sees its own blocks, all see the ledger, and one computes at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
import torch

from interp_widgets.errors import Cancelled
from interp_widgets.interventions import Ablation, AddedVector, Intervention
from interp_widgets.models.language_model import LanguageModel
from tests.interventions.state import IDS, count_hooks, logits
from tests.tiny import make_lm

ROUNDS = 25


def choices() -> list[Intervention]:
    return [
        AddedVector(torch.linspace(-1, 1, 32), layer=1, strength=3),
        AddedVector(torch.linspace(1, -1, 32), layer=1, positions="last"),
        Ablation(layer=0, head=1),
    ]


@pytest.fixture
def lm() -> LanguageModel:
    return make_lm()


def alone(lm: LanguageModel, *interventions: Intervention) -> torch.Tensor:
    with lm.using(*interventions):
        return logits(lm)


def together(*works: Callable[[], None]) -> None:
    """Run each in a thread of its own; an error in one is an error here."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "threads wait for each other"
    if errors:
        raise errors[0]


def test_each_thread_sees_its_own_block(lm: LanguageModel) -> None:
    xs = choices()
    expected = [alone(lm, x) for x in xs]
    plain = logits(lm)
    barrier = threading.Barrier(len(xs) + 1)

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            barrier.wait(timeout=30)
            with lm.using(xs[k]):
                barrier.wait(timeout=30)  # all blocks are open now
                assert torch.equal(logits(lm), expected[k])
                with lm.run():
                    assert torch.equal(logits(lm), expected[k])

    def bystander() -> None:
        for _ in range(ROUNDS):
            barrier.wait(timeout=30)
            barrier.wait(timeout=30)
            assert torch.equal(logits(lm), plain)
            assert torch.equal(lm.next_logits(IDS), lm.next_logits(IDS))

    together(*(lambda k=k: work(k) for k in range(len(xs))), bystander)
    assert count_hooks(lm.model) == 0


def test_a_run_is_not_touched_by_a_ledger_that_changes_meanwhile(lm: LanguageModel) -> None:
    x, y, z = choices()
    lm.ledger.add(x, name="x")
    expected = alone(lm, z)
    lm.ledger.toggle("x")
    off = alone(lm, z)
    lm.ledger.toggle("x")
    stop = threading.Event()
    seen: set[tuple[object, ...]] = set()

    def clicks() -> None:
        # Each operation of torch lets go of the interpreter: a loop without a pause would make each of the thousands
        # in the other thread wait for a whole switch interval.
        while not stop.wait(0.0005):
            lm.ledger.toggle("x")
            lm.ledger.add(y, name="y")
            lm.ledger.undo()
            lm.ledger.clear()
            lm.ledger.undo()

    def computes() -> None:
        try:
            for _ in range(ROUNDS):
                with lm.using(z), lm.run() as run:
                    first = logits(lm)
                    names = run.snapshot.changes
                    seen.add(names)
                    for _ in range(3):
                        assert torch.equal(logits(lm), first)
                    assert run.snapshot.changes is names
                    if y not in names:
                        assert torch.equal(first, expected if x in names else off)
        finally:
            stop.set()

    together(clicks, computes)
    assert len(seen) > 1, "no change fell between two runs"


def test_each_task_sees_its_own_block(lm: LanguageModel) -> None:
    xs = choices()
    expected = [alone(lm, x) for x in xs]

    async def work(k: int) -> None:
        with lm.using(xs[k]):
            for _ in range(5):
                await asyncio.sleep(0)
                assert torch.equal(logits(lm), expected[k])
                with lm.run():
                    await asyncio.sleep(0)  # two runs of one thread may overlap
                    assert torch.equal(logits(lm), expected[k])
            assert torch.equal(await asyncio.to_thread(logits, lm), expected[k])  # a helper thread inherits it

    async def all_of_them() -> None:
        await asyncio.gather(*(work(k) for k in range(len(xs))))

    asyncio.run(all_of_them())
    assert count_hooks(lm.model) == 0
    assert not lm.lock.held


def test_a_thread_inside_a_run_does_not_wait_for_itself(lm: LanguageModel) -> None:
    async def work() -> None:
        with lm.run():
            await asyncio.wait_for(asyncio.to_thread(lm.next_logits, IDS), timeout=30)

    asyncio.run(work())


def test_one_thread_computes_at_a_time_and_who_waits_can_be_cancelled(lm: LanguageModel) -> None:
    inside, leave, flag = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with lm.run():
            inside.set()
            assert leave.wait(timeout=30)
            order.append("first done")

    def second() -> None:
        assert inside.wait(timeout=30)
        flag.set()
        with pytest.raises(Cancelled):
            lm.generate("The", cancel=flag)
        order.append("second gave up")
        leave.set()
        lm.generate("The", max_new_tokens=1)
        order.append("second done")

    together(first, second)
    assert order == ["second gave up", "first done", "second done"]
    assert not lm.lock.held
