"""Heads as a live widget: any head's pattern on demand, the chosen head for Python, the other stand-in by a click."""

from __future__ import annotations

import threading
from typing import Any

import traitlets

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate.asking import same_wish
from interp_widgets.locate.heads_payload import STAND_INS, again, pattern_of
from interp_widgets.locate.heads_result import HeadCell, HeadsResult
from interp_widgets.widgets.chosen import ChosenWidget
from interp_widgets.widgets.display import HEADS
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress

ABLATIONS = tuple(name for name in STAND_INS if name)


class Heads(ChosenWidget):
    """Where each head looks, and the answer with it switched off, live.

    Parameters
    ----------
    result: what `iw.heads` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; another one when the stand-in was changed (`observe` it), and can be set
    cell: the chosen head (a HeadCell), or None; can be set by a cell or by ("", head, layer)
    selection: indices of the selected tokens, sorted
    """

    kind = HEADS
    bundle = "heads"
    example = ("", 4, 22)

    result = traitlets.Instance(HeadsResult)
    pattern = traitlets.Dict().tag(sync=True)  # of the chosen head, where the picture does not bring it

    def __init__(self, result: HeadsResult, *, key: str | None = None) -> None:
        if not isinstance(result, HeadsResult):
            raise ArgumentError(f"result={result!r} is not what iw.heads returns")
        super().__init__(result, key=key)

    def explain(self, ablation: str) -> None:
        """Switch the same heads off by another stand-in, in the background; the outcome appears in `result`.

        ablation: "zero" or "mean". Raises ArgumentError for another one.
        """
        if ablation not in ABLATIONS:
            raise not_one_of("ablation", ablation, ABLATIONS)
        self._worker.start(self._study(self.result, ablation), self._succeed, {"ablation": ablation})

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        if set(args) != {"ablation"}:
            raise ArgumentError(
                f"explain takes an ablation and nothing else, not {', '.join(sorted(args)) or 'nothing'}"
            )
        self.explain(**args)
        return {"accepted": True}

    def _study(self, shown: HeadsResult, ablation: str) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> HeadsResult:
            lm = self._model_of(shown)
            from interp_widgets.locate.heads import heads

            asked = {**again(shown), "ablation": ablation}
            if shown.metric != "entropy":
                asked["target"] = same_wish(shown.text, shown.target, shown.target_ids.tolist())
            if shown.foil is not None:
                asked["foil"] = same_wish(shown.text, shown.foil, shown.foil_ids.tolist())
            source = shown.provenance
            return heads(lm, source.prompt, seed=source.seed, progress=progress, cancel=cancel, confirm=True, **asked)

        return work

    @traitlets.observe("cell")
    def _bring_pattern(self, change: Any) -> None:
        cell = change["new"]
        brought = {(one["layer"], one["head"]) for one in self.payload.get("patterns", [])}
        if cell is not None and (cell.layer, cell.head) not in brought:
            with self.lock:
                self.pattern = pattern_of(self._drawn, cell.layer, cell.head)

    def _free(self) -> None:
        self.set_trait("pattern", {})
        super()._free()

    def _cell_at(self, sheet: str, row: int, column: int) -> HeadCell:
        found: HeadCell = self._drawn.cell(column, row)
        return found

    def _place_of(self, cell: HeadCell) -> list[Any]:
        return ["", cell.head, cell.layer]
