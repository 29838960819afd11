"""Kinds of one trace that were computed one after the other, as one result."""

from __future__ import annotations

import dataclasses

import numpy as np

from interp_widgets.errors import ArgumentError
from interp_widgets.locate.trace_result import TraceResult

_SAME = 1e-3  # difference of probabilities that other batches and threads can make


def joined(first: TraceResult, second: TraceResult) -> TraceResult:
    """The first result with those kinds of the second that it lacks; forward passes and seconds of both.

    Raises ArgumentError where they are not about the same runs: other tokens, cells, noise, or a model that answers
    otherwise now.
    """
    same = (
        np.array_equal(first.token_ids, second.token_ids)
        and np.array_equal(first.positions, second.positions)
        and np.array_equal(first.layers, second.layers)
        and np.array_equal(first.target_ids, second.target_ids)
        and (first.subject_tokens, first.window) == (second.subject_tokens, second.window)
    )
    if not same:
        raise ArgumentError("the two traces are of other cells, so they do not make one result")
    drift = max(
        abs(first.clean - second.clean),
        float(np.abs(first.corrupted - second.corrupted).max()) if first.samples == second.samples else 1.0,
    )
    if drift > _SAME:
        now, then = (", ".join(one.provenance.interventions) or "none" for one in (second, first))
        raise ArgumentError(
            f"the model answers otherwise now (interventions: {now}; in the trace that is shown: {then}), so the kinds"
            " cannot stand side by side; run iw.causal_trace again with all of them"
        )
    new = [kind for kind in second.kinds if kind not in first.kinds]
    rows = [second.kinds.index(kind) for kind in new]
    # What equals the corrupted runs must go on to do so: nothing was changed there.
    untouched = second.restored[rows] == second.corrupted[None, :, None, None]
    restored = np.where(untouched, first.corrupted[None, :, None, None], second.restored[rows])
    a, b = first.provenance, second.provenance
    return dataclasses.replace(
        first,
        kinds=(*first.kinds, *new),
        restored=np.concatenate([first.restored, restored]),
        top_ids=np.concatenate([first.top_ids, second.top_ids[rows]]),
        top_probability=np.concatenate([first.top_probability, second.top_probability[rows]]),
        words={**first.words, **second.words},
        provenance=dataclasses.replace(
            a, forward_passes=a.forward_passes + b.forward_passes, seconds=a.seconds + b.seconds
        ),
    )
