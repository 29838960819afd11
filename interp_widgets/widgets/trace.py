"""The causal trace as a live widget: tabs that were not traced yet are, and the chosen cell is there for Python."""

from __future__ import annotations

import threading
from typing import Any

import traitlets

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate.asking import same_wish
from interp_widgets.locate.trace_merge import joined
from interp_widgets.locate.trace_payload import asked
from interp_widgets.locate.trace_result import KINDS, TraceCell, TraceResult
from interp_widgets.widgets.chosen import ChosenWidget
from interp_widgets.widgets.display import TRACE
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress


class Trace(ChosenWidget):
    """Where restoring a part of the clean run brings the answer back, live.

    Parameters
    ----------
    result: what `iw.causal_trace` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; has one kind more when another tab was traced (`observe` it), and can be set
    cell: the chosen cell (a TraceCell), or None; can be set by a cell or by (kind, position, layer)
    selection: indices of the selected tokens, sorted
    """

    kind = TRACE
    bundle = "trace"
    example = ("hidden", 2, 5)

    result = traitlets.Instance(TraceResult)

    def __init__(self, result: TraceResult, *, key: str | None = None) -> None:
        if not isinstance(result, TraceResult):
            raise ArgumentError(f"result={result!r} is not what iw.causal_trace returns")
        super().__init__(result, key=key)

    def explain(self, kind: str) -> None:
        """Trace another kind in the same runs, in the background; the outcome appears in `result`, errors in the card.

        kind: one of `interp_widgets.locate.trace_result.KINDS`

        Raises ArgumentError for an unknown kind.
        """
        if kind not in KINDS:
            raise not_one_of("kind", kind, KINDS)
        shown = self.result
        if kind not in shown.kinds:
            self._worker.start(self._trace(shown, kind), self._succeed, {"kind": kind})

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        if set(args) != {"kind"}:
            raise ArgumentError(f"explain takes a kind and nothing else, not {', '.join(sorted(args)) or 'nothing'}")
        self.explain(**args)
        return {"accepted": True}

    def _trace(self, shown: TraceResult, kind: str) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> TraceResult:
            lm = self._model_of(shown)
            from interp_widgets.locate.tracing import causal_trace

            found = causal_trace(
                lm,
                shown.provenance.prompt,
                kind=kind,
                target=same_wish(shown.text, shown.target, shown.target_ids.tolist()),
                force=True,  # the same answer, whatever leads
                sigma=shown.sigma,
                seed=shown.provenance.seed,
                progress=progress,
                cancel=cancel,
                confirm=True,  # who clicks sees how long it takes, and may cancel
                **asked(shown),
            )
            return joined(shown, found)

        return work

    def _options(self, result: TraceResult) -> dict[str, Any]:
        return {**super()._options(result), "edit": False}

    def _cell_at(self, sheet: str, row: int, column: int) -> TraceCell:
        if sheet not in self._drawn.kinds:
            raise not_one_of("kind", sheet, self._drawn.kinds)
        found: TraceCell = self._drawn.cell(row, column, sheet)
        return found

    def _place_of(self, cell: TraceCell) -> list[Any]:
        return [cell.kind, cell.position, cell.layer]
