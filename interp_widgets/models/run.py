"""One run of the model: a snapshot of what is active, a cancel flag, and the model's lock.

    with lm.run(cancel=event) as run:
        hidden = lm.hidden(ids)

Every analysis opens one.  A run inside a run of the same model and context shares its snapshot, so that an analysis
sees one state from start to end, whatever is clicked meanwhile.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interp_widgets.errors import Cancelled
from interp_widgets.models.architectures import Site
from interp_widgets.models.hooks import Key, LayerCall, Snapshot, open_runs, running

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_PATIENCE = 0.002  # seconds between two looks at a lock that another thread holds

# Where a run looks at its cancel flag: between these the work is a fraction of a layer.
_PULSES = ("resid_post", "attn_out", "mlp_out", "mlp_key")


class Run:
    """Context manager; see the module's text.

    cancel: a flag that another thread may set; `Cancelled` is then raised from the next hook, forward or backward.
    prompt_length: tokens before this count are the prompt, later ones were generated (int, or one for each row).
    capture: sites whose activations, after all changes, are kept in `captured` (site -> tensor of the last pass).
    before: sites whose activations, before any change, are kept in `given`.
    checkpoint: keep one activation a layer for the backward pass and compute the rest again.
    until: the last layer that is computed; later ones pass on what they get (-1: none is computed).
    calls: a list to which every layer adds what the model passes to it.
    snapshot: hold to an earlier run's interventions instead of those active now.
    """

    def __init__(
        self,
        lm: LanguageModel,
        *,
        cancel: threading.Event | None = None,
        prompt_length: int | Tensor | None = None,
        capture: Sequence[Site] = (),
        before: Sequence[Site] = (),
        checkpoint: bool = False,
        until: int | None = None,
        calls: list[LayerCall] | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.lm, self.board = lm, lm.board
        self.outer: Run | None = running(self.board)
        inherited = self.outer.prompt_length if self.outer is not None else None
        self.prompt_length: int | Tensor | None = prompt_length if prompt_length is not None else inherited
        self.checkpoint: bool = checkpoint or (self.outer is not None and self.outer.checkpoint)
        self.until: int | None = until if until is not None or self.outer is None else self.outer.until
        self.calls: list[LayerCall] | None = calls if calls is not None or self.outer is None else self.outer.calls
        inherited_flags = self.outer._flags if self.outer is not None else ()
        self._flags: tuple[threading.Event, ...] = (*inherited_flags, *([cancel] if cancel is not None else []))
        self.captured: dict[Site, Tensor] = {}
        self.given: dict[Site, Tensor] = {}
        self._capture, self._before = self._by_key(capture), self._by_key(before)
        self.open = False
        self._given: Snapshot | None = snapshot if snapshot is not None or self.outer is None else self.outer.snapshot
        self.snapshot: Snapshot = self._given or Snapshot((), lm.architecture)

    def __enter__(self) -> Run:
        try:
            self.open = True
            while self.outer is None and not self.lm.lock.take(self):
                self.check()
                time.sleep(_PATIENCE)
            if self._given is None:
                self.snapshot = self.board.here()
            with self.board.changing:
                self.board.runs.add(self)
                if not self._within_outer():
                    self.board.sync()
            open_runs.set((*open_runs.get(), weakref.ref(self)))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self.open = False  # first: from here on nobody takes this run for an open one, wherever an interrupt lands
        try:
            open_runs.set(tuple(run for run in open_runs.get() if run() not in (None, self)))
            with self.board.changing:
                self.board.runs.discard(self)
                if not self._within_outer():
                    self.board.sync()
        finally:
            self.lm.lock.free(self)

    def _within_outer(self) -> bool:
        """True if the run around this one has every hook that this one needs: the board then need not look at every
        module again, which adds 3 % to a generated token of the default model (it opens two runs within one)."""
        outer = self.outer
        return (
            outer is not None
            and outer.open
            and self.snapshot is outer.snapshot
            and not self._capture
            and not self._before
            and self._flags == outer._flags
            and self.checkpoint == outer.checkpoint
            and self.takes_over_layers == outer.takes_over_layers
        )

    @property
    def takes_over_layers(self) -> bool:
        """True if it needs more than hooks can do."""
        return self.checkpoint or self.until is not None or self.calls is not None

    def _by_key(self, sites: Sequence[Site]) -> dict[Key, list[Site]]:
        found: dict[Key, list[Site]] = {}
        for site in sites:
            module, where = self.lm.architecture.module(site)
            found.setdefault((id(module), where), []).append(site)
        return found

    def keys(self) -> set[Key]:
        """Modules where this run itself needs a hook, beside those of its snapshot."""
        keys = set(self._capture) | set(self._before)
        if self._flags:
            architecture = self.lm.architecture
            for layer in range(architecture.n_layers):
                for kind in _PULSES:
                    module, where = architecture.module(Site(kind, layer))
                    keys.add((id(module), where))
        return keys

    def check(self) -> None:
        """Raise `Cancelled` if the flag is set."""
        _check(self._flags)

    def pulse(self, activation: Tensor) -> None:
        """Called by every hook: look at the flag now, and again when the gradient comes back through here."""
        if not self._flags:
            return
        self.check()
        if torch.is_grad_enabled() and activation.requires_grad:
            flags = self._flags  # not the run: it must not live as long as the graph of its gradient
            activation.register_hook(lambda gradient: _check(flags))

    def notice(self, key: Key, activation: Tensor) -> None:
        """Told by every hook of the activation before any change."""
        for site in self._before.get(key, ()):
            self.given[site] = activation
        if self.outer is not None and self.outer.open:
            self.outer.notice(key, activation)

    def observe(self, key: Key, activation: Tensor) -> Tensor:
        for site in self._capture.get(key, ()):
            self.captured[site] = activation
        if self.outer is not None and self.outer.open:
            return self.outer.observe(key, activation)
        return activation


def _check(flags: Sequence[threading.Event]) -> None:
    if any(flag.is_set() for flag in flags):
        raise Cancelled("cancelled; nothing was changed")
