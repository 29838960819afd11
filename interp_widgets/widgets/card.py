"""What the widgets of results share: one picture, its forms for other hosts, what may be asked, and a selection."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Protocol

import traitlets

from interp_widgets.errors import ModelUnavailableError
from interp_widgets.models.events import models_changed
from interp_widgets.widgets.base import InterpWidget
from interp_widgets.widgets.display import Kind, bundle_of
from interp_widgets.widgets.lifetimes import lifetimes
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import IDLE

_log = logging.getLogger(__name__)
KEEP: Any = object()  # an argument that is not given: as in the picture that is shown


class Shown(Protocol):
    """What every result has that a card shows."""

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> tuple[str, ...]: ...
    def model(self) -> Any: ...


class CardWidget(InterpWidget):
    """Base of the widgets that show a result; a subclass sets `kind` and `bundle` and says what its controls offer.

    Attributes
    ----------
    result: the result that is shown; changes when a click asks for another one (`observe` it), and can be set
    selection: indices of the selected tokens, sorted; changes by clicks, and can be set
    """

    kind: ClassVar[Kind]
    follows_ledger: ClassVar[bool] = False  # whether what its controls offer depends on more than the model being there
    settable = frozenset({"selection"})

    payload = traitlets.Dict().tag(sync=True)
    still = traitlets.Dict().tag(sync=True)  # the same picture for other hosts; the notebook keeps both
    options = traitlets.Dict().tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    result: Any = traitlets.Any()

    def __init__(self, result: Any, *, key: str | None = None) -> None:
        self._drawn = result
        payload = self.kind.payload(result)
        super().__init__(
            key=key, result=result, payload=payload, still=self.kind.still(payload), options=self._options(result)
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' (closed)' if self.closed else ''} of {self.result!r}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return bundle_of(self.kind, self.result, self), {}

    def _free(self) -> None:
        self.set_trait("selection", [])
        for name in ("payload", "still", "options", "status"):
            self.set_trait(name, {})

    def _options(self, result: Any) -> dict[str, Any]:
        """What the controls offer for this result; "live" says whether its model is in memory."""
        return {"live": result is not None and result.model() is not None}

    # Asking

    def cancel(self) -> bool:
        """Stop the work that is under way; False if there is none. The last result stays."""
        return self._worker.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the answer; False if it is not there in `timeout` seconds."""
        return self._worker.join(timeout)

    @request("hello")
    def _hello(self) -> None:
        """The first message opens the channel that stays free while a cell runs."""

    @request("cancel")
    def _cancel(self) -> dict[str, Any]:
        return {"cancelled": self.cancel()}

    def _succeed(self, result: Any) -> None:
        self._draw(result)
        self.result = result  # last, and without the lock: those who observe it may take their time

    # Keeping the traits in step

    @traitlets.observe("result")
    def _follow_result(self, change: Any) -> None:
        result = change["new"]
        if result is not self._drawn and not self.closed:
            self._worker.cancel()  # its answer would replace what was just set
            self._draw(result)

    def _draw(self, result: Any) -> None:
        """Everything that the view needs, in one message."""
        payload, options = self.kind.payload(result), self._options(result)
        with self.lock, self.hold_sync():
            if not self._same_tokens(result):
                self.selection = []
            self._drawn = result
            self.payload, self.still = payload, self.kind.still(payload)
            self.options, self.status = options, IDLE

    def _same_tokens(self, result: Shown) -> bool:
        before = self._drawn
        return before is not None and result.text == before.text and len(result.tokens) == len(before.tokens)

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> list[int]:
        tokens = sorted(set(proposal["value"]))
        n = len(self._drawn.tokens) if self._drawn is not None else 0
        wrong = [token for token in tokens if not 0 <= token < n]
        if wrong:
            there = f"this prompt has tokens 0 to {n - 1}" if n else "there are no tokens yet"
            raise traitlets.TraitError(f"selection={proposal['value']}: {there}")
        return tokens

    def _model_of(self, shown: Any) -> Any:
        """The model of a result, for work on it. Raises ModelUnavailableError, and puts the controls to sleep, if it is
        gone."""
        lm = shown.model()
        if lm is None:
            self._refresh_options()
            raise ModelUnavailableError(
                f"{shown.provenance.model} is no longer in memory. Load it again and run this cell once more; the "
                "last result stays."
            )
        return lm

    def _refresh_options(self) -> None:
        with self.lock:
            if not self.closed:
                self.options = self._options(self.result)


def id_of(shown: Any, wish: Any) -> Any:
    """A token that the picture offers, by its id: its text alone may join the prompt, or be half a character."""
    for text, ids in ((shown.target, shown.target_ids), (shown.foil, shown.foil_ids)):
        if wish == text and len(ids) == 1:
            return int(ids[0])
    if isinstance(wish, str) and wish != shown.target and wish != shown.foil:
        return next((candidate.id for candidate in shown.candidates if candidate.text == wish), wish)
    return wish


def turned_round(shown: Any, asked: dict[str, Any], target: Any, foil: Any) -> dict[str, Any]:
    """Target and foil as asked for; a foil that becomes the target trades places with it."""
    if foil is not KEEP:
        asked["foil"] = foil
    if target is not KEEP:
        if foil is KEEP and target == shown.foil:
            asked["foil"] = shown.target
        asked["target"] = target
    return asked


def _refresh_all() -> None:
    """A model came or went, or a ledger changed: controls wake up, go to sleep, or follow. Whoever loads a model or
    changes a ledger must not suffer from a failure."""
    for widget in lifetimes:
        if not isinstance(widget, CardWidget):
            continue
        try:
            if widget.result is None:
                continue
            if widget.follows_ledger or widget.options.get("live") != (widget.result.model() is not None):
                widget._refresh_options()
        except Exception:
            _log.warning("a widget could not be told of a model or a ledger", exc_info=True)


models_changed.connect(_refresh_all)
