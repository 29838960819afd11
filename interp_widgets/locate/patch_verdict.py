"""Whether a patching result tells something: the word, the measured sentence, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.results.numbers import signed
from interp_widgets.results.provenance import Verdict, Word
from interp_widgets.results.text import named

WORTH = {"probability": 0.05}  # gap between clean and corrupted that is worth dividing; for the other units:
_WORTH = 0.5
CLOSE, LOOSE = 0.9, 0.6  # correlation of the first-order estimate with exact patching: to trust it, to look at it


def patch_verdict(*, compared: Sequence[tuple[int, ...]], **fields: Any) -> PatchResult:
    """The result with its diagnostics and verdict.

    compared: cells (site, row, layer) where both the exact and the first-order value are known, if there is an estimate
    """
    result = PatchResult(**fields, diagnostics={}, verdict=Verdict("caution", ""))
    measured: dict[str, float] = {}
    if result.points and len(compared) > 2:
        at = tuple(np.asarray(compared).T)
        measured = _agreement(result.values[at] - result.base, result.first_order[at] - result.base)
    result = PatchResult(**fields, diagnostics=measured, verdict=Verdict("caution", ""))
    return PatchResult(**fields, diagnostics=measured, verdict=_verdict(result))


def _agreement(exact: np.ndarray[Any, Any], estimate: np.ndarray[Any, Any]) -> dict[str, float]:
    from scipy.stats import pearsonr, spearmanr

    if np.ptp(exact) == 0 or np.ptp(estimate) == 0:
        return {"cells_compared": float(len(exact))}
    return {
        "correlation": float(pearsonr(exact, estimate).statistic),
        "rank_correlation": float(spearmanr(exact, estimate).statistic),
        "cells_compared": float(len(exact)),
    }


def _verdict(result: PatchResult) -> Verdict:
    gap = result.clean - result.corrupted
    sentence = f"clean {signed(result.clean)}, corrupted {signed(result.corrupted)} {result.unit}; {_largest(result)}"
    word: Word = "trust"
    why: list[str] = []
    close = result.diagnostics.get("correlation")
    if close is not None:
        cells = int(result.diagnostics["cells_compared"])
        sentence += f"; the first-order estimate correlates {close:.2f} with exact patching on {cells} cells"
    if result.provenance.notes and any("shifted" in note for note in result.provenance.notes):
        word = "caution"
        why.append(
            "The prompts are of unequal length: a token after the spans that differ stands at another position in the"
            " other run, and its activation carries that too."
        )
    if result.points and (close is None or close < CLOSE):
        if _sparse(result):
            word = "do not trust" if close is None or close < LOOSE else "caution"
        why.append(
            "A first-order estimate misses what is not linear: attention that moves elsewhere, norms, a metric that"
            " saturates. Patch exactly (method='exact'), or average more points."
        )
    if abs(gap) < WORTH.get(result.metric, _WORTH):
        word = "do not trust"
        why.insert(
            0,
            f"The two prompts differ by {abs(gap):.2g} {result.unit}: shares of so small a gap are mostly noise. Take"
            " prompts, or a target and a foil, that differ clearly.",
        )
    return Verdict(word, sentence, tuple(why))


def _largest(result: PatchResult) -> str:
    """The strongest cell; of positions one before the last, whose late states are the answer itself."""
    first_order = _sparse(result)
    effects = np.stack([result.effects_of(site, first_order=first_order) for site in result.sites])
    if result.row_kind == "position" and (result.rows < len(result.tokens) - 1).any():
        effects = effects[:, result.rows < len(result.tokens) - 1]
    if np.isnan(effects).all():
        return "nothing could be patched"
    s, row, j = np.unravel_index(int(np.nanargmax(np.abs(effects))), effects.shape)
    name = result.row_names[row]
    where = named(name) if result.row_kind == "position" else name
    what = "largest estimate" if first_order else "largest effect"
    place = f", {result.sites[s]}" if len(result.sites) > 1 else ""
    return f"{what} {signed(float(effects[s, row, j]))} at {where}, layer {result.layers[j]}{place}"


def _sparse(result: PatchResult) -> bool:
    """Only a sample of the cells was measured."""
    return int(np.isfinite(result.values).sum()) < int(np.isfinite(result.first_order).sum())
