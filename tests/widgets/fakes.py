"""A model and an `attribute` that answer at once or when told, so that widgets are tested without computing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from interp_widgets.errors import Cancelled
from interp_widgets.models import live
from tests.builders import make_result


class FakeModel:
    """What the registry of live models and the status bar ask of one."""

    name, device, dtype = "tiny", "cpu", "torch.float32"

    def __init__(self, fingerprint: str = "f" * 64) -> None:
        self.fingerprint = fingerprint
        self.ledger: dict[str, Any] = {}


class FakeAttribute:
    """Stands for `iw.attribute`: notes how it was called; with `hold` it works until it is released or cancelled."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.started = threading.Semaphore(0)
        self.hold = False
        self.release = threading.Event()
        self.error: BaseException | None = None
        self.reports = 1

    def __call__(self, lm: Any, prompt: Any, *, progress: Any, cancel: threading.Event, **asked: Any) -> Any:
        self.calls.append({"lm": lm, "prompt": prompt, **asked})
        for done in range(self.reports):
            progress(done, self.reports, "integrating")
        self.started.release()
        while self.hold and not self.release.is_set():
            if cancel.wait(0.005):
                raise Cancelled("by the flag")
        if self.error is not None:
            raise self.error
        target = asked["target"]
        names = {11809: " Sydney", 260: " the", 45421: " Canberra", 37045: " Perth"}
        text = names.get(target, str(target)) if isinstance(target, int) else target or ""
        changes = {"target": text, "gap": 0.5, "method": asked["method"]}
        if asked["foil"] is None:
            changes |= {"foil": None, "foil_ids": make_result().foil_ids[:0]}
        return make_result(**changes)


@contextmanager
def living(lm: FakeModel) -> Iterator[FakeModel]:
    """The model is found by its fingerprint within the block."""
    original = live.find
    live.find = lambda fingerprint: cast(Any, lm) if fingerprint == lm.fingerprint else None
    try:
        yield lm
    finally:
        live.find = original
