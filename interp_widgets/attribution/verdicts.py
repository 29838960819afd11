"""The plain word about a result, from what was measured and from thresholds that are stated here.

do not trust   the method broke its own promise (completeness off by more than 20 %), or the order of the scores beats
               random order in no way of deleting that was tried, or not on average over them
trust          the order beats random order by at least `TRUST_MARGIN` in every way, the promise holds within 5 %, and
               another seed would give much the same order
caution        the rest

TRUST_MARGIN was set on one half of 100 prompts.  On the other half 95 of 98 results marked "trust" (96.9 %) beat random
order by 0.5 in each of four ways of deleting, two of which no test here uses: benchmarks/attribution_quality.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from interp_widgets.attribution.diagnostics import Faithfulness
from interp_widgets.attribution.perturbation import WAYS
from interp_widgets.results.numbers import signed
from interp_widgets.results.provenance import Verdict

TRUST_ERROR = 0.05
CAUTION_ERROR = 0.20
TRUST_MARGIN = 4.0  # in the unit of the scores, a logarithm of odds or probability
STABLE = 0.7  # rank correlation between two halves of the samples

UNTESTED = Verdict("caution", "the order of the scores was not tested")

_BROKEN = "This method promises that its scores sum to a known number. Here they do not, so single scores mean little."
_INSTEAD = (
    "What to use instead: method='auto', which deletes tokens and looks at what really changes, or"
    " iw.compare(lm, prompt, methods=[...]) to see where methods agree."
)


def verdict(
    *,
    label: str,
    unit: str,
    tested_unit: str,
    total: float,
    due: float | None,
    error: float | None,
    test: Faithfulness | None,
    stability: float | None,
    advice: Sequence[str],
) -> Verdict:
    """The verdict on one result; `advice` are the method's own paragraphs on what may be wrong and what to do."""
    sums = "" if due is None else f"scores sum to {signed(total)}, where {signed(due)} {unit} is due"
    if error is not None and error > CAUTION_ERROR:
        off = f"off by {error:.0%}" if error < 10 else f"off by a factor of {error:.0f}"
        return Verdict("do not trust", f"{sums} ({off}); {label} does not keep its promise here", (_BROKEN, *advice))
    kept = "" if error is None else f"; {sums} (off by {error:.1%})"
    if test is None:
        return Verdict("caution", f"there is only one unit, so nothing to rank{kept}")
    measured = f"quality {signed(test.quality)}, random order {signed(test.random)} ({tested_unit})"
    best = max(way.margin for way in test.ways)
    if best <= 0 or test.quality <= test.random:
        why = (
            "Deleting the tokens that this picture ranks high, and keeping only them, does no more than for tokens"
            " drawn by chance.",
            *advice,
            _INSTEAD,
        )
        return Verdict("do not trust", f"{measured}: the order is no better than chance{kept}", why)
    doubts = []
    if test.margin < TRUST_MARGIN:
        worst = min(test.ways, key=lambda way: way.margin)
        name = WAYS.get(worst.way, "the baseline's tokens in their places")
        doubts.append(f"with tokens deleted so ({name}) the margin over random order is {signed(worst.margin)}")
    if error is not None and error > TRUST_ERROR:
        doubts.append("the sum is off by more than 5 %")
    if stability is not None and not stability >= STABLE:
        doubts.append(f"another seed gives another order (rank correlation of two halves {stability:+.2f})")
    if doubts:
        return Verdict("caution", f"{measured}; {'; '.join(doubts)}{kept}", tuple(advice))
    return Verdict("trust", f"{measured}{kept}")
