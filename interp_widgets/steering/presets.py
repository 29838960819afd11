"""Presets: how strongly which vectors act, for each locale or audience, in one JSON file that a person can edit.

    {
      "version": 1,
      "presets": {
        "support-de": {"formality": 0.08, "honesty": {"strength": 0.05, "layers": [12, 14, 16]}},
        "support-en": {"formality": 0.02}
      }
    }

The file names vectors, and holds none: they are given when a preset is applied.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp_widgets import storage
from interp_widgets.errors import ArgumentError, FileFormatError, not_one_of
from interp_widgets.interventions.base import as_number
from interp_widgets.interventions.positions import check_positions
from interp_widgets.steering.vector import ControlVector

if TYPE_CHECKING:
    from interp_widgets.interventions.ledger import Scope
    from interp_widgets.models.language_model import LanguageModel

_VERSION = 1


@dataclass(frozen=True)
class Setting:
    """How one vector acts: the arguments of `ControlVector.steer`; layers=None is the vector's best one.

    Raises ArgumentError.
    """

    strength: float
    layers: tuple[int, ...] | None = None
    positions: str | tuple[int, ...] = "all"
    keep_norm: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.strength, bool):
            raise ArgumentError(f"strength={self.strength!r}: a finite number")
        object.__setattr__(self, "strength", as_number("strength", self.strength))
        object.__setattr__(self, "positions", check_positions(self.positions))
        if self.layers is not None:
            layers = self.layers if isinstance(self.layers, Sequence) else (self.layers,)
            if not layers or isinstance(layers, str) or not all(type(i) is int and i >= 0 for i in layers):
                raise ArgumentError(f"layers={self.layers!r}: a list of layers, counted from 0")
            object.__setattr__(self, "layers", tuple(layers))
        if not isinstance(self.keep_norm, bool):
            raise ArgumentError(f"keep_norm={self.keep_norm!r}: true or false")

    def plain(self) -> Any:
        """As the file has it: a number where only the strength is set."""
        changed = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        if set(changed) == {"strength"}:
            return self.strength
        return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}


class Presets(Mapping[str, Mapping[str, Setting]]):
    """Preset name -> vector name -> `Setting`; a number instead of a Setting is its strength. It does not change.

    Raises ArgumentError, naming preset and vector.
    """

    def __init__(self, presets: Mapping[str, Mapping[str, float | Mapping[str, Any] | Setting]]) -> None:
        if not isinstance(presets, Mapping):
            raise ArgumentError(f"presets={presets!r}: a mapping from preset to strengths by vector")
        self._presets = {_name("preset", preset): _settings(preset, given) for preset, given in presets.items()}

    def __getitem__(self, name: str) -> Mapping[str, Setting]:
        return self._presets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._presets)

    def __len__(self) -> int:
        return len(self._presets)

    def __repr__(self) -> str:
        return f"Presets({self.plain()!r})"

    def plain(self) -> dict[str, dict[str, Any]]:
        """As JSON values."""
        return {name: {key: one.plain() for key, one in preset.items()} for name, preset in self._presets.items()}

    def having(self, name: str, settings: Mapping[str, float | Mapping[str, Any] | Setting]) -> Presets:
        """These and one more, or one of them replaced."""
        return Presets({**self._presets, name: settings})

    def apply(
        self, lm: LanguageModel, vectors: Mapping[str, ControlVector] | Sequence[ControlVector], name: str
    ) -> Scope:
        """`with presets.apply(lm, vectors, "support-de"):` has its vectors act in this block, thread and task only.

        vectors: by name, or a list of vectors with names of their own; those that the preset does not name stay out

        Raises ArgumentError (no such preset or vector), FingerprintMismatchError, what `ControlVector.steer` raises.
        Warns (SteeringWarning) past a vector's bounds.
        """
        if name not in self:
            raise not_one_of("name", name, self)
        known = vectors if isinstance(vectors, Mapping) else {vector.name: vector for vector in vectors}
        acting = []
        for vector_name, setting in self[name].items():
            vector = known.get(vector_name)
            if vector is None:
                raise ArgumentError(
                    f"preset {name!r} needs a vector named {vector_name!r}; vectors has {', '.join(known) or 'none'}"
                )
            vector.check_fits(lm)
            acting.append(
                vector.steer(
                    layers=setting.layers,
                    strength=setting.strength,
                    positions=setting.positions,
                    keep_norm=setting.keep_norm,
                )
            )
        return lm.using(*acting)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the JSON file, whole or not at all. Raises DiskFullError."""
        text = json.dumps({"version": _VERSION, "presets": self.plain()}, indent=2, ensure_ascii=False)
        with storage.atomic_file(path) as temporary:
            temporary.write_text(text + "\n", "utf-8")
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Presets:
        """Read what `save` or a person wrote. Raises FileFormatError, naming what is wrong; FileNotFoundError."""
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such file; expected steering presets", str(path))
        try:
            document = json.loads(path.read_text("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
            if not isinstance(document, dict) or set(document) != {"version", "presets"}:
                raise ArgumentError('an object with "version" and "presets" is expected')
            if document["version"] != _VERSION:
                raise ArgumentError(f"its version is {document['version']!r}; this package reads {_VERSION}")
            return cls(document["presets"])
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"{path} holds no steering presets: {error}") from error


def _name(what: str, name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"{what} name {name!r}: a text of at least one character")
    return name


def _settings(preset: str, given: Any) -> dict[str, Setting]:
    if not isinstance(given, Mapping) or not given:
        raise ArgumentError(f"preset {preset!r}: {given!r} is no mapping from vectors to strengths")
    return {_name("vector", vector): _setting(preset, vector, one) for vector, one in given.items()}


def _setting(preset: str, vector: str, given: Any) -> Setting:
    if isinstance(given, Setting):
        return given
    names = [one.name for one in fields(Setting)]
    values = given if isinstance(given, Mapping) else {"strength": given}
    unknown = [name for name in values if name not in names]
    try:
        if unknown:
            raise not_one_of("setting", unknown[0], names)
        if "strength" not in values:
            raise ArgumentError("strength is missing")
        positions = values.get("positions", "all")
        return Setting(**{**values, "positions": tuple(positions) if isinstance(positions, list) else positions})
    except ArgumentError as error:
        raise ArgumentError(f"preset {preset!r}, vector {vector!r}: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the file; a name twice in it is a slip that JSON itself would pass over."""
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ArgumentError(f"{sorted(twice)[0]!r} stands twice in one object")
    return dict(pairs)


def _refuse(word: str) -> float:
    raise ArgumentError(f"{word} is no strength")
