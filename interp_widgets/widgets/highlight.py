"""The highlight as a live widget: ask about another token, foil, method or baseline with a click."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import traitlets

from interp_widgets.attribution.payload import highlight_payload, settings
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import ArgumentError, ModelUnavailableError
from interp_widgets.models.events import models_changed
from interp_widgets.results.text import named
from interp_widgets.widgets.base import InterpWidget
from interp_widgets.widgets.display import mimebundle, still_forms
from interp_widgets.widgets.lifetimes import lifetimes
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import IDLE, Progress

_log = logging.getLogger(__name__)
_MOST_STEPS = 1000
_KEEP: Any = object()  # an argument that is not given: as in the picture that is shown


class Highlight(InterpWidget):
    """Which tokens drove the answer, live.

    Parameters
    ----------
    result: what `iw.attribute` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; changes when a click asks for another one (`observe` it), and can be set
    selection: indices of the selected tokens, sorted; changes by clicks, and can be set
    """

    bundle = "highlight"
    settable = frozenset({"selection"})

    payload = traitlets.Dict().tag(sync=True)
    still = traitlets.Dict().tag(sync=True)  # the same picture for other hosts; the notebook keeps both
    options = traitlets.Dict().tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    result = traitlets.Instance(AttributionResult)

    def __init__(self, result: AttributionResult, *, key: str | None = None) -> None:
        if not isinstance(result, AttributionResult):
            raise ArgumentError(f"result={result!r} is not what iw.attribute returns")
        self._drawn = result
        payload = highlight_payload(result)
        super().__init__(key=key, result=result, payload=payload, still=still_forms(payload), options=_options(result))

    def __repr__(self) -> str:
        return f"<Highlight{' (closed)' if self.closed else ''} of {self.result!r}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return mimebundle(self.result, self), {}

    def _free(self) -> None:
        self.set_trait("selection", [])
        for name in ("payload", "still", "options", "status"):
            self.set_trait(name, {})

    # Asking

    def explain(
        self,
        target: str | int = _KEEP,
        foil: str | int | None = _KEEP,
        method: str = _KEEP,
        baseline: str = _KEEP,
        steps: int = _KEEP,
        quadrature: str = _KEEP,
    ) -> None:
        """Ask again, in the background; what is not given stays as it is, `foil=None` asks without one.

        The outcome appears in `result`, an error in the card. A question that is still being answered is cancelled.
        """
        shown = self.result
        asked = settings(shown)
        given = {"foil": foil, "method": method, "baseline": baseline, "steps": steps, "quadrature": quadrature}
        asked |= {name: value for name, value in given.items() if value is not _KEEP}
        if target is not _KEEP:
            if foil is _KEEP and target == shown.foil:
                asked["foil"] = shown.target  # the foil becomes the target: turn the question round
            asked["target"] = target
        self._worker.start(self._attribute(shown, asked), self._succeed, asked)

    def cancel(self) -> bool:
        """Stop the work that is under way; False if there is none. The last result stays."""
        return self._worker.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the answer; False if it is not there in `timeout` seconds."""
        return self._worker.join(timeout)

    @request("hello")
    def _hello(self) -> None:
        """The first message opens the channel that stays free while a cell runs."""

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        unknown = args.keys() - settings(self.result).keys()
        if unknown:
            raise ArgumentError(f"explain has no {', '.join(sorted(unknown))}")
        self.explain(**args)
        return {"accepted": True}

    @request("cancel")
    def _cancel(self) -> dict[str, Any]:
        return {"cancelled": self.cancel()}

    def _attribute(self, shown: AttributionResult, asked: dict[str, Any]) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> AttributionResult:
            lm = shown.model()
            if lm is None:
                self._refresh_options()
                raise ModelUnavailableError(
                    f"{shown.provenance.model} is no longer in memory. Load it again and run this cell once more; the "
                    "last result stays."
                )
            from interp_widgets.attribution.api import attribute

            named_here = {**asked, "target": _id_of(shown, asked["target"]), "foil": _id_of(shown, asked["foil"])}
            return attribute(
                lm, shown.provenance.prompt, seed=shown.provenance.seed, progress=progress, cancel=cancel, **named_here
            )

        return work

    def _succeed(self, result: AttributionResult) -> None:
        self._draw(result)
        self.result = result  # last, and without the lock: those who observe it may take their time

    # Keeping the traits in step

    @traitlets.observe("result")
    def _follow_result(self, change: Any) -> None:
        result: AttributionResult = change["new"]
        if result is not self._drawn and not self.closed:
            self._worker.cancel()  # its answer would replace what was just set
            self._draw(result)

    def _draw(self, result: AttributionResult) -> None:
        """Everything that the view needs, in one message."""
        payload, options = highlight_payload(result), _options(result)
        with self.lock, self.hold_sync():
            if result.text != self._drawn.text or len(result.tokens) != len(self._drawn.tokens):
                self.selection = []
            self._drawn = result
            self.payload, self.still = payload, still_forms(payload)
            self.options, self.status = options, IDLE

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> list[int]:
        tokens = sorted(set(proposal["value"]))
        n = len(self._drawn.tokens)
        wrong = [token for token in tokens if not 0 <= token < n]
        if wrong:
            raise traitlets.TraitError(f"selection={proposal['value']}: this prompt has tokens 0 to {n - 1}")
        return tokens

    def _refresh_options(self) -> None:
        with self.lock:
            if not self.closed:
                self.options = _options(self.result)


def _id_of(shown: AttributionResult, wish: Any) -> Any:
    """A token that the picture offers, by its id: its text alone may join the prompt, or be half a character."""
    for text, ids in ((shown.target, shown.target_ids), (shown.foil, shown.foil_ids)):
        if wish == text and len(ids) == 1:
            return int(ids[0])
    if isinstance(wish, str) and wish != shown.target and wish != shown.foil:
        return next((candidate.id for candidate in shown.candidates if candidate.text == wish), wish)
    return wish


def _options(result: AttributionResult) -> dict[str, Any]:
    """What the controls offer. Without a live model it is what the picture itself used, and no torch is imported."""
    live = result.model() is not None
    asked = settings(result)
    methods = [{"name": result.method, "label": result.method.replace("_", " "), "settings": list(result.settings)}]
    baselines, quadratures = {}, {}
    if live or "interp_widgets.attribution.registry" in sys.modules:
        from interp_widgets.attribution import registry

        known = [{"name": m.name, "label": m.label, "settings": list(m.settings)} for m in registry.describe()]
        methods = known if any(m["name"] == result.method for m in known) else known + methods
        baselines, quadratures = dict(registry.BASELINES), dict(registry.QUADRATURES)
    for table, name in ((baselines, asked["baseline"]), (quadratures, asked["quadrature"])):
        table.setdefault(name, named(name))  # a text of one's own, or from a version that knew more
    return {
        "methods": methods,
        "baselines": [{"name": name, "label": label} for name, label in baselines.items()],
        "quadratures": [{"name": name, "label": label} for name, label in quadratures.items()],
        "steps": {"min": 1, "max": max(_MOST_STEPS, int(asked["steps"]))},
        "live": live,
    }


def _refresh_all() -> None:
    """A model came or went: controls wake up or go to sleep. Whoever loads a model must not suffer from a failure."""
    try:
        for widget in lifetimes:
            if isinstance(widget, Highlight) and widget.options.get("live") != (widget.result.model() is not None):
                widget._refresh_options()
    except Exception:
        _log.warning("the widgets could not be told of a model", exc_info=True)


models_changed.connect(_refresh_all)
