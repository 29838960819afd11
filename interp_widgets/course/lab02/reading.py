"""Exercise 9: what the comparison of methods shows.

Reference: the package's own `compare` on the default model, whose methods are tested against closed forms and peers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from interp_widgets.course.default_model import default_lm
from interp_widgets.course.exercise import Case, Exercise, Mistake

PROMPT, TARGET, FOIL = "The capital of Australia is", " Canberra", " Sydney"
METHODS = ("leave_one_out", "lime", "shapley")
Seen = dict[str, Any]


@lru_cache(maxsize=4)
def _scores(target: str, foil: str | None) -> tuple[tuple[str, ...], dict[str, Any]]:
    from interp_widgets.attribution.api import attribute

    results = {name: attribute(default_lm(), PROMPT, target, foil, method=name, delete="eos") for name in METHODS}
    tokens = next(iter(results.values())).tokens
    return tokens, {name: np.asarray(result.scores) for name, result in results.items()}


def _seen(target: str = TARGET, foil: str | None = FOIL, one: str = "lime", other: str = "shapley") -> Seen:
    tokens, scores = _scores(target, foil)
    apart = np.abs(rankdata(-scores[one]) - rankdata(-scores[other]))
    return {
        "agreement": float(spearmanr(scores[one], scores[other])[0]),
        "apart": tokens[int(apart.argmax())].strip(),
        "signs": int((scores["leave_one_out"] * scores["shapley"] < 0).sum()),
    }


READING = Exercise(
    id="lab02-q9",
    title="Ask the comparison",
    difficulty=1,
    minutes=8,
    signature="reading()",
    cases=(
        Case(
            name="what the comparison shows",
            points=1,
            expected=lambda: _seen(),
            absolute=0.01,
            hint="'agreement': the rank correlation of LIME and the Shapley values; 'apart': the token whose rank"
            " differs most between these two; 'signs': how many tokens have another sign by the Shapley values than by"
            " leave-one-out.",
        ),
    ),
    mistakes=(
        Mistake(
            name="leave-one-out-for-lime",
            hint="'agreement' and 'apart' are those of leave-one-out and the Shapley values. Compare LIME with them.",
            answer=lambda: _seen(one="leave_one_out"),
        ),
        Mistake(
            name="shapley-left-out",
            hint="'agreement' and 'apart' are those of LIME and leave-one-out. Compare LIME with the Shapley values.",
            answer=lambda: _seen(one="leave_one_out", other="lime"),
        ),
        Mistake(
            name="no-foil",
            hint="This is the comparison without a foil: ·Canberra alone, not ·Canberra rather than ·Sydney.",
            answer=lambda: _seen(foil=None),
        ),
    ),
    hints=(
        "`comparison.agreement` has a row and a column for each method, in the order of `comparison.methods`.",
        "`comparison['lime'].scores` are the scores of one method; `scipy.stats.rankdata(-scores)` their ranks.",
    ),
    seconds=60.0,
)
