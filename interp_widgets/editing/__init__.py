"""Changing what the model knows: facts, the edits that replace them, and what is measured of an edit."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp_widgets.editing.in_context import InContext as InContext
    from interp_widgets.editing.preservation import PreservationSuite as PreservationSuite
    from interp_widgets.editing.preservation import preservation_suite as preservation_suite
    from interp_widgets.editing.preservation import preserved as preserved
    from interp_widgets.editing.preservation_result import Preservation as Preservation
    from interp_widgets.editing.ripple import capital_fact as capital_fact
    from interp_widgets.editing.ripple import landmark_fact as landmark_fact
    from interp_widgets.editing.ripple import ripple_of as ripple_of
    from interp_widgets.editing.ripple import with_checks as with_checks
    from interp_widgets.editing.thresholds import Alarm as Alarm
    from interp_widgets.editing.thresholds import AlarmReading as AlarmReading

_WHERE = {
    "Alarm": "thresholds",
    "AlarmReading": "thresholds",
    "InContext": "in_context",
    "Preservation": "preservation_result",
    "PreservationSuite": "preservation",
    "capital_fact": "ripple",
    "landmark_fact": "ripple",
    "preservation_suite": "preservation",
    "preserved": "preservation",
    "ripple_of": "ripple",
    "with_checks": "ripple",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return sorted(_WHERE)


__all__ = sorted(_WHERE)
