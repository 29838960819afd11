"""The models in memory, held weakly, so that a saved result finds the model it came from."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from interp_widgets.models import events

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_lock = threading.RLock()  # a model may be collected, and its listeners asked, while this thread holds it
_models: list[weakref.ref[LanguageModel]] = []


def register(lm: LanguageModel) -> None:
    """Note a new model; `models_changed` is emitted now and when it is gone."""
    with _lock:
        _models.append(weakref.ref(lm, _tell))
    events.models_changed.emit()


def _tell(_: object, ending: Callable[[], bool] = sys.is_finalizing) -> None:
    if not ending():  # else the modules of those who listen are half gone, and this one's names too
        events.models_changed.emit()


def leave_out(lm: LanguageModel) -> None:
    """Take a model off the list: one that the package keeps for its own use is none of the person's."""
    with _lock:
        _models[:] = [reference for reference in _models if reference() not in (None, lm)]
    events.models_changed.emit()


def all() -> list[LanguageModel]:
    """The models in memory, oldest first."""
    with _lock:
        _models[:] = [reference for reference in _models if reference() is not None]
        return [lm for reference in _models if (lm := reference()) is not None]


def find(fingerprint: str) -> LanguageModel | None:
    """The newest model in memory with this fingerprint."""
    return next((lm for lm in reversed(all()) if lm.fingerprint == fingerprint), None)
