"""An edit: the changes that make a model answer some facts differently, as one intervention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from interp_widgets.editing.evaluating.thresholds import AlarmReading
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention, restore
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action
from interp_widgets.results.numbers import count
from interp_widgets.results.text import named


class Edit(Intervention):
    """The changes of one call of `iw.edit`; they are switched, saved and undone together.

    Attributes
    ----------
    parts: the changes, one for each matrix
    facts: what the model was made to answer
    method, settings: by which editor, as JSON values
    measured: numbers of the editor: loss, growth of the weight, ...
    keys: float64, (keys, facts) by layer, of editors that keep earlier edits in mind (AlphaEdit)
    alarm: what the collapse alarm read when it was made; None where it was not read
    beside: names of the interventions that were active when it was made
    fingerprint: of the model that it was made for
    """

    kind = "edit"

    def __init__(
        self,
        parts: Sequence[Intervention],
        *,
        facts: Sequence[Fact],
        method: str,
        fingerprint: str,
        settings: Mapping[str, Any] | None = None,
        measured: Mapping[str, float] | None = None,
        keys: Mapping[int, NDArray[Any]] | None = None,
        beside: Sequence[str] = (),
        alarm: AlarmReading | None = None,
    ) -> None:
        super().__init__()
        if not parts or not facts:
            raise ArgumentError("an edit has at least one part and one fact")
        self.parts, self.facts, self.method = tuple(parts), tuple(facts), method
        self.fingerprint = fingerprint
        self.settings, self.measured = dict(settings or {}), dict(measured or {})
        self.keys = dict(keys or {})
        self.beside = tuple(beside)
        self.alarm = alarm

    @property
    def replaces(self) -> bool:
        return any(part.replaces for part in self.parts)

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        return [one for part in self.parts for one in part.acts(architecture)]

    def check(self, architecture: Architecture) -> None:
        for part in self.parts:
            part.check(architecture)

    def describe(self) -> str:
        first = self.facts[0]
        told = f"{first.subject}: {named(first.target)}" if len(self.facts) == 1 else count(len(self.facts), "fact")
        return f"{self.method}, {told}"

    @property
    def pieces(self) -> tuple[Intervention, ...]:
        return tuple(piece for part in self.parts for piece in part.pieces)

    def account(self) -> tuple[str, ...]:
        return tuple(
            f"{one.prompt!r} is answered {one.target!r}"
            + (f", {one.original!r} before" if one.original else "")
            + f" ({self.method})"
            for one in self.facts
        )

    def document(self) -> dict[str, Any]:
        return {
            "parts": [{"kind": part.kind, "document": part.document()} for part in self.parts],
            "facts": [asdict(fact) for fact in self.facts],
            "method": self.method,
            "fingerprint": self.fingerprint,
            "settings": self.settings,
            "measured": self.measured,
            "beside": list(self.beside),
            "alarm": None if self.alarm is None else self.alarm.to_json(),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        found = {f"{i}.{name}": array for i, part in enumerate(self.parts) for name, array in part.arrays().items()}
        return found | {f"keys.{layer}": keys for layer, keys in self.keys.items()}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Edit:
        parts = []
        for i, part in enumerate(document["parts"]):
            start = f"{i}."
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            parts.append(restore(part["kind"], part["document"], own))
        facts = [
            Fact(one["template"], **{name: one[name] for name in one if name != "template"})
            for one in document["facts"]
        ]
        rest = {name: document[name] for name in ("method", "fingerprint", "settings", "measured", "beside")}
        keys = {int(name[5:]): array for name, array in arrays.items() if name.startswith("keys.")}
        read = document.get("alarm")
        alarm = None if read is None else AlarmReading.from_json(read)
        return cls(parts, facts=facts, keys=keys, alarm=alarm, **rest)
