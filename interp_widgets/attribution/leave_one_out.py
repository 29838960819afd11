"""Leave-one-out occlusion (Zeiler and Fergus 2014; Li, Monroe and Jurafsky 2016).

    score_i = F(x) - F(x without i)

One forward pass for each unit, all in a few batches, each from its first changed token on.
"""

from __future__ import annotations

import numpy as np

from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.question import Question


def _run(question: Question, work: Work) -> Scores:
    gone = np.eye(len(work.units), dtype=bool)
    return Scores(question.value - work.without(gone))


LEAVE_ONE_OUT = register(
    Method(
        name="leave_one_out",
        label="leave-one-out",
        settings=("delete",),
        by_units=True,
        explains="log-probability",
        share=0.5,
        cost="1 forward for each token",
        promises="each score is what really changes when that token alone is deleted",
        source="Zeiler and Fergus 2014; Li, Monroe and Jurafsky 2016, equation 1",
        passes=lambda units, settings: units,
        run=_run,
    )
)
