"""Where in the model an answer comes from."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_name_result import NameScore as NameScore
    from interp_widgets.locate.neuron_naming import score_name as score_name

_WHERE = {
    "NameScore": "neuron_name_result",
    "score_name": "neuron_naming",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return sorted(_WHERE)


__all__ = sorted(_WHERE)
