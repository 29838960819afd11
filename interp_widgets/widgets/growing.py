"""A card that fills while its work goes on: what is done so far is shown as it comes, and a view is sent what is new.

1. `run` begins work in a thread; each partial result that it hands over is shown, at most ten times a second, the last
   of a burst a moment later.
2. A view that is open is sent only what it lacks; the whole picture stays in the kernel, and a view that opens later
   asks for it. When the work ends, the whole is sent once, with its forms for other hosts.
3. After Cancel or an error what was done is the result.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from interp_widgets.errors import ArgumentError
from interp_widgets.widgets.card import CardWidget
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

INTERVAL = 0.1  # seconds between two partial pictures
WHOLE = "whole"  # the message that asks a view to fetch the whole picture


class GrowingCard(CardWidget):
    """Base of the widgets whose result comes in parts; a subclass draws a partial picture and says what is new in it.

    Attributes
    ----------
    result: the result that is shown (None before the first); the parts of a run are in it when the run has ended
    """

    result_class: ClassVar[type]

    def __init__(self, result: Any, *, key: str | None = None) -> None:
        self._check_result(result, empty=True)
        self._partial_lock = threading.Lock()
        self._pending: Any = None
        self._timer: threading.Timer | None = None
        self._shown_at = -INTERVAL
        self._latest: Any = None  # of a run that has not ended
        self._memo: dict[Any, Any] = {}
        self._quiet = False
        self._unsent = False  # the page's own copy of the picture lacks what was sent in parts
        self._runs = 0
        super().__init__(result, key=key)
        self._page = self.payload  # what the page's own copy has

    @abstractmethod
    def _picture(self, result: Any) -> dict[str, Any]:
        """The payload of a partial result; `self._memo` lasts as long as the run."""

    @abstractmethod
    def _news(self, before: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
        """The message that makes the new picture of the one before."""

    def _check_result(self, result: Any, *, empty: bool = False) -> None:
        if not (empty and result is None) and not isinstance(result, self.result_class):
            raise ArgumentError(f"result={result!r} is no {self.result_class.__name__}")

    def run(self, work: Callable[[threading.Event, Progress, Callable[[Any], None]], Any]) -> None:
        """Begin `work(cancel, progress, partial)` in the background; what it returns becomes `result`.

        work: looks at the event `cancel` and raises `Cancelled` when it is set; may tell of `progress(done, total,
            text)`; hands over what is done so far by `partial(result)`
        """
        self._run(work)

    def _run(
        self,
        work: Callable[[threading.Event, Progress, Callable[[Any], None]], Any],
        asked: dict[str, Any] | None = None,
    ) -> None:
        self._runs += 1
        number = self._runs

        def partial(result: Any) -> None:
            if number == self._runs:
                self.show_partial(result)

        def job(cancel: threading.Event, progress: Progress) -> Any:
            try:
                return work(cancel, progress, partial)
            except BaseException:
                if number == self._runs:
                    self._settle()
                raise

        self._worker.start(job, self._succeed, asked)

    def show_partial(self, result: Any) -> None:
        """Show what a run has so far; from any thread, as often as it comes."""
        self._check_result(result)
        with self._partial_lock:
            self._pending = self._latest = result
            if self._timer is not None:
                return
            wait = self._shown_at + INTERVAL - time.monotonic()
            if wait > 0:
                self._timer = threading.Timer(wait, self._flush)
                self._timer.daemon = True
                self._timer.start()
                return
        self._flush()

    @request("state")
    def _state(self) -> dict[str, Any]:
        """The whole picture, for a view that lacks a part of it."""
        return dict(self.payload)

    def _flush(self) -> None:
        with self._partial_lock:
            result, self._pending, self._timer = self._pending, None, None
            self._shown_at = time.monotonic()
        if result is not None:
            with self.lock:
                if not self.closed and self._latest is not None:
                    self._send_partial(result)

    def _send_partial(self, result: Any) -> None:
        payload, before = self._picture(result), self.payload
        if not self._same_tokens(result):
            self.selection = []
        self._drawn = result
        self._quiet = self._unsent = True
        try:
            self.payload = payload
        finally:
            self._quiet = False
        self.send(self._news(before, payload))

    def _should_send_property(self, key: str, value: Any) -> bool:
        return not (self._quiet and key == "payload") and bool(super()._should_send_property(key, value))

    def _settle(self) -> None:
        """A run ended without a result: what was done is the result."""
        latest = self._latest
        if latest is not None and not self.closed:
            self._succeed(latest)

    def _draw(self, result: Any) -> None:
        self._stop_timer()
        before = self.payload
        super()._draw(result)
        with self.lock:
            if self._unsent and self.payload == self._page:  # no change to the page's copy, but one to its view
                self.send({"kind": WHOLE})
            elif self._unsent and self.payload == before:  # no change to tell of here, but one to the page
                self.send_state("payload")
            self._unsent, self._page = False, self.payload

    def _stop_timer(self) -> None:
        with self._partial_lock:
            if self._timer is not None:
                self._timer.cancel()
            self._pending = self._latest = self._timer = None
            self._memo = {}

    def _free(self) -> None:
        self._stop_timer()
        self._page = {}
        super()._free()
