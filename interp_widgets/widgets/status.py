"""The status bar's source: which models are in this kernel, on which device, with which interventions.

One comm, opened when the first model is there, carries the whole state at every change; states are small, and a front
end that joins late, or missed one, is right again with the next.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from interp_widgets.models.events import models_changed
from interp_widgets.widgets.kernel import running_kernel

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

TARGET = "interp_widgets.status"
_log = logging.getLogger(__name__)


def start() -> None:
    """Tell the front end about models from now on; does nothing outside a kernel."""
    if running_kernel() is not None:
        models_changed.connect(_channel.update)
        _channel.update()


def state() -> dict[str, Any]:
    """`{"models": [{name, device, dtype, interventions: [{name, kind, enabled}]}]}`, oldest model first."""
    from interp_widgets.models import live

    return {"models": [_describe(lm) for lm in live.all()]}


def _describe(lm: LanguageModel) -> dict[str, Any]:
    entries = [(name, lm.ledger[name]) for name in list(lm.ledger)]
    return {
        "name": lm.name,
        "device": str(lm.device),
        "dtype": str(lm.dtype).removeprefix("torch."),
        "interventions": [
            {"name": name, "kind": str(entry.kind), "enabled": bool(entry.enabled)} for name, entry in entries
        ],
    }


class _Channel:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._comm: Any = None
        self._sent: dict[str, Any] | None = None

    def update(self) -> None:
        """Send the state if it differs from what was sent. Whoever changed a ledger must not suffer from a failure."""
        try:
            with self._lock:
                now = state()
                if self._comm is None:
                    if now["models"]:
                        self._open(now)
                elif now != self._sent:
                    self._sent = now
                    self._comm.send(now)
        except Exception:
            _log.warning("the status bar could not be told", exc_info=True)

    def _open(self, now: dict[str, Any]) -> None:
        from comm import create_comm

        comm = create_comm(target_name=TARGET, data=now)
        comm.on_msg(self._receive)
        comm.on_close(self._closed)
        self._comm, self._sent = comm, now

    def _receive(self, message: dict[str, Any]) -> None:
        if message["content"]["data"].get("kind") == "hello":
            with self._lock:
                if self._comm is not None:
                    self._sent = state()
                    self._comm.send(self._sent)

    def _closed(self, _: dict[str, Any]) -> None:
        """The front end has no use for it (an older extension, another host): open a new one at the next change."""
        with self._lock:
            self._comm = None


_channel = _Channel()
