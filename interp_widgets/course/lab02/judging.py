"""Exercises 8 and 10: curves that judge an order of tokens, and a choice from a table of what was measured.

References: one changed prompt after the other and numpy's trapezoid (exercise 8); a rule that asks of each method
whether another one takes its place (exercise 10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab02.games import Dividends
from interp_widgets.course.lab02.inputs import any_game

CONTROL, NOTHING = "shuffled", "none"

# Exercise 8


def _scored(rng: np.random.Generator) -> Arguments:
    n = 5
    return any_game(rng, n), torch.as_tensor(rng.normal(size=n))


def _curves(v: Dividends, order: list[int], *, one_by_one: bool = False) -> dict[str, Any]:
    """order: the token that goes first, the second, ..."""
    everything = list(range(v.n))
    deletion = []
    for k in range(v.n + 1):
        gone = order[max(k - 1, 0) : k] if one_by_one else order[:k]
        deletion.append(float(v.kept_of([i for i in everything if i not in gone])[0]))
    insertion = [float(v.kept_of(order[:k])[0]) for k in range(v.n + 1)]
    between = float(np.trapezoid(np.asarray(insertion) - np.asarray(deletion), dx=1 / v.n))
    return {
        "deletion": torch.tensor(deletion, dtype=torch.float64),
        "insertion": torch.tensor(insertion, dtype=torch.float64),
        "between": between,
    }


def _by_score(v: Dividends, scores: Tensor) -> list[int]:
    order: list[int] = scores.argsort(descending=True).tolist()
    return order


def _judged(v: Dividends, scores: Tensor) -> dict[str, Any]:
    return _curves(v, _by_score(v, scores))


def _between_times(v: Dividends, scores: Tensor, factor: float) -> dict[str, Any]:
    curves = _judged(v, scores)
    return {**curves, "between": curves["between"] * factor}


def _exchanged(v: Dividends, scores: Tensor) -> dict[str, Any]:
    curves = _judged(v, scores)
    return {"deletion": curves["insertion"], "insertion": curves["deletion"], "between": -curves["between"]}


CURVES = Exercise(
    id="lab02-q8",
    title="Deletion and insertion",
    difficulty=2,
    minutes=20,
    signature="curves(v, scores)",
    cases=(
        Case(
            name="five tokens, every set with a value of its own",
            points=3,
            arguments=_scored,
            expected=_judged,
            hint="Entry k of deletion: v without the k highest; entry k of insertion: v of the k highest alone;"
            " between: the area under insertion less that under deletion, over the share of tokens from 0 to 1.",
        ),
    ),
    mistakes=(
        Mistake(
            name="ascending",
            hint="The lowest tokens go first here. The highest score goes first, in both curves.",
            answer=lambda v, scores: _curves(v, scores.argsort().tolist()),
        ),
        Mistake(
            name="by-magnitude",
            hint="Tokens were ordered by the size of their scores. A token against the answer goes last: order by the"
            " score with its sign.",
            answer=lambda v, scores: _curves(v, scores.abs().argsort(descending=True).tolist()),
        ),
        Mistake(
            name="exchanged",
            hint="The two curves are exchanged: deletion starts at the whole prompt, insertion at nothing.",
            answer=_exchanged,
        ),
        Mistake(
            name="one-by-one",
            hint="Each token was put back before the next was deleted. The k highest are gone together.",
            answer=lambda v, scores: _curves(v, _by_score(v, scores), one_by_one=True),
        ),
        Mistake(
            name="not-normalised",
            hint="The area grows with the number of tokens here: the axis goes from 0 to 1, so a step is 1 / n wide.",
            answer=lambda v, scores: _between_times(v, scores, v.n),
        ),
        Mistake(
            name="mean-of-points",
            hint="The mean over n + 1 points was taken. An area over n steps: the ends count half (`torch.trapezoid`).",
            answer=lambda v, scores: _between_times(v, scores, v.n / (v.n + 1)),
        ),
        Mistake(
            name="wrong-sign",
            hint="The area has the wrong sign: insertion less deletion, so that a good order gives a large number.",
            answer=lambda v, scores: _between_times(v, scores, -1.0),
        ),
    ),
    hints=(
        "`order = scores.argsort(descending=True)`. Start from `kept = torch.ones(n + 1, n, dtype=torch.bool)` and set"
        " row k to False at `order[:k]`.",
        "For insertion the rows are exactly the other way round: `v(~kept)`.",
        "`torch.trapezoid(insertion - deletion, dx=1 / n)`.",
    ),
)

# Exercise 10

Table = list[dict[str, Any]]


def _entry(method: str, quality: float, half: float, seconds: float) -> dict[str, Any]:
    return {"method": method, "quality": quality, "low": quality - half, "high": quality + half, "seconds": seconds}


def _table(rng: np.random.Generator, kind: str) -> Arguments:
    """Six methods around a budget: a control, one no better than it, one too dear, the best that can be paid, one as
    good as that and cheaper, and a cheap one that is worse."""
    budget, top = float(rng.uniform(5, 20)), float(rng.uniform(6, 9))
    *names, dear = (str(name) for name in rng.permutation(["amber", "birch", "cedar", "dahlia", "elder"]))
    table = [
        _entry(CONTROL, 0.1, 0.6, 0.0),
        _entry(names[0], 0.5, 0.4, 0.01 * budget),
        _entry(dear, top + 3, 0.3, 3 * budget),
        _entry(names[1], top, 1.0, 0.8 * budget if kind == "close" else budget),
        _entry(names[2], top - (0.7 if kind == "close" else 2.0), 0.4, 0.4 * budget),
        _entry(names[3], top - 4, 0.3, 0.1 * budget),
    ]
    if kind == "nothing":
        table = [table[0], table[1], table[2]]
    return [table[int(i)] for i in rng.permutation(len(table))], budget


def _choice(
    table: Table,
    budget: float,
    *,
    payable: Callable[[float, float], bool] = lambda seconds, budget: seconds <= budget,
    control: bool = True,
    bar_from_all: bool = False,
    bar: Callable[[dict[str, Any]], float] = lambda best: float(best["low"]),
) -> str:
    """The name that is left when every other one is out: too dear, no better than the control, below the bar, or as
    good as a cheaper one."""
    chance = max(row["high"] for row in table if row["method"] == CONTROL)

    def out_of_question(row: dict[str, Any]) -> bool:
        return row["method"] == CONTROL or (control and row["low"] <= chance)

    allowed = [row for row in table if not out_of_question(row)]
    paid = [row for row in allowed if payable(row["seconds"], budget)]
    rivals = allowed if bar_from_all else paid
    bars = [bar(one) for one in rivals if not any(other["quality"] > one["quality"] for other in rivals)]
    left = [row for row in paid if all(row["quality"] >= least for least in bars)]
    names = [row["method"] for row in left if not any(other["seconds"] < row["seconds"] for other in left)]
    return names[0] if names else NOTHING


def pick(table: Table, budget: float) -> str:
    """The method to choose for a budget in seconds, or "none"."""
    return _choice(table, budget)


CHOICE = Exercise(
    id="lab02-q10",
    title="Choose a method",
    difficulty=2,
    minutes=15,
    signature="choose(table, budget)",
    partial=False,
    cases=(
        Case(
            name="two that are equally good within the interval, one of them cheaper",
            points=1,
            arguments=lambda rng: _table(rng, "close"),
            expected=_choice,
            hint="Leave out the control, what is too dear, and what the control could match; then the cheapest of those"
            " whose quality is at least the low end of the best one's interval.",
        ),
        Case(
            name="one that is clearly best, and takes all of the budget",
            points=0.5,
            arguments=lambda rng: _table(rng, "clear"),
            expected=_choice,
            hint="Cheaper ones count only if their quality reaches the low end of the best one's interval.",
        ),
        Case(
            name="nothing that can be paid beats the control",
            points=0.5,
            arguments=lambda rng: _table(rng, "nothing"),
            expected=_choice,
            hint='Then there is nothing to choose, and the answer is the text "none".',
        ),
    ),
    mistakes=(
        Mistake(
            name="no-budget",
            hint="A method that takes longer than the budget was let in.",
            answer=lambda table, budget: _choice(table, budget, payable=lambda seconds, budget: True),
        ),
        Mistake(
            name="always-best",
            hint="The best one was taken though a cheaper one is as good, as far as the interval can tell.",
            answer=lambda table, budget: _choice(table, budget, bar=lambda best: float(best["quality"])),
        ),
        Mistake(
            name="always-cheapest",
            hint="The cheapest was taken, whatever it is worth.",
            answer=lambda table, budget: _choice(table, budget, bar=lambda best: -np.inf),
        ),
        Mistake(
            name="no-control",
            hint="What the shuffled scores could match was let in: its interval begins below the end of theirs.",
            answer=lambda table, budget: _choice(table, budget, control=False),
        ),
        Mistake(
            name="bar-too-dear",
            hint="The bar was set by a method that is over the budget. Leave those out first.",
            answer=lambda table, budget: _choice(table, budget, bar_from_all=True),
        ),
        Mistake(
            name="not-just-enough",
            hint="A method that takes exactly the budget was left out: compare with ≤.",
            answer=lambda table, budget: _choice(table, budget, payable=lambda seconds, budget: seconds < budget),
        ),
    ),
    hints=(
        "`{row['method']: row for row in table}` finds the control, 'shuffled', and its 'high'.",
        "First the list of rows that are allowed; then `best = max(allowed, key=lambda row: row['quality'])`.",
        "`min(..., key=lambda row: row['seconds'])` of those with quality ≥ best['low'].",
    ),
)
