"""A neuron's card as a live widget: another neuron of the layer, or a text of one's own, is one request away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import traitlets

from interp_widgets.errors import ArgumentError
from interp_widgets.locate.neuron_result import NeuronResult
from interp_widgets.widgets.card import CardWidget
from interp_widgets.widgets.display import NEURON
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress


class Neuron(CardWidget):
    """The texts on which a neuron is most active, live.

    Parameters
    ----------
    result: a NeuronResult, as `iw.max_activating` returns it
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; with another neuron or a text of one's own it is a new one, in which
        `result.neuron` and `result.tried` say which
    selection: the chosen texts, by their places in `result.top()`, sorted; a text of one's own comes after them
    """

    kind = NEURON
    bundle = "neuron"

    result = traitlets.Instance(NeuronResult)

    def __init__(self, result: NeuronResult, *, key: str | None = None) -> None:
        if not isinstance(result, NeuronResult):
            raise ArgumentError(f"result={result!r} is no NeuronResult")
        super().__init__(result, key=key)

    def show(self, neuron: int) -> None:
        """Show another neuron of the layer, in the background; the outcome appears in `result`.

        Raises OutOfRangeError for a neuron that the result does not hold.
        """
        shown = self.result
        shown.row(neuron)
        self._run(lambda cancel: shown.show(neuron, cancel=cancel), {"neuron": neuron})

    def try_text(self, text: str) -> None:
        """Read a text of one's own, in the background; its activations appear in `result`."""
        if not isinstance(text, str):
            raise ArgumentError(f"text={text!r} is not a string")
        shown = self.result
        self._run(lambda cancel: shown.with_text(text, cancel=cancel), {"text": text})

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        wishes: dict[str, Callable[[Any], None]] = {"neuron": self.show, "text": self.try_text}
        if len(args) != 1 or not args.keys() <= wishes.keys():
            raise ArgumentError(f"explain takes one of {', '.join(wishes)}; got {', '.join(sorted(args)) or 'nothing'}")
        for name, wish in args.items():
            wishes[name](wish)
        return {"accepted": True}

    def _run(self, work: Any, asked: dict[str, Any]) -> None:
        def job(cancel: threading.Event, progress: Progress) -> NeuronResult:
            try:
                found: NeuronResult = work(cancel)
            finally:
                self._refresh_options()  # the model may have gone meanwhile
            return found

        self._worker.start(job, self._succeed, asked)
