"""Patching as a live widget: tabs that were not patched yet are, and the chosen cell is there for Python."""

from __future__ import annotations

import threading
from typing import Any

import traitlets

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate.patch_cell import PatchCell, patch_cell
from interp_widgets.locate.patch_payload import BY_POSITION, asked, prompts, wishes
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.widgets.chosen import ChosenWidget
from interp_widgets.widgets.display import PATCH
from interp_widgets.widgets.protocol import request
from interp_widgets.widgets.worker import Progress


class Patch(ChosenWidget):
    """What each activation of one run brings about in the other, live.

    Parameters
    ----------
    result: what `iw.patch` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; has one site more when another tab was asked for (`observe` it), and can be set
    cell: the chosen cell (a PatchCell), or None; can be set by a cell or by (site, row, layer)
    selection: indices of the selected tokens of the run that is patched, sorted
    """

    kind = PATCH
    bundle = "patch"
    example = ("resid_post", 2, 5)

    result = traitlets.Instance(PatchResult)

    def __init__(self, result: PatchResult, *, key: str | None = None) -> None:
        if not isinstance(result, PatchResult):
            raise ArgumentError(f"result={result!r} is not what iw.patch returns")
        super().__init__(result, key=key)

    def explain(self, site: str) -> None:
        """Patch another site too, in the background, so that verdict and correlation are of all; the outcome appears in
        `result`, errors in the card.

        site: one of "resid_pre", "resid_post", "attn_out", "mlp_out"

        Raises ArgumentError for another site, for rows that are no positions, and for prompts that are no strings.
        """
        shown = self.result
        if shown.row_kind != "position":
            raise ArgumentError(f"site={site!r}: this result has {shown.row_kind}s; patch positions by themselves")
        if site not in BY_POSITION:
            raise not_one_of("site", site, BY_POSITION)
        if not isinstance(shown.provenance.prompt, str):
            raise ArgumentError("the prompts were no strings; run iw.patch with the other site in a cell")
        if site not in shown.sites:
            self._worker.start(self._patch(shown, site), self._succeed, {"site": site})

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        if set(args) != {"site"}:
            raise ArgumentError(f"explain takes a site and nothing else, not {', '.join(sorted(args)) or 'nothing'}")
        self.explain(**args)
        return {"accepted": True}

    def _patch(self, shown: PatchResult, site: str) -> Any:
        def work(cancel: threading.Event, progress: Progress) -> PatchResult:
            lm = self._model_of(shown)
            from interp_widgets.locate.patching import patch

            clean, corrupted = prompts(shown)
            return patch(
                lm,
                clean,
                corrupted,
                sites=[*shown.sites, site],
                seed=shown.provenance.seed,
                progress=progress,
                cancel=cancel,
                confirm=True,  # who clicks sees how long it takes, and may cancel
                **wishes(shown),
                **asked(shown),
            )

        return work

    def _options(self, result: PatchResult) -> dict[str, Any]:
        return {**super()._options(result), "ask": isinstance(result.provenance.prompt, str)}

    def _cell_at(self, sheet: str, row: int, column: int) -> PatchCell:
        return patch_cell(self._drawn, sheet, row, column)

    def _place_of(self, cell: PatchCell) -> list[Any]:
        return [cell.site, cell.row, cell.layer]
