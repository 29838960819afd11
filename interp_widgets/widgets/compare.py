"""Several methods side by side as a live widget: ask for others, or about another token, with a click."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from typing import Any

import traitlets

from interp_widgets.attribution.compare_payload import settings
from interp_widgets.attribution.comparison import ComparisonResult
from interp_widgets.errors import ArgumentError
from interp_widgets.widgets.card import KEEP, CardWidget, id_of, turned_round
from interp_widgets.widgets.display import COMPARE
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress


class Compare(CardWidget):
    """Whether several methods agree on which tokens drove the answer, live.

    Parameters
    ----------
    result: what `iw.compare` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; changes when a click asks for another one (`observe` it), and can be set
    selection: indices of the selected tokens, sorted; changes by clicks, and can be set
    """

    kind = COMPARE
    bundle = "compare"

    result = traitlets.Instance(ComparisonResult)

    def __init__(self, result: ComparisonResult, *, key: str | None = None) -> None:
        if not isinstance(result, ComparisonResult):
            raise ArgumentError(f"result={result!r} is not what iw.compare returns")
        super().__init__(result, key=key)

    def explain(self, target: str | int = KEEP, foil: str | int | None = KEEP, methods: Sequence[str] = KEEP) -> None:
        """Ask again, in the background; what is not given stays as it is, `foil=None` asks without one.

        The outcome appears in `result`, an error in the card. A question that is still being answered is cancelled.
        """
        shown = self.result
        asked = settings(shown)
        if methods is not KEEP:
            if isinstance(methods, str) or not methods:
                raise ArgumentError(f"methods={methods!r}: a list of at least one method's name")
            asked["methods"] = list(methods)
        if not (target is KEEP and foil is KEEP):
            asked["function"] = None  # it follows from them
        asked = turned_round(shown, asked, target, foil)
        self._worker.start(self._compare(shown, asked), self._succeed, asked)

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        unknown = args.keys() - settings(self.result).keys()
        if unknown:
            raise ArgumentError(f"explain has no {', '.join(sorted(unknown))}")
        self.explain(**args)
        return {"accepted": True}

    def _compare(self, shown: ComparisonResult, asked: dict[str, Any]) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> ComparisonResult:
            lm = self._model_of(shown)
            compare = importlib.import_module("interp_widgets.attribution.compare").compare
            result: ComparisonResult = compare(
                lm,
                shown.provenance.prompt,
                target=None if asked["function"] == "entropy" else id_of(shown, asked["target"]),
                foil=id_of(shown, asked["foil"]),
                methods=asked["methods"],
                function=asked["function"],
                group=asked["group"],
                seed=shown.provenance.seed,
                progress=progress,
                cancel=cancel,
            )
            return result

        return work

    def _options(self, result: ComparisonResult) -> dict[str, Any]:
        """Without a live model it is what the picture itself used, and no torch is imported."""
        live = result.model() is not None
        methods = {entry.method: entry.label for entry in result.entries}
        if live or "interp_widgets.attribution.registry" in sys.modules:
            from interp_widgets.attribution import registry

            methods = {**{method.name: method.label for method in registry.describe()}, **methods}
        return {"methods": [{"name": name, "label": label} for name, label in methods.items()], "live": live}
