"""Occlusion from both sides: what a token takes away when it goes, and what it brings when it comes alone.

    score_i = mean over ways w of [F(x) - F_w(x without i)]  +  F_r(only i) - F_r(nothing)

w: end-of-text, or a random token, in the place of what is deleted; r: random tokens.  The first term is leave-one-out,
averaged so that it does not hang on one way of deleting; the second sees what the first cannot, a token whose work
another one does as well.  The two are the ends of a Shapley value (all others there, none there), at 3 passes a token
instead of dozens.  Alone among end-of-text tokens a token tells little, so the second term uses random ones only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.question import Question

LEAVING = ("eos", "random")


def _run(question: Question, work: Work) -> Scores:
    n = len(work.units)
    one = np.eye(n, dtype=bool)

    def without(gone: NDArray[np.bool_], way: str) -> NDArray[np.float64]:
        return work.perturber.without(gone @ work.units, way)

    leaving = [question.value - without(one, way) for way in LEAVING]
    alone = without(np.concatenate([~one, np.ones((1, n), dtype=bool)]), "random")
    return Scores(np.mean(leaving, axis=0) + alone[:-1] - alone[-1])


TWO_SIDED = register(
    Method(
        name="two_sided_occlusion",
        label="two-sided occlusion",
        settings=(),
        by_units=True,
        share=0.7,
        explains="log-probability",
        random=True,
        cost="3 forward for each token",
        promises="each score is measured: what really changes when a token goes, and when it comes alone",
        source="the first and the last term of a Shapley value (Shapley 1953), over two ways of deleting",
        passes=lambda units, settings: 3 * units + 1,
        run=_run,
    )
)
