"""The highlight as a live widget: ask about another token, foil, method or baseline with a click."""

from __future__ import annotations

import sys
import threading
from typing import Any, cast

import traitlets

from interp_widgets.attribution.payload import settings
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import ArgumentError
from interp_widgets.results.text import named
from interp_widgets.widgets.card import KEEP, CardWidget, id_of, turned_round
from interp_widgets.widgets.display import HIGHLIGHT
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

_MOST_STEPS = 1000


class Highlight(CardWidget):
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

    kind = HIGHLIGHT
    bundle = "highlight"

    result = traitlets.Instance(AttributionResult)

    def __init__(self, result: AttributionResult, *, key: str | None = None) -> None:
        if not isinstance(result, AttributionResult):
            raise ArgumentError(f"result={result!r} is not what iw.attribute returns")
        super().__init__(result, key=key)

    def explain(
        self,
        target: str | int = KEEP,
        foil: str | int | None = KEEP,
        method: str = KEEP,
        baseline: str = KEEP,
        steps: int = KEEP,
        quadrature: str = KEEP,
        delete: str | None = KEEP,
        samples: int | None = KEEP,
        function: str | None = KEEP,
        group: str | None = KEEP,
    ) -> None:
        """Ask again, in the background; what is not given stays as it is, `foil=None` asks without one.

        The outcome appears in `result`, an error in the card. A question that is still being answered is cancelled.
        """
        shown = self.result
        asked = settings(shown)
        given = {
            **{"method": method, "baseline": baseline, "steps": steps, "quadrature": quadrature},
            **{"delete": delete, "samples": samples, "function": function, "group": group},
        }
        if method not in (KEEP, shown.method):
            asked |= {"delete": None, "samples": None}  # each method has its own
        if not (target is KEEP and foil is KEEP):
            asked["function"] = None  # it follows from them
        asked |= {name: value for name, value in given.items() if value is not KEEP}
        asked = turned_round(shown, asked, target, foil)
        self._worker.start(self._attribute(shown, asked), self._succeed, asked)

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        unknown = args.keys() - settings(self.result).keys()
        if unknown:
            raise ArgumentError(f"explain has no {', '.join(sorted(unknown))}")
        self.explain(**args)
        return {"accepted": True}

    def _attribute(self, shown: AttributionResult, asked: dict[str, Any]) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> AttributionResult:
            lm = self._model_of(shown)
            from interp_widgets.attribution.api import attribute

            named_here = {**asked, "target": id_of(shown, asked["target"]), "foil": id_of(shown, asked["foil"])}
            if asked["function"] == "entropy":
                named_here["target"] = None  # it is of all next tokens
            result = attribute(
                lm, shown.provenance.prompt, seed=shown.provenance.seed, progress=progress, cancel=cancel, **named_here
            )
            return cast(AttributionResult, result)  # of one next token, as nothing else can be asked here

        return work

    def _options(self, result: AttributionResult) -> dict[str, Any]:
        """Without a live model it is what the picture itself used, and no torch is imported."""
        live = result.model() is not None
        asked = settings(result)
        methods = [{"name": result.method, "label": result.method.replace("_", " "), "settings": list(result.settings)}]
        baselines, quadratures, deletions = {}, {}, {}
        if live or "interp_widgets.attribution.registry" in sys.modules:
            from interp_widgets.attribution import registry

            known = [{"name": m.name, "label": m.label, "settings": list(m.settings)} for m in registry.describe()]
            methods = known if any(m["name"] == result.method for m in known) else known + methods
            baselines, quadratures = dict(registry.BASELINES), dict(registry.QUADRATURES)
            deletions = dict(registry.WAYS)
        for table, name in ((baselines, asked["baseline"]), (quadratures, asked["quadrature"])):
            table.setdefault(name, named(name))  # a text of one's own, or from a version that knew more
        if asked["delete"] is not None:
            deletions.setdefault(asked["delete"], named(asked["delete"]))
        return {
            "methods": methods,
            "baselines": _choices(baselines),
            "quadratures": _choices(quadratures),
            "deletions": _choices(deletions),
            "steps": {"min": 1, "max": max(_MOST_STEPS, int(asked["steps"]))},
            "live": live,
        }


def _choices(table: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "label": label} for name, label in table.items()]
