"""Who wants to know that a model came or a ledger changed."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Signal:
    """A thread-safe list of functions to call; what they raise is theirs to catch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()

    def connect(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` on every `emit`; returns a function that disconnects it."""
        with self._lock:
            if listener not in self._listeners:
                self._listeners = (*self._listeners, listener)
        return lambda: self._disconnect(listener)

    def _disconnect(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

    def emit(self) -> None:
        for listener in self._listeners:
            listener()


models_changed = Signal()
