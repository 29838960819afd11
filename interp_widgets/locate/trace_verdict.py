"""Whether a causal trace tells something: the word, the measured sentence, and the reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from interp_widgets.locate.trace_result import TraceResult
from interp_widgets.results.numbers import count, probability
from interp_widgets.results.provenance import Verdict, Word
from interp_widgets.results.text import named

SURE = 3.0  # standard errors over the samples that the peak must be away from zero
WORTH = 0.1  # share of the clean probability that the corruption must take away


def trace_verdict(**fields: Any) -> TraceResult:
    """The result with its verdict."""
    result = TraceResult(**fields, verdict=Verdict("caution", ""))
    return TraceResult(**fields, verdict=_verdict(result))


def _verdict(result: TraceResult) -> Verdict:
    total, clean = result.total_effect, result.clean
    corrupted = float(result.corrupted.mean())
    peak = result.peak()
    half = peak.high - peak.effect
    sentence = (
        f"clean {probability(clean)}, corrupted {probability(corrupted)} over {count(result.samples, 'sample')};"
        f" peak {peak.effect:.2f}" + (f" \u00b1 {half:.2f}" if np.isfinite(half) else "")
        + f" at {named(peak.token)}, layer {peak.layer}"
    )  # fmt: skip
    why: list[str] = []
    word: Word = "trust"
    if result.answer != result.target and not result.target.startswith(result.answer):
        word = "caution"
        why.append(
            f"{named(result.target)} is not what the model says ({named(result.answer)} is): a fact that it does not"
            " know is stored nowhere."
        )
    if result.samples < 2:
        word = "caution"
        why.append("A single corrupted run gives no interval; take samples=10.")
    elif not peak.effect > SURE * half / 1.96:
        word = "caution"
        why.append(
            f"The largest effect before the last token is within {SURE:g} standard errors of zero: with other noise it"
            " may stand elsewhere. Take more samples."
        )
    if total < WORTH * clean:
        word = "do not trust"
        why.insert(
            0,
            f"Corrupting the subject takes away {probability(max(total, 0.0))} of {probability(clean)}: there is"
            " nothing to restore. The prompt's other words give the answer, or the noise is too small.",
        )
    return Verdict(word, sentence, tuple(why))
