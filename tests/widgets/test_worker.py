"""One job at a time for each widget: a new one replaces the one before without a word."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from interp_widgets.errors import Cancelled
from interp_widgets.widgets.worker import Progress, Status, Worker


def test_a_replaced_job_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it hears of its end before the thread of the new job is under way."""
    told: list[str] = []
    ended = threading.Event()

    def show(status: Status, droppable: bool) -> None:
        told.append(status["state"])

    def first(cancel: threading.Event, progress: Progress) -> None:
        try:
            assert cancel.wait(10)
            raise Cancelled
        finally:
            ended.set()

    class Slow(threading.Thread):
        def start(self) -> None:
            ended.wait(0.2)  # the old job has this long to hear of its end
            super().start()

    jobs = Worker(show)
    jobs.start(first, lambda outcome: None)
    monkeypatch.setattr("interp_widgets.widgets.worker.threading.Thread", Slow)
    outcomes: list[Any] = []
    jobs.start(lambda cancel, progress: "second", outcomes.append)
    assert jobs.join(10)
    assert outcomes == ["second"]
    assert "cancelled" not in told
