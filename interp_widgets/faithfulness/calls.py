"""Calls to a server: when to call, when to call again, and when to give up.

1. A call waits until the rate limit allows it.
2. What may pass (no connection, too slow, 408, 409, 429, 5xx, a reply that is cut off or is no JSON) is tried again
   after a wait that doubles each time, or after as long as the server's Retry-After says.  What will not pass (a wrong
   key, a wrong model, a wrong request) is told at once.
3. Waiting looks at the cancel flag.  Time comes from a `Clock`, so that tests do not have to wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from interp_widgets.errors import Cancelled, ServerError

Made = TypeVar("Made")
_LONGEST = 60.0  # seconds of one wait


class Passing(Exception):
    """A failure that may pass. text: what happened; after: seconds that the server asks to wait, if it does."""

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.text, self.after = text, after


class Clock(Protocol):
    def now(self) -> float:
        """Seconds, from any start."""

    def wait(self, seconds: float, cancel: threading.Event | None) -> None:
        """Let so much time pass; returns early when the flag is set."""


class WallClock:
    """Real time."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, cancel: threading.Event | None) -> None:
        (cancel or threading.Event()).wait(seconds)


@dataclass
class Caller:
    """Makes calls one by one or from several threads.

    attempts: of one call; first_wait: seconds before the second; per_minute: calls that may begin in a minute
    """

    attempts: int = 5
    first_wait: float = 1.0
    per_minute: float | None = None
    clock: Clock = field(default_factory=WallClock)
    made: int = 0  # calls, tried again or not
    again: int = 0  # of them tried again
    _next: float = field(default=0.0, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def call(self, work: Callable[[], Made], where: str, cancel: threading.Event | None) -> Made:
        """What `work` returns. It raises `Passing` for what may pass; then it is called again.

        Raises ServerError after the last attempt, Cancelled.
        """
        told: list[str] = []
        for attempt in range(self.attempts):
            self._wait_for_turn(cancel)
            look(cancel)
            with self._turn:
                self.made += 1
                self.again += attempt > 0
            try:
                return work()
            except Passing as failure:
                told.append(failure.text)
                wait = self.first_wait * 2**attempt if failure.after is None else failure.after
            if attempt + 1 < self.attempts:
                self.clock.wait(min(wait, _LONGEST), cancel)
        kinds = ", then ".join(dict.fromkeys(told))
        raise ServerError(
            f"{where} did not answer in {self.attempts} attempts: {kinds}. What was answered so far is kept; run the"
            " same again to go on"
        )

    def _wait_for_turn(self, cancel: threading.Event | None) -> None:
        if self.per_minute is None:
            return
        with self._turn:
            now = self.clock.now()
            at = max(self._next, now)
            self._next = at + 60.0 / self.per_minute
        if at > now:
            self.clock.wait(at - now, cancel)


def look(cancel: threading.Event | None) -> None:
    """Raises Cancelled if the flag is set."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("cancelled; what was answered so far is kept")
