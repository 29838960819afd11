"""Changing what the model knows: facts, the edits that replace them, and what is measured of an edit."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp_widgets.editing.alphaedit import AlphaEditSettings as AlphaEditSettings
    from interp_widgets.editing.behaviour import Behaviour as Behaviour
    from interp_widgets.editing.behaviour import known_behaviour as known_behaviour
    from interp_widgets.editing.emmet import EmmetSettings as EmmetSettings
    from interp_widgets.editing.fine_tuning import FineTuningSettings as FineTuningSettings
    from interp_widgets.editing.grace import GraceSettings as GraceSettings
    from interp_widgets.editing.in_context import InContext as InContext
    from interp_widgets.editing.memit import MemitSettings as MemitSettings
    from interp_widgets.editing.preservation import PreservationSuite as PreservationSuite
    from interp_widgets.editing.preservation import preservation_suite as preservation_suite
    from interp_widgets.editing.preservation import preserved as preserved
    from interp_widgets.editing.preservation_result import Preservation as Preservation
    from interp_widgets.editing.published import published_for as published_for
    from interp_widgets.editing.registry import editing_methods as editing_methods
    from interp_widgets.editing.ripple import capital_fact as capital_fact
    from interp_widgets.editing.ripple import landmark_fact as landmark_fact
    from interp_widgets.editing.ripple import ripple_of as ripple_of
    from interp_widgets.editing.ripple import with_checks as with_checks
    from interp_widgets.editing.rome import RomeSettings as RomeSettings
    from interp_widgets.editing.samples import own_samples as own_samples
    from interp_widgets.editing.statistics import key_statistics as key_statistics
    from interp_widgets.editing.suite import EditSuite as EditSuite
    from interp_widgets.editing.thresholds import Alarm as Alarm
    from interp_widgets.editing.thresholds import AlarmReading as AlarmReading
    from interp_widgets.editing.value import ValueSettings as ValueSettings
    from interp_widgets.editing.where import editing_layer as editing_layer

_WHERE = {
    "Alarm": "thresholds",
    "AlarmReading": "thresholds",
    "AlphaEditSettings": "alphaedit",
    "Behaviour": "behaviour",
    "EmmetSettings": "emmet",
    "FineTuningSettings": "fine_tuning",
    "GraceSettings": "grace",
    "EditSuite": "suite",
    "InContext": "in_context",
    "MemitSettings": "memit",
    "Preservation": "preservation_result",
    "PreservationSuite": "preservation",
    "RomeSettings": "rome",
    "ValueSettings": "value",
    "capital_fact": "ripple",
    "editing_layer": "where",
    "editing_methods": "registry",
    "key_statistics": "statistics",
    "known_behaviour": "behaviour",
    "landmark_fact": "ripple",
    "own_samples": "samples",
    "preservation_suite": "preservation",
    "preserved": "preservation",
    "published_for": "published",
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
