"""Runs a learner's function so that whatever it does, the notebook goes on: time, output, errors, changed inputs.

1. It gets copies of its arguments; they are compared afterwards, so that a change of an input is seen and harms nobody.
2. What it prints is kept up to a limit and counted beyond it.
3. A time limit ends it by an exception in its own thread: by a signal where there is one, which also ends a sleep, else
   by Python's way to raise in another thread, which waits until a call into C returns.
4. An error of its own becomes a `Miss` that names its line; `NotImplementedError` of a stub, interrupts and exits of
   the person come through.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.compare import Miss
from interp_widgets.results.numbers import count, plain

_KEPT = 2_000  # characters of its output that are shown


class _TimeIsUp(BaseException):
    """Not an `Exception`: `except Exception` in a loop must not swallow it."""


class _Limited(io.TextIOBase):
    """A stream that keeps its beginning and counts the rest."""

    def __init__(self) -> None:
        self.kept, self.characters, self.lines = "", 0, 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.kept) < _KEPT:
            self.kept += text[: _KEPT - len(self.kept)]
        self.characters += len(text)
        self.lines += text.count("\n")
        return len(text)


@dataclass(frozen=True)
class Outcome:
    """value: what came back. printed: the beginning of what it wrote. lines: how many there were in all."""

    value: Any
    printed: str
    lines: int
    seconds: float


def call(function: Callable[..., Any], arguments: tuple[Any, ...], *, seconds: float) -> Outcome:
    """Call it with copies of the arguments. Raises `Miss`; NotImplementedError for what is not written yet."""
    given = tuple(_copied(argument) for argument in arguments)
    output = _Limited()
    started = time.monotonic()
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            torch.enable_grad(),
            warnings.catch_warnings(),
            _limit(seconds),
        ):
            warnings.simplefilter("ignore")  # a warning is no reason for a mark; and stderr would take the marks away
            value = function(*given)
    except NotImplementedError:
        raise
    except _TimeIsUp:
        raise Miss(
            f"it did not return within {plain(seconds)} s and was stopped; is there a loop without an end?"
            f"{_wrote(output)}",
            telling=False,
        ) from None
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # SystemExit too: an `exit()` in an answer must not end the kernel
        raise Miss(f"it raised {_told(error)}{_wrote(output)}", telling=False) from error
    changed = [i for i, (one, other) in enumerate(zip(given, arguments, strict=True), 1) if not _same(one, other)]
    if changed:
        raise Miss(
            f"it changed its input (argument {changed[0]}): make a copy first, or an operation without a final _"
            f"{_wrote(output)}",
            telling=False,
        )
    return Outcome(value, output.kept, output.lines, time.monotonic() - started)


def _wrote(output: _Limited) -> str:
    return f"; it wrote {count(output.lines, 'line')}" if output.lines > 20 else ""


def _told(error: BaseException) -> str:
    """The error's own words, and the last line of a notebook's cell that led to it."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if len(text) > 400:
        text = text[:397] + "..."
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "ipykernel" in frame.filename or frame.filename.startswith("<")
    ]
    if isinstance(error, SyntaxError) or not own or own[-1].lineno is None:
        return text
    where = f" (line {own[-1].lineno} of its cell: {own[-1].line})" if own[-1].line else f" (line {own[-1].lineno})"
    return text + where


def _copied(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return argument.detach().clone()
    if isinstance(argument, np.ndarray):
        return argument.copy()
    if isinstance(argument, list | dict):
        return copy.deepcopy(argument)
    return argument


def _same(one: Any, other: Any) -> bool:
    if isinstance(other, Tensor):
        return one.shape == other.shape and bool(torch.equal(one.detach(), other.detach()))
    if isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(other, list | dict):
        return bool(one == other)
    return True


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raises `_TimeIsUp` inside the block after so long, and again each half second while it is ignored."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _limit_by_signal(seconds):
            yield
    else:
        with _limit_by_thread(seconds):
            yield


@contextlib.contextmanager
def _limit_by_signal(seconds: float) -> Iterator[None]:
    inside = True

    def ring(number: int, frame: FrameType | None) -> None:
        if inside:
            raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    started = time.monotonic()
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if delay:  # somebody else's alarm goes on
            signal.setitimer(signal.ITIMER_REAL, max(delay - (time.monotonic() - started), 0.001), interval)


@contextlib.contextmanager
def _limit_by_thread(seconds: float) -> Iterator[None]:
    done, ringing = threading.Event(), threading.Lock()
    target = ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            wait = 0.5
            with ringing:
                if not done.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(_TimeIsUp))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        while not done.is_set():
            try:
                with ringing:
                    done.set()
                # One that was sent and has not landed lands here, within a few turns. It must not be taken back by
                # sending None: Python 3.11 then takes a signal for pending for good, and hangs under a tracer.
                for _ in range(100):
                    pass
            except _TimeIsUp:
                continue
