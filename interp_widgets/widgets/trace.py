"""The causal trace as a live widget: tabs that were not traced yet are, and the chosen cell is there for Python.

At a chosen cell the traced fact can be edited.  What the edit changes is a card of its own beneath, an `EditDiff`; so
is the trace of the same fact after it.  A second edit from here takes the place of the first, which is switched off.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import traitlets

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate.asking import same_wish
from interp_widgets.locate.trace_merge import joined
from interp_widgets.locate.trace_payload import asked
from interp_widgets.locate.trace_result import KINDS, TraceCell, TraceResult
from interp_widgets.widgets.chosen import ChosenWidget
from interp_widgets.widgets.display import TRACE
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.trace_edit import fact_of, why_not
from interp_widgets.widgets.worker import Progress

if TYPE_CHECKING:
    from interp_widgets.editing.diff.result import EditDiff as Diff
    from interp_widgets.widgets.edit_diff import EditDiff


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
    diff: the card of the edit that was made here, an `EditDiff`, or None
    after: the card of the same fact traced again, a `Trace`, or None
    """

    kind = TRACE
    bundle = "trace"
    example = ("hidden", 2, 5)

    result = traitlets.Instance(TraceResult)
    beneath = traitlets.List(traitlets.Unicode()).tag(sync=True)  # model ids of the cards that stand below this one

    def __init__(self, result: TraceResult, *, key: str | None = None, _below: bool = False) -> None:
        if not isinstance(result, TraceResult):
            raise ArgumentError(f"result={result!r} is not what iw.causal_trace returns")
        self._below = _below  # another trace, from where the edit was made
        self.diff: EditDiff | None = None
        self.after: Trace | None = None
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

    def edit(self, target: str, *, method: str = "rome", layer: int | None = None) -> None:
        """Give the traced fact another answer, in the background; what that changes appears in `diff`, beneath.

        target: the new answer; it gets a leading space where the traced one has one
        layer: by default the chosen cell's

        Raises ArgumentError: no layer and no cell, an unknown method, a prompt that is no text, the same answer
        """
        from interp_widgets.editing.registry import editor_of

        shown = self.result
        editor_of(method)
        fact = fact_of(shown, target)
        where = layer if layer is not None else self.cell.layer if self.cell is not None else None
        if where is None:
            raise ArgumentError("layer=None: choose a cell first, or name a layer")
        old = self.diff.edit if self.diff is not None else None

        def work(cancel: threading.Event, progress: Progress) -> Diff:
            from interp_widgets.widgets.edit_diff import edited

            lm = self._model_of(shown)
            return edited(lm, fact, method, where, instead=old, progress=progress, cancel=cancel)

        self._worker.start(work, self._take_edit, {"edit": {"target": target, "method": method, "layer": layer}})

    def trace_again(self) -> None:
        """Trace what the model answers now, with what is on in the ledger, in the background; it appears in `after`,
        beneath the card."""
        shown = self.result

        def work(cancel: threading.Event, progress: Progress) -> TraceResult:
            lm = self._model_of(shown)
            from interp_widgets.locate.tracing import causal_trace

            return causal_trace(
                lm,
                shown.provenance.prompt,
                kind=shown.kinds,
                sigma=shown.sigma,
                seed=shown.provenance.seed,
                progress=progress,
                cancel=cancel,
                confirm=True,
                **asked(shown),
            )

        self._worker.start(work, self._take_trace, {"again": True})

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        wish = args.get("edit")
        if isinstance(wish, dict) and set(args) <= {"edit", "target", "answer"}:
            fixed = args.get("target", args.get("answer"))  # a likely fix names the answer beside the wish
            self.edit(**{**wish, **({} if fixed is None else {"target": fixed})})
        elif set(args) == {"again"}:
            self.trace_again()
        elif set(args) == {"kind"}:
            self.explain(**args)
        else:
            raise ArgumentError(
                f"explain takes a kind, an edit or again, not {', '.join(sorted(args)) or 'nothing'}"
            )  # fmt: skip
        return {"accepted": True}

    def _take_edit(self, found: Diff) -> None:
        from interp_widgets.widgets.edit_diff import EditDiff

        if self.closed:
            return
        if self.diff is None or self.diff.closed:
            self.diff = EditDiff(found, key=f"{self.model_id}/edit")
        else:
            self.diff.result = found
        if self.after is not None:  # of a model that is no more
            self.after.close()
            self.after = None
        self._tell_beneath(f"edited: {found.edit}; what that changes stands below")

    def _take_trace(self, found: TraceResult) -> None:
        if self.closed:
            return
        if self.after is None or self.after.closed:
            self.after = Trace(found, key=f"{self.model_id}/after", _below=True)
        else:
            self.after.result = found
        acting = ", ".join(found.provenance.interventions) or "nothing"
        self._tell_beneath(f"traced again with {acting} on; it stands below")

    def _tell_beneath(self, text: str) -> None:
        with self.lock, self.hold_sync():
            self.beneath = [card.model_id for card in (self.diff, self.after) if card is not None and not card.closed]
            self.options = self._options(self.result)
        self._show_status({"state": "said", "text": text}, False)

    def _drop_beneath(self) -> None:
        for card in (self.diff, self.after):
            if card is not None:
                card.close()
        self.diff = self.after = None
        self.set_trait("beneath", [])

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
        found = super()._options(result)
        possible = found["live"] and not self._below and not why_not(result)
        if not possible:
            return {**found, "edit": False, "methods": [], "edited": False}
        from interp_widgets.editing.registry import editing_methods

        methods = [{"name": one["name"], "label": one["label"]} for one in editing_methods()]
        return {**found, "edit": True, "methods": methods, "edited": self.diff is not None}

    def _draw(self, result: TraceResult) -> None:
        if not self._same_tokens(result):
            self._drop_beneath()
        super()._draw(result)

    def _free(self) -> None:
        self._drop_beneath()
        super()._free()

    def _cell_at(self, sheet: str, row: int, column: int) -> TraceCell:
        if sheet not in self._drawn.kinds:
            raise not_one_of("kind", sheet, self._drawn.kinds)
        found: TraceCell = self._drawn.cell(row, column, sheet)
        return found

    def _place_of(self, cell: TraceCell) -> list[Any]:
        return [cell.kind, cell.position, cell.layer]
