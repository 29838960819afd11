"""The kernel's interrupt stops work begun by a click, too.

ipykernel ignores SIGINT while no cell runs.  While one runs, SIGINT raises KeyboardInterrupt in the main thread, or, if
the cell awaits, is noted for an event loop that may sleep on.  A worker thread hears of none of this.  So:

1. Python writes the number of every signal that it handles into one file descriptor, at once, whatever the main thread
   does and whoever handles the signal.  A thread of ours reads there, sets the flags, and wakes the event loop.
2. An ignored signal is not handled, so between cells a handler of ours that does nothing else stands where SIG_IGN
   stood.  ipykernel puts back after each message what it found before it (`saved_sigint_handler`).
3. Should somebody else take the file descriptor, that handler and the end of an interrupted cell still tell.

All of it can be set up in the main thread only; a widget that is first made elsewhere leaves it to the kernel's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from types import FrameType
from typing import Any

from interp_widgets.widgets.kernel import running_kernel
from interp_widgets.widgets.worker import cancel_all

_INSTALLED = "_interp_widgets_interrupts"


def watch() -> None:
    """Have the kernel's interrupt cancel all jobs; does nothing outside a kernel and when done before."""
    kernel = running_kernel()
    if kernel is None or hasattr(kernel, _INSTALLED):
        return
    if threading.current_thread() is threading.main_thread():
        _install(kernel)
    else:
        kernel.io_loop.add_callback(_install, kernel)


class _BetweenCells:
    """Where SIG_IGN stood: ignores the signal, and passes its number on. A handler must not wait for any lock."""

    def __init__(self, sender: socket.socket) -> None:
        self._sender = sender

    def __call__(self, number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):  # full: there is one to read already
            self._sender.send(bytes([number]))


def _install(kernel: Any) -> None:
    if hasattr(kernel, _INSTALLED):
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    setattr(kernel, _INSTALLED, (receiver, sender))  # as long as the kernel
    threading.Thread(
        target=_listen, args=(receiver, kernel.io_loop), name="interp-widgets-interrupts", daemon=True
    ).start()
    others = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    if others >= 0:
        signal.set_wakeup_fd(others)
    ignoring = _BetweenCells(sender)
    if getattr(kernel, "saved_sigint_handler", None) is signal.SIG_IGN:
        kernel.saved_sigint_handler = ignoring
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # installed by the loop, between two messages
        signal.signal(signal.SIGINT, ignoring)
    kernel.shell.events.register("post_run_cell", _after_cell)


def _listen(receiver: socket.socket, loop: Any) -> None:
    while True:
        if signal.SIGINT in receiver.recv(64):
            cancel_all()
            with contextlib.suppress(RuntimeError):  # the kernel is going down and its loop is closed
                loop.asyncio_loop.call_soon_threadsafe(_nothing)


def _nothing() -> None:
    """Makes a sleeping event loop look around: ipykernel's own note, "cancel this cell", does not wake it."""


def _after_cell(result: Any) -> None:
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
        cancel_all()
