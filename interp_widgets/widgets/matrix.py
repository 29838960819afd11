"""The sources of generated text as a live widget, which fills row by row while the text is written.

1. `run` begins work in a thread; each partial result that it hands over is shown, at most ten times a second, the last
   of a burst a moment later.
2. A view that is open is sent only the rows and tokens that it lacks; the whole picture stays in the kernel, and a view
   that opens later asks for it. When the work ends, the whole is sent once, with its forms for other hosts.
3. After Cancel or an error the rows that were done are the result.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import traitlets

from interp_widgets.attribution.matrix import MatrixResult
from interp_widgets.attribution.matrix_payload import Memo, continuation, matrix_payload
from interp_widgets.errors import ArgumentError, ModelUnavailableError
from interp_widgets.widgets.card import KEEP, CardWidget
from interp_widgets.widgets.display import MATRIX
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

INTERVAL = 0.1  # seconds between two partial pictures
PATCH = "matrix-patch"
Partial = Callable[[MatrixResult], None]
Work = Callable[[threading.Event, Progress, Partial], MatrixResult]


class Matrix(CardWidget):
    """For each generated token the tokens that it comes from, live.

    Parameters
    ----------
    result: a MatrixResult, as `iw.attribute` returns for generated text; None waits for one
    start: work to `run` at once
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown (None before the first); rows of a run are in it when the run has ended
    selection: indices of the selected tokens, sorted; changes by clicks, and can be set
    """

    kind = MATRIX
    bundle = "matrix"

    result = traitlets.Instance(MatrixResult, allow_none=True)

    def __init__(
        self, result: MatrixResult | None = None, *, start: Work | None = None, key: str | None = None
    ) -> None:
        if result is not None and not isinstance(result, MatrixResult):
            raise ArgumentError(f"result={result!r} is no MatrixResult")
        self._partial_lock = threading.Lock()
        self._pending: MatrixResult | None = None
        self._timer: threading.Timer | None = None
        self._shown_at = -INTERVAL
        self._latest: MatrixResult | None = None  # of a run that has not ended
        self._memo: Memo = {}
        self._quiet = False
        self._unsent = False  # the page's own copy of the picture lacks what was sent in parts
        self._runs = 0
        super().__init__(result, key=key)
        if start is not None:
            self.run(start)

    # Running

    def run(self, work: Work) -> None:
        """Begin `work(cancel, progress, partial)` in the background; what it returns becomes `result`.

        work: looks at the event `cancel` and raises `Cancelled` when it is set; may tell of `progress(done, total,
            text)`; hands over what is done so far by `partial(result)`
        """
        self._runs += 1
        number = self._runs

        def partial(result: MatrixResult) -> None:
            if number == self._runs:
                self.show_partial(result)

        def job(cancel: threading.Event, progress: Progress) -> MatrixResult:
            try:
                return work(cancel, progress, partial)
            except BaseException:
                if number == self._runs:
                    self._settle()
                raise

        self._worker.start(job, self._succeed)

    def explain(self, method: str = KEEP) -> None:
        """Explain the same text by another method, in the background; the outcome appears in `result`.

        Raises ArgumentError while there is no result to ask about.
        """
        shown = self.result
        if shown is None:
            raise ArgumentError("there is no result yet whose text could be explained again")
        asked = {"method": shown.method if method is KEEP else method}

        def job(cancel: threading.Event, progress: Progress) -> MatrixResult:
            lm = shown.model()
            if lm is None:
                self._refresh_options()
                raise ModelUnavailableError(
                    f"{shown.provenance.model} is no longer in memory. Load it again and run this cell once more; the "
                    "last result stays."
                )
            target = importlib.import_module("interp_widgets.attribution.continuation").Continuation(
                **continuation(shown)
            )
            from interp_widgets.attribution.api import attribute

            source = shown.provenance
            return cast(
                MatrixResult,
                attribute(lm, source.prompt, target, seed=source.seed, progress=progress, cancel=cancel, **asked),
            )

        self._runs += 1
        self._worker.start(job, self._succeed, asked)

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        unknown = args.keys() - {"method"}
        if unknown:
            raise ArgumentError(f"explain has no {', '.join(sorted(unknown))}")
        self.explain(**args)
        return {"accepted": True}

    def show_partial(self, result: MatrixResult) -> None:
        """Show what a run has so far; from any thread, as often as it comes."""
        if not isinstance(result, MatrixResult):
            raise ArgumentError(f"result={result!r} is no MatrixResult")
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

    def _send_partial(self, result: MatrixResult) -> None:
        payload, before = matrix_payload(result, self._memo), self.payload
        if not self._same_tokens(result):
            self.selection = []
        self._drawn = result
        self._quiet = self._unsent = True
        try:
            self.payload = payload
        finally:
            self._quiet = False
        head = {name: value for name, value in payload.items() if name not in ("boxes", "rows")}
        lists = {name: _news(before.get(name, []), payload[name]) for name in ("boxes", "rows")}
        self.send({"kind": PATCH, "head": head, **lists})

    def _should_send_property(self, key: str, value: Any) -> bool:
        return not (self._quiet and key == "payload") and bool(super()._should_send_property(key, value))

    def _settle(self) -> None:
        """A run ended without a result: the rows that were done are the result."""
        latest = self._latest
        if latest is not None and not self.closed:
            self._succeed(latest)

    def _options(self, result: MatrixResult | None) -> dict[str, Any]:
        """Without a live model it is what the picture itself used, and no torch is imported."""
        if result is None:
            return {"methods": [], "live": False}
        live = result.model() is not None
        methods = {result.method: result.method.replace("_", " ")}
        if live or "interp_widgets.attribution.registry" in sys.modules:
            from interp_widgets.attribution import registry

            methods |= {method.name: method.label for method in registry.describe()}
        return {"methods": [{"name": name, "label": label} for name, label in methods.items()], "live": live}

    def _draw(self, result: Any) -> None:
        self._stop_timer()
        before = self.payload
        super()._draw(result)
        with self.lock:
            if self._unsent and self.payload == before:  # no change to tell of here, but one to the page
                self.send_state("payload")
            self._unsent = False

    def _stop_timer(self) -> None:
        with self._partial_lock:
            if self._timer is not None:
                self._timer.cancel()
            self._pending = self._latest = self._timer = None
            self._memo = {}

    def _same_tokens(self, result: Any) -> bool:
        """Also where more was written since: the tokens that were there keep their places."""
        before = self._drawn
        return before is not None and result is not None and result.tokens[: len(before.tokens)] == before.tokens

    def _free(self) -> None:
        self._stop_timer()
        super()._free()


def _news(before: list[Any], after: list[Any]) -> dict[str, Any]:
    """What a list has that the one before has not: items from the first that differs."""
    same = next((i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), None)
    start = min(len(before), len(after)) if same is None else same
    return {"from": start, "items": after[start:]}
