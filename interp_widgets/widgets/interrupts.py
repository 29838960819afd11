"""The kernel's interrupt stops work begun by a click, too.

ipykernel ignores SIGINT while no cell runs, and while one runs SIGINT raises KeyboardInterrupt in the main thread; a
worker thread hears of neither.  So:

1. Between cells our own handler stands where SIG_IGN stood: it has the flags set and ignores the signal as before.
   ipykernel puts back after each message what it found before it (`saved_sigint_handler`), so it is put there once.
2. In front of each message ipykernel installs Python's own handler (`pre_handler_hook`); we put ours around that one.
3. A cell that awaits has a third handler, which cancels it; then the end of the cell tells (`post_run_cell`).

Signals can be set in the main thread only; a widget that is first made elsewhere leaves it to the kernel's main loop.
A handler may interrupt code that holds the very lock that it would need, so ours only puts a word into a queue made for
that; a thread that waits for it sets the flags.
"""

from __future__ import annotations

import asyncio
import queue
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from interp_widgets.widgets.kernel import running_kernel
from interp_widgets.widgets.worker import cancel_all

_INSTALLED = "_interp_widgets_interrupts"
Handler = Callable[[int, FrameType | None], Any]
_interrupts: queue.SimpleQueue[None] = queue.SimpleQueue()


def _listen() -> None:
    while True:
        _interrupts.get()
        cancel_all()


def watch() -> None:
    """Have the kernel's interrupt cancel all jobs; does nothing outside a kernel and when done before."""
    kernel = running_kernel()
    if kernel is None or getattr(kernel, _INSTALLED, False):
        return
    if threading.current_thread() is threading.main_thread():
        _install(kernel)
    else:
        kernel.io_loop.add_callback(_install, kernel)


class _Flagging:
    """A signal handler that has the flags set, then does what the one before did."""

    def __init__(self, before: Handler | int | None) -> None:
        self.before = before

    def __call__(self, number: int, frame: FrameType | None) -> Any:
        _interrupts.put(None)
        return self.before(number, frame) if callable(self.before) else None


def _wrap_current() -> None:
    current = signal.getsignal(signal.SIGINT)
    if not isinstance(current, _Flagging):
        signal.signal(signal.SIGINT, _Flagging(current))


def _install(kernel: Any) -> None:
    if getattr(kernel, _INSTALLED, False):
        return
    setattr(kernel, _INSTALLED, True)
    threading.Thread(target=_listen, name="interp-widgets-interrupts", daemon=True).start()
    saved = getattr(kernel, "saved_sigint_handler", None)
    if saved is not None and not isinstance(saved, _Flagging):
        kernel.saved_sigint_handler = _Flagging(saved)
    _wrap_current()
    hook = kernel.pre_handler_hook

    def pre_handler_hook() -> None:
        hook()
        if threading.current_thread() is threading.main_thread():
            _wrap_current()

    kernel.pre_handler_hook = pre_handler_hook
    kernel.shell.events.register("post_run_cell", _after_cell)


def _after_cell(result: Any) -> None:
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        cancel_all()
