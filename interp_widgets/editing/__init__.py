"""Changing what the model knows: facts, the edits that replace them, and what is measured of an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.lazy import lazy_names

if TYPE_CHECKING:
    from interp_widgets.editing.behaviour import Behaviour as Behaviour
    from interp_widgets.editing.behaviour import known_behaviour as known_behaviour
    from interp_widgets.editing.editors.alphaedit import AlphaEditSettings as AlphaEditSettings
    from interp_widgets.editing.editors.emmet import EmmetSettings as EmmetSettings
    from interp_widgets.editing.editors.fine_tuning import FineTuningSettings as FineTuningSettings
    from interp_widgets.editing.editors.grace import GraceSettings as GraceSettings
    from interp_widgets.editing.editors.in_context import InContext as InContext
    from interp_widgets.editing.editors.memit import MemitSettings as MemitSettings
    from interp_widgets.editing.editors.rome import RomeSettings as RomeSettings
    from interp_widgets.editing.evaluating.preservation import PreservationSuite as PreservationSuite
    from interp_widgets.editing.evaluating.preservation import preservation_suite as preservation_suite
    from interp_widgets.editing.evaluating.preservation import preserved as preserved
    from interp_widgets.editing.evaluating.preservation_result import Preservation as Preservation
    from interp_widgets.editing.evaluating.ripple import capital_fact as capital_fact
    from interp_widgets.editing.evaluating.ripple import landmark_fact as landmark_fact
    from interp_widgets.editing.evaluating.ripple import ripple_of as ripple_of
    from interp_widgets.editing.evaluating.ripple import with_checks as with_checks
    from interp_widgets.editing.evaluating.suite import EditSuite as EditSuite
    from interp_widgets.editing.evaluating.thresholds import Alarm as Alarm
    from interp_widgets.editing.evaluating.thresholds import AlarmReading as AlarmReading
    from interp_widgets.editing.keys_values.samples import own_samples as own_samples
    from interp_widgets.editing.keys_values.statistics import key_statistics as key_statistics
    from interp_widgets.editing.keys_values.value import ValueSettings as ValueSettings
    from interp_widgets.editing.keys_values.where import editing_layer as editing_layer
    from interp_widgets.editing.mend.editor import train_mend as train_mend
    from interp_widgets.editing.published import published_for as published_for
    from interp_widgets.editing.registry import editing_methods as editing_methods

_WHERE = {
    "Alarm": "evaluating.thresholds",
    "AlarmReading": "evaluating.thresholds",
    "AlphaEditSettings": "editors.alphaedit",
    "Behaviour": "behaviour",
    "EmmetSettings": "editors.emmet",
    "FineTuningSettings": "editors.fine_tuning",
    "GraceSettings": "editors.grace",
    "EditSuite": "evaluating.suite",
    "InContext": "editors.in_context",
    "MemitSettings": "editors.memit",
    "Preservation": "evaluating.preservation_result",
    "PreservationSuite": "evaluating.preservation",
    "RomeSettings": "editors.rome",
    "ValueSettings": "keys_values.value",
    "capital_fact": "evaluating.ripple",
    "editing_layer": "keys_values.where",
    "editing_methods": "registry",
    "key_statistics": "keys_values.statistics",
    "known_behaviour": "behaviour",
    "landmark_fact": "evaluating.ripple",
    "own_samples": "keys_values.samples",
    "preservation_suite": "evaluating.preservation",
    "preserved": "evaluating.preservation",
    "published_for": "published",
    "train_mend": "mend.editor",
    "ripple_of": "evaluating.ripple",
    "with_checks": "evaluating.ripple",
}

__getattr__, __dir__ = lazy_names(__name__, _WHERE)
__all__ = sorted(_WHERE)
