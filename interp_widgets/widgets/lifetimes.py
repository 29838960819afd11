"""Which widgets live: re-running a cell closes the widgets of its run before.

IPython's `Out` and the widget library's own table hold every widget for ever, so waiting for garbage collection frees
nothing.  A run is known by its message, a cell by the id that JupyterLab sends; hosts that send none are known by the
code of the cell, and then the last few runs stay, as two cells may hold the same code.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Protocol

from interp_widgets.widgets.kernel import Execution

_RUNS_KEPT_BY_CODE = 4


class Closable(Protocol):
    def close(self) -> None: ...


_References = list["weakref.ref[Closable]"]


class Lifetimes:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: dict[str, dict[str, _References]] = {}
        self._keys: dict[str, weakref.ref[Closable]] = {}
        self._open: weakref.WeakSet[Closable] = weakref.WeakSet()

    def adopt(self, widget: Closable, execution: Execution | None, key: str | None = None) -> None:
        """Note a new widget; closes the one with the same key, and those of earlier runs of its cell."""
        outlived: _References = []
        with self._lock:
            self._open.add(widget)
            if key is not None:
                if key in self._keys:
                    outlived.append(self._keys[key])
                self._keys[key] = weakref.ref(widget)
            if execution is not None:
                for gone in execution.deleted:
                    for references in self._cells.pop(gone, {}).values():
                        outlived += references
                runs = self._cells.setdefault(execution.cell, {})
                runs.setdefault(execution.run, []).append(weakref.ref(widget))
                kept = _RUNS_KEPT_BY_CODE if execution.by_code else 1
                for old in list(runs)[:-kept]:
                    outlived += runs.pop(old)
        for reference in outlived:
            old_widget = reference()
            if old_widget is not None and old_widget is not widget:
                old_widget.close()

    def forget(self, widget: Closable) -> None:
        """Note that a widget was closed."""
        with self._lock:
            self._open.discard(widget)
            for cell, runs in list(self._cells.items()):
                for run, references in list(runs.items()):
                    references[:] = [r for r in references if r() is not None and r() is not widget]
                    if not references:
                        del runs[run]
                if not runs:
                    del self._cells[cell]
            self._keys = {k: r for k, r in self._keys.items() if r() is not None and r() is not widget}

    def __iter__(self) -> Iterator[Closable]:
        """The widgets that are open, those outside of a cell too."""
        with self._lock:
            return iter(list(self._open))


lifetimes = Lifetimes()
