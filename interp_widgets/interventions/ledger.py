"""The ledger: every intervention on a model, in order, by name, each with a switch.

    x = lm.ledger.add(AddedVector(v, layer=12), name="calm")
    lm.ledger.toggle("calm")
    lm.ledger.undo()                       # takes back the last change of the ledger
    with lm.using(y): ...                  # active in this block, thread and task only

Weights are never touched; taking an intervention out is exact to the last bit.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from interp_widgets import storage
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError
from interp_widgets.interventions.base import Intervention, restore
from interp_widgets.models import events
from interp_widgets.models.hooks import Snapshot

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_KIND, _VERSION = "interventions", 1
_scopes: ContextVar[tuple[weakref.ref[Scope], ...]] = ContextVar("interp_widgets_scopes", default=())


@dataclass(frozen=True)
class Entry:
    name: str
    intervention: Intervention
    enabled: bool


class Ledger(Mapping[str, Intervention]):
    """An ordered mapping from name to intervention; iteration is in the order of activation."""

    def __init__(self, lm: LanguageModel) -> None:
        self._lm, self._board = weakref.ref(lm), lm.board
        self._lock = threading.RLock()
        # What holds now and each state before it, newest last; one tuple, so that an interrupt cannot part the two.
        self._states: tuple[tuple[Entry, ...], ...] = ((),)
        self._open: weakref.WeakSet[Scope] = weakref.WeakSet()
        self._snapshots: dict[tuple[int, ...], Snapshot] = {}
        lm.board.standing = self._standing
        lm.board.here = self._here

    @property
    def _entries(self) -> tuple[Entry, ...]:
        return self._states[-1]

    # Reading

    def __getitem__(self, name: str) -> Intervention:
        try:
            return self._entry(name).intervention
        except ArgumentError as error:
            raise KeyError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter([entry.name for entry in self._entries])

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        if not self._entries:
            return "<Ledger: empty>"
        rows = [
            f"  {'on ' if entry.enabled else 'off'}  {entry.name}  ({entry.intervention.kind})"
            for entry in self._entries
        ]
        return "\n".join(["<Ledger>", *rows])

    @property
    def lm(self) -> LanguageModel:
        """Whose ledger this is. Raises ArgumentError if the model is gone from memory."""
        lm = self._lm()
        if lm is None:
            raise ArgumentError("the model of this ledger is gone from memory")
        return lm

    @property
    def active(self) -> tuple[Intervention, ...]:
        """What acts in this thread and task: what is on in the ledger, then what open `with lm.using` blocks add."""
        standing = [entry.intervention for entry in self._entries if entry.enabled]
        for reference in _scopes.get():
            scope = reference()
            if scope is not None and scope.open and scope.ledger is self:
                for intervention in scope.interventions:
                    if not any(intervention is other for other in standing):
                        standing.append(intervention)
        return tuple(standing)

    def active_names(self) -> tuple[str, ...]:
        """How provenance names what acts now."""
        return tuple(intervention.name for intervention in self.active)

    def name_of(self, intervention: Intervention) -> str | None:
        return next((entry.name for entry in self._entries if entry.intervention is intervention), None)

    def is_enabled(self, intervention: Intervention) -> bool:
        return any(entry.enabled for entry in self._entries if entry.intervention is intervention)

    # Changing

    def add(self, intervention: Intervention, name: str | None = None) -> Intervention:
        """Append an intervention, switched on; returns it. Without a name it gets a short text of what it does.

        Raises ArgumentError (name taken, in a ledger already, shape), OutOfRangeError (layer, head, neuron).
        """
        with self._lock:
            self._check(intervention)
            if name is None:
                name = _free(intervention.describe(), set(self))
            else:
                self._check_name(name)
            self._set((*self._entries, Entry(name, intervention, True)))
            return intervention

    def remove(self, which: str | Intervention) -> Intervention:
        """Take one out, by name or itself; returns it. Raises ArgumentError if it is not in this ledger."""
        with self._lock:
            gone = self._entry(which)
            self._set(entry for entry in self._entries if entry is not gone)
            return gone.intervention

    def toggle(self, which: str | Intervention, on: bool | None = None) -> bool:
        """Switch one on or off, or to the other state; returns the new state.

        Raises ArgumentError if it is not in this ledger.
        """
        with self._lock:
            old = self._entry(which)
            new = replace(old, enabled=not old.enabled if on is None else bool(on))
            if new != old:
                self._set(new if entry is old else entry for entry in self._entries)
            return new.enabled

    def rename(self, which: str | Intervention, name: str) -> None:
        """Give one another name. Raises ArgumentError if it is not in this ledger, or the name is taken."""
        with self._lock:
            old = self._entry(which)
            if name == old.name:
                return
            self._check_name(name)
            self._set(replace(entry, name=name) if entry is old else entry for entry in self._entries)

    def clear(self) -> None:
        """Take all out."""
        with self._lock:
            if self._entries:
                self._set(())

    def undo(self) -> None:
        """Take back the last change of the ledger: an addition, a removal, a switch, a new name, a clearing.

        Raises ArgumentError if there is nothing to take back.
        """
        with self._lock:
            if len(self._states) == 1:
                raise ArgumentError("nothing to undo: this ledger has not changed")
            self._become(self._states[:-1])

    def using(self, *interventions: Intervention) -> Scope:
        """See `LanguageModel.using`."""
        for intervention in interventions:
            self._check_fits(intervention)
        return Scope(self, interventions)

    # Saving

    def save(self, path: str | os.PathLike[str], only: Sequence[Intervention] | None = None) -> None:
        """Write all entries, or `only` some, with their switches to one safetensors file with JSON in it.

        The file carries the model's fingerprint. Raises DiskFullError; nothing half-written stays.
        """
        lm = self.lm
        chosen = [e for e in self._entries if only is None or any(e.intervention is x for x in only)]
        documents: list[dict[str, Any]] = []
        arrays: dict[str, NDArray[Any]] = {}
        for i, entry in enumerate(chosen):
            x = entry.intervention
            documents.append({"name": entry.name, "enabled": entry.enabled, "kind": x.kind, "document": x.document()})
            arrays |= {f"{i}.{key}": array for key, array in x.arrays().items()}
        document = {"fingerprint": lm.fingerprint, "model": lm.name, "entries": documents}
        storage.write_bundle(path, _KIND, _VERSION, document, arrays)

    def load(self, path: str | os.PathLike[str]) -> tuple[Intervention, ...]:
        """Append what a file holds, with its switches; a name that is taken gets a number. One `undo` takes it back.

        Raises FingerprintMismatchError if it was saved for other weights, FileFormatError, FileNotFoundError.
        """
        lm = self.lm
        document, arrays = storage.read_bundle(path, _KIND, version=_VERSION)
        try:
            fingerprint, model, saved = str(document["fingerprint"]), document["model"], document["entries"]
            if fingerprint != lm.fingerprint:
                raise FingerprintMismatchError(
                    f"{os.fspath(path)!r} was saved for {model} with fingerprint {fingerprint[:12]}; this model,"
                    f" {lm.name}, has {lm.fingerprint[:12]}. Load the model that it was made for, or fit it again on"
                    " this one."
                )
            found = [_restore(i, entry, arrays) for i, entry in enumerate(saved)]
        except (KeyError, TypeError) as error:
            raise FileFormatError(
                f"{os.fspath(path)!r} is damaged: its interventions cannot be read ({error!r})"
            ) from error
        with self._lock:
            entries = list(self._entries)
            for entry in found:
                self._check(entry.intervention)
                entries.append(replace(entry, name=_free(entry.name, {other.name for other in entries})))
            if found:
                self._set(entries)
            return tuple(entry.intervention for entry in found)

    # Inside

    def _entry(self, which: str | Intervention) -> Entry:
        for entry in self._entries:
            if entry.intervention is which or entry.name == which:
                return entry
        names = ", ".join(map(repr, self)) or "none; it is empty"
        what = which.describe() if isinstance(which, Intervention) else which
        raise ArgumentError(f"{what!r} is not in this ledger; names in it: {names}")

    def _check_fits(self, intervention: Intervention) -> None:
        if not isinstance(intervention, Intervention):
            raise ArgumentError(f"{intervention!r} is not an intervention")
        lm = self.lm
        intervention.check(lm.architecture)
        made_for = intervention.fingerprint
        if made_for is not None and made_for != lm.fingerprint:
            raise FingerprintMismatchError(
                f"{intervention.describe()!r} was fitted to a model with fingerprint {made_for[:12]}; this model,"
                f" {lm.name}, has {lm.fingerprint[:12]}. Fit it again on this one."
            )

    def _check(self, intervention: Intervention) -> None:
        self._check_fits(intervention)
        holder = intervention.ledger
        if holder is not None and holder.name_of(intervention) is not None:
            raise ArgumentError(f"{intervention.name!r} is in a ledger already; switch it with toggle")

    def _check_name(self, name: str) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ArgumentError(f"name={name!r} is not a text of at least one character")
        if name in self:
            raise ArgumentError(f"name={name!r} is taken; names in this ledger: {', '.join(map(repr, self))}")

    def _set(self, entries: Iterable[Entry]) -> None:
        self._become((*self._states, tuple(entries)))

    def _become(self, states: tuple[tuple[Entry, ...], ...]) -> None:
        """The one place where the entries change."""
        for entry in states[-1]:
            entry.intervention._ledger = weakref.ref(self)
        self._states = states
        self._snapshots.clear()
        self._board.sync()
        events.models_changed.emit()

    def _standing(self) -> list[Snapshot]:
        """For the hook board: what may act in some thread or task now."""
        changes = [entry.intervention for entry in self._entries if entry.enabled]
        scopes = [scope.interventions for scope in self._open if scope.open]
        return [self._snapshot(changes), *(self._snapshot(scope) for scope in scopes)]

    def _here(self) -> Snapshot:
        """For the hook board: what acts in this thread and task."""
        return self._snapshot(self.active)

    def _snapshot(self, changes: Sequence[Intervention]) -> Snapshot:
        key = tuple(map(id, changes))
        found = self._snapshots.get(key)
        if found is None:  # an id cannot be reused while its snapshot, which holds the intervention, is kept
            if len(self._snapshots) > 64:
                self._snapshots.clear()
            found = self._snapshots[key] = Snapshot(changes, self._board.architecture)
        return found


def _restore(i: int, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Entry:
    """The i-th entry of a file; its arrays are those whose names begin with its number."""
    own = {key.split(".", 1)[1]: array for key, array in arrays.items() if key.split(".", 1)[0] == str(i)}
    return Entry(str(saved["name"]), restore(saved["kind"], saved["document"], own), bool(saved["enabled"]))


def _free(wish: str, taken: set[str]) -> str:
    name, number = wish, 2
    while name in taken:
        name, number = f"{wish} ({number})", number + 1
    return name


class Scope:
    """What `lm.using` returns: a context manager, for one block at a time.

    The context variable holds it weakly: the `with` statement alone keeps it alive, so that an interrupt which lands
    inside `__enter__` leaves nothing behind.
    """

    def __init__(self, ledger: Ledger, interventions: tuple[Intervention, ...]) -> None:
        self.ledger, self.interventions = ledger, interventions
        self._board = ledger._board
        self.open = False

    def __enter__(self) -> Scope:
        if self.open:
            raise ArgumentError("this block is open already; call lm.using(...) again for another one")
        try:
            self.open = True
            _scopes.set((*_scopes.get(), weakref.ref(self)))
            with self._board.changing:
                self.ledger._open.add(self)
                self._board.sync()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self.open = False  # first: from here on nothing of it acts, wherever an interrupt lands
        # Not `reset(token)`: blocks may overlap, as generators make them, and then close in another order.
        _scopes.set(tuple(scope for scope in _scopes.get() if scope() not in (None, self)))
        with self._board.changing:
            self.ledger._open.discard(self)
            self.ledger._snapshots.clear()  # they would keep the numbers of this block's interventions in memory
            self._board.sync()
