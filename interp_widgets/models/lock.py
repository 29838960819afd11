"""The model's lock: one thread computes at a time, and no interrupt can leave it locked.

With a `threading.RLock` an interrupt that lands between taking it and noting that it was taken locks it for good.
Here it is held by *runs*, which are known weakly: one that is closed or gone holds nothing.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp_widgets.models.run import Run


class ModelLock:
    """Held while some run of one thread is open; that thread may open more. Hold it by `with lm.run():`."""

    def __init__(self) -> None:
        self._guard = threading.Lock()  # held for a few lines only
        self._holders: weakref.WeakKeyDictionary[Run, int] = weakref.WeakKeyDictionary()

    def take(self, run: Run) -> bool:
        """Take the lock for a run of this thread; False while another thread has it."""
        me = threading.get_ident()
        with self._guard:
            if any(run.open and thread != me for run, thread in self._holders.items()):
                return False
            self._holders[run] = me
            return True

    def free(self, run: Run) -> None:
        """Give it back; nothing happens if this run does not hold it."""
        with self._guard:
            self._holders.pop(run, None)

    @property
    def held(self) -> bool:
        """True while some thread computes."""
        with self._guard:
            return any(run.open for run in self._holders)
