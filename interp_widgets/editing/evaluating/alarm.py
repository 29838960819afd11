"""The collapse alarm: after an edit, is the model still the model?

A single edit can break a model whose edited fact is answered as wished (Yang et al. 2024, "The butterfly effect of
model editing"), and many small ones add up.  So what is read is the model with all edits that are on, beside the model
without any of them:

1. by how much the weights of each layer changed, all edits together;
2. whether the keys of this edit point the same way, from which its size follows;
3. the perplexity of neutral texts, and the entropy of what the model writes (`fluency`).

An edit is read before it enters the ledger: one that is refused was never in it.
"""

from __future__ import annotations

import dataclasses
import threading
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.fluency import generation_entropy, perplexity_of
from interp_widgets.editing.evaluating.thresholds import Alarm, AlarmReading
from interp_widgets.errors import ArgumentError, CollapseError
from interp_widgets.interventions.weight_size import relative_changes
from interp_widgets.models.architectures import Architecture
from interp_widgets.models.hooks import Change, Snapshot
from interp_widgets.models.neutral_text import OPENERS

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

WRITTEN, TOKENS = 6, 20  # texts that are written, and how long
ELSEWHERE = -1  # the key in `AlarmReading.growth` of matrices outside the layers

# What was read of a model without edits, and beside what: the next edit is held against the same.
_before: WeakKeyDictionary[LanguageModel, tuple[tuple[Change, ...], tuple[float, float]]] = WeakKeyDictionary()


def alarm_of(alarm: Alarm | str | None) -> Alarm | None:
    """From what a person gives: an `Alarm`, one of its actions, or None. Raises ArgumentError."""
    if alarm is None or isinstance(alarm, Alarm):
        return alarm
    if not isinstance(alarm, str):
        raise ArgumentError(f"alarm={alarm!r}: 'warn', 'roll back', None (measure nothing), or an editing.Alarm")
    return Alarm(action=alarm)


def watch(lm: LanguageModel, edit: Edit, alarm: Alarm, *, cancel: threading.Event | None = None) -> AlarmReading:
    """Read the model with an edit that is not in the ledger yet, and act: warn, or refuse it.

    Raises CollapseError: a line was crossed, and the alarm's action is "roll back"; Cancelled.
    """
    reading = read_alarm(lm, edit, alarm, cancel=cancel)
    if reading.crossed:
        told = f"{edit.describe()} may have broken the model. {' '.join(reading.crossed)}"
        if alarm.action == "roll back":
            raise CollapseError(f"{told} The edit was taken back.", reading)
        told += " undo() takes it back; alarm='roll back' does so by itself, alarm=None does not look."
        warnings.warn(told, stacklevel=3)
    return reading


def read_alarm(
    lm: LanguageModel, edit: Edit, alarm: Alarm | None = None, *, cancel: threading.Event | None = None
) -> AlarmReading:
    """What the alarm reads with this edit on, whether or not it is in the ledger; it neither warns nor refuses."""
    lines = Alarm() if alarm is None else alarm
    with lm.run(cancel=cancel) as run:
        active = tuple(change for change in run.snapshot.changes if change is not edit)
        others = tuple(change for change in active if not isinstance(change, Edit))
        before = _unedited(lm, others, cancel)
        after = _read(lm, (*active, edit), cancel)
    edits = [change for change in (*active, edit) if isinstance(change, Edit)]
    reading = AlarmReading(
        growth=growth_by_layer(edits, lm.architecture),
        alignment=float(edit.measured.get("alignment", float("nan"))),
        perplexity=(before[0], after[0]),
        entropy=(before[1], after[1]),
    )
    crossed = (
        lines.of_growth(reading.growth),
        lines.of_alignment(reading.alignment),
        lines.of_perplexity(*reading.perplexity),
        lines.of_entropy(*reading.entropy),
    )
    return dataclasses.replace(reading, crossed=tuple(one for one in crossed if one))


def growth_by_layer(edits: Sequence[Edit], architecture: Architecture) -> dict[int, float]:
    """Layer -> change of its matrices by all edits over the matrices; the largest where it has several changed ones."""
    found: dict[int, float] = {}
    for where, layer, size in relative_changes(edits, architecture):
        own = layer if layer is not None else _layer_of(where, architecture)
        found[own] = max(found.get(own, 0.0), size)
    return dict(sorted(found.items()))


def _layer_of(where: str, architecture: Architecture) -> int:
    """The layer in which a module lies, by its path."""
    if where in ("embedding", "head", "both"):
        return ELSEWHERE
    module = architecture.named_module(where)
    inside = (i for i, layer in enumerate(architecture.layers) if any(module is one for one in layer.modules()))
    return next(inside, ELSEWHERE)


def _unedited(lm: LanguageModel, others: tuple[Change, ...], cancel: threading.Event | None) -> tuple[float, float]:
    known = _before.get(lm)
    if known is not None and list(map(id, known[0])) == list(map(id, others)):  # held by `known`, so no id is reused
        return known[1]
    found = _read(lm, others, cancel)
    _before[lm] = others, found
    return found


def _read(lm: LanguageModel, changes: Sequence[Change], cancel: threading.Event | None) -> tuple[float, float]:
    """Perplexity and entropy under some changes."""
    with lm.run(snapshot=Snapshot(changes, lm.architecture), cancel=cancel):
        return perplexity_of(lm), generation_entropy(lm, OPENERS[:WRITTEN], tokens=TOKENS)
