"""The editors: one short file each, behind one function.

An editor gets a `Job` and returns the changes that make the model answer its facts; `iw.edit` does the rest, the same
for all: it looks at the facts, chooses the layer, and puts the outcome into the ledger as one intervention.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.statistics import KeyStatistics, key_statistics
from interp_widgets.errors import not_one_of
from interp_widgets.interventions.base import Intervention
from interp_widgets.models.hooks import Change

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Job:
    """What an editor works on, inside an open run.

    changes: what acts beside the edit, and what the edit comes on top of; texts: behind the key statistics
    """

    lm: LanguageModel
    facts: tuple[Fact, ...]
    layers: tuple[int, ...]
    settings: Any
    changes: tuple[Change, ...]
    texts: Sequence[str] | None
    cancel: threading.Event | None
    advance: Callable[[int, int, str], None]

    def statistics(self, layer: int) -> KeyStatistics:
        return key_statistics(self.lm, layer, self.texts, cancel=self.cancel)

    def steps_of(self, first: int, end: int) -> Callable[[int, int, str], None]:
        """What tells of an optimisation's steps while facts `first` to `end`, excluded, are worked on."""
        which = f"fact {end}" if end == first + 1 else f"facts {first + 1} to {end}"

        def advance(done: int, steps: int, text: str) -> None:
            self.advance(first * steps + (end - first) * done, len(self.facts) * steps, f"{text} of {which}")

        return advance


@dataclass(frozen=True, eq=False)
class Made:
    """The changes, numbers of the editor's own, and the keys by layer, (keys, facts), of editors that keep earlier
    edits in mind."""

    parts: tuple[Intervention, ...]
    measured: dict[str, float]
    keys: dict[int, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Editor:
    """name, label; source: paper and section; settings: the class of its settings; several: whether it can change
    several layers; where: the layers that it changes by default; run: does the work"""

    name: str
    label: str
    source: str
    settings: type[Any]
    several: bool
    where: Callable[[LanguageModel], tuple[int, ...]]
    run: Callable[[Job], Made]


_WHERE = {
    "rome": "interp_widgets.editing.editors.rome_editor",
    "memit": "interp_widgets.editing.editors.memit",
    "alphaedit": "interp_widgets.editing.editors.alphaedit",
    "emmet": "interp_widgets.editing.editors.emmet",
    "fine_tuning": "interp_widgets.editing.editors.fine_tuning",
    "grace": "interp_widgets.editing.editors.grace",
    "mend": "interp_widgets.editing.mend.editor",
}


def editor_of(method: str) -> Editor:
    """The editor of this name. Raises ArgumentError."""
    if method not in _WHERE:
        raise not_one_of("method", method, _WHERE)
    found: Editor = importlib.import_module(_WHERE[method]).EDITOR
    return found


def editing_methods() -> list[dict[str, str]]:
    """Name, label and source of each editor."""
    return [
        {"name": one.name, "label": one.label, "source": one.source} for one in (editor_of(name) for name in _WHERE)
    ]
