"""The sources of generated text as a live widget, which fills row by row while the text is written.

A view that is open is sent only the rows and tokens that it lacks (see `widgets.growing`).
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any, cast

import traitlets

from interp_widgets.attribution.matrix import MatrixResult
from interp_widgets.attribution.matrix_payload import continuation, matrix_payload
from interp_widgets.errors import ArgumentError
from interp_widgets.widgets.card import KEEP
from interp_widgets.widgets.display import MATRIX
from interp_widgets.widgets.growing import GrowingCard
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

PATCH = "matrix-patch"
Partial = Callable[[MatrixResult], None]
Work = Callable[[threading.Event, Progress, Partial], MatrixResult]


class Matrix(GrowingCard):
    """For each generated token the tokens that it comes from, live.

    Parameters
    ----------
    result: a MatrixResult, as `iw.attribute` returns for generated text; None waits for one
    start: work to `run` at once
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown (None before the first); rows of a run are in it when the run has ended
    selection: indices of the selected tokens, sorted; changes by clicks, and can be set
    """

    kind = MATRIX
    bundle = "matrix"
    result_class = MatrixResult

    result = traitlets.Instance(MatrixResult, allow_none=True)

    def __init__(
        self, result: MatrixResult | None = None, *, start: Work | None = None, key: str | None = None
    ) -> None:
        super().__init__(result, key=key)
        if start is not None:
            self.run(start)

    def explain(self, method: str = KEEP) -> None:
        """Explain the same text by another method, in the background; the outcome appears in `result`.

        Raises ArgumentError while there is no result to ask about.
        """
        shown = self.result
        if shown is None:
            raise ArgumentError("there is no result yet whose text could be explained again")
        asked = {"method": shown.method if method is KEEP else method}

        def job(cancel: threading.Event, progress: Progress) -> MatrixResult:
            lm = self._model_of(shown)
            target = importlib.import_module("interp_widgets.attribution.continuation").Continuation(
                **continuation(shown)
            )
            from interp_widgets.attribution.api import attribute

            source = shown.provenance
            return cast(
                MatrixResult,
                attribute(lm, source.prompt, target, seed=source.seed, progress=progress, cancel=cancel, **asked),
            )

        self._runs += 1
        self._worker.start(job, self._succeed, asked)

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        unknown = args.keys() - {"method"}
        if unknown:
            raise ArgumentError(f"explain has no {', '.join(sorted(unknown))}")
        self.explain(**args)
        return {"accepted": True}

    def _picture(self, result: Any) -> dict[str, Any]:
        return matrix_payload(result, self._memo)

    def _news(self, before: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
        head = {name: value for name, value in payload.items() if name not in ("boxes", "rows")}
        lists = {name: _news(before.get(name, []), payload[name]) for name in ("boxes", "rows")}
        return {"kind": PATCH, "head": head, **lists}

    def _options(self, result: MatrixResult | None) -> dict[str, Any]:
        """Without a live model it is what the picture itself used, and no torch is imported."""
        if result is None:
            return {"methods": [], "live": False}
        live = result.model() is not None
        methods = {result.method: result.method.replace("_", " ")}
        if live or "interp_widgets.attribution.registry" in sys.modules:
            from interp_widgets.attribution import registry

            methods |= {method.name: method.label for method in registry.describe()}
        return {"methods": [{"name": name, "label": label} for name, label in methods.items()], "live": live}

    def _same_tokens(self, result: Any) -> bool:
        """Also where more was written since: the tokens that were there keep their places."""
        before = self._drawn
        return before is not None and result is not None and result.tokens[: len(before.tokens)] == before.tokens


def _news(before: list[Any], after: list[Any]) -> dict[str, Any]:
    """What a list has that the one before has not: items from the first that differs."""
    same = next((i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), None)
    start = min(len(before), len(after)) if same is None else same
    return {"from": start, "items": after[start:]}
