"""Work begun by a click: in a thread of its own, one job for each widget, told about, and stopped when asked.

1. A click is answered at once; the thread does the work. In the thread that answers clicks it would block the next one,
   Cancel above all.
2. A new job cancels the one before and waits for it: they would share the model's lock and its memory anyway.
3. Only the newest job is heard: progress and outcome of an older one are dropped.
4. Progress is passed on at most 20 times a second, with the time taken and the time left.
5. The kernel's interrupt sets the cancel flag of every job (see `interrupts`).

A new thread has gradients enabled whatever the notebook has set, and Python's context is empty in it: `with` blocks of
interventions that are open in a cell do not reach it.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from interp_widgets.errors import Cancelled
from interp_widgets.results.numbers import duration
from interp_widgets.widgets.protocol import describe_error

Progress = Callable[[int, int, str], None]
Status = dict[str, Any]
IDLE: Status = {"state": "idle"}
_INTERVAL = 0.05  # seconds between two reports

_working: weakref.WeakSet[Worker] = weakref.WeakSet()


def cancel_all() -> None:
    """Set the flag of every job that runs."""
    for worker in list(_working):
        worker.cancel()


atexit.register(cancel_all)  # threads that go on while Python is taken down crash it


class _Job:
    def __init__(self) -> None:
        self.cancel = threading.Event()
        self.began = time.perf_counter()
        self.thread: threading.Thread | None = None


class Worker:
    """`show(status, droppable)` hears of everything; a droppable report may be skipped, the others may not."""

    def __init__(self, show: Callable[[Status, bool], None]) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._job: _Job | None = None

    @property
    def running(self) -> bool:
        job = self._job
        return job is not None and job.thread is not None and job.thread.is_alive()

    def start(
        self,
        work: Callable[[threading.Event, Progress], Any],
        done: Callable[[Any], None],
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        """Run `work(cancel, progress)`, then `done(what it returned)`, both in the thread of the job.

        What either raises becomes the status "error"; `asked` are the arguments to which a fix is added.
        """
        job = _Job()
        with self._lock:
            before = self._job
            job.thread = threading.Thread(
                target=self._run, args=(job, before, work, done, asked), name="interp-widgets-job", daemon=True
            )
            job.thread.start()  # under the lock: whoever sees the job can wait for its thread
            self._job = job
            _working.add(self)
            if before is not None:
                before.cancel.set()  # last: the job that it ends must find itself replaced, and say nothing

    def cancel(self) -> bool:
        """Set the job's flag; False if there is no job."""
        with self._lock:
            job = self._job
            if job is None or not self.running or job.cancel.is_set():
                return False
            job.cancel.set()
            return True

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended; False if it has not in `timeout` seconds."""
        job = self._job
        if job is not None and job.thread is not None and job.thread is not threading.current_thread():
            job.thread.join(timeout)
        return not self.running

    def _run(
        self,
        job: _Job,
        before: _Job | None,
        work: Callable[[threading.Event, Progress], Any],
        done: Callable[[Any], None],
        asked: Mapping[str, Any] | None,
    ) -> None:
        with self._lock:
            pass  # from here on this is the job that is heard
        try:
            self._tell(job, _running("starting", 0, 0, 0.0, None))
            if before is not None and before.thread is not None:
                before.thread.join()
            if job.cancel.is_set():
                raise Cancelled
            outcome = work(job.cancel, self._progress(job))
            if job.cancel.is_set():
                raise Cancelled
            if self._job is job:
                done(outcome)
        except Cancelled:
            taken = duration(time.perf_counter() - job.began)
            self._tell(job, {"state": "cancelled", "text": f"cancelled after {taken}; the last result is still shown"})
            _give_back()
        except BaseException as error:  # it is told in the card; in a thread nobody else would hear of it
            self._tell(job, {"state": "error", **describe_error(error, asked)})
        finally:
            with self._lock:
                if self._job is job:
                    self._job = None
                    _working.discard(self)

    def _tell(self, job: _Job, status: Status, droppable: bool = False) -> None:
        if self._job is job:
            self._show(status, droppable)

    def _progress(self, job: _Job) -> Progress:
        last = -_INTERVAL
        first: tuple[float, int, int] | None = None  # when, done and total at the first report of a phase

        def progress(done: int, total: int, text: str) -> None:
            nonlocal last, first
            now = time.perf_counter()
            if first is None or total != first[2] or done < first[1]:
                first = (now, done, total)
            if now - last < _INTERVAL:
                return
            last = now
            since, start, _ = first
            remaining = (now - since) * (total - done) / (done - start) if done > start else None
            self._tell(job, _running(text, done, total, now - job.began, remaining), droppable=True)

        return progress


def _give_back() -> None:
    """What the cancelled work held goes back to the system; after the view was told, since it takes a moment."""
    memory = sys.modules.get("interp_widgets.models.memory")
    if memory is not None:
        memory.give_back()


def _running(text: str, done: int, total: int, elapsed: float, remaining: float | None) -> Status:
    return {
        "state": "running",
        "text": text,
        "done": int(done),
        "total": int(total),
        "elapsed": round(elapsed, 2),
        "remaining": None if remaining is None else round(remaining, 2),
    }
