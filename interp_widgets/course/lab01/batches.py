"""Exercise 5: the same integral when the points do not fit into memory at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.compare import Miss
from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab01.functions import Cubic, Known, midpoint_cubic, midpoints
from interp_widgets.course.lab01.inputs import Maker, quadratic, random_numbers


def _batched(steps: int, batch: int) -> Maker:
    def arguments(rng: np.random.Generator) -> Arguments:
        f = Cubic((3,), random_numbers(rng, 3))
        return f, random_numbers(rng, 3), random_numbers(rng, 3), steps, batch

    return arguments


def _table(rng: np.random.Generator) -> Arguments:
    shape = (2, 3)
    return quadratic(rng, shape), random_numbers(rng, *shape), random_numbers(rng, *shape), 12, 4


def _in_order(value: object, f: Known, x: Tensor, baseline: Tensor, steps: int, batch: int) -> None:
    """Raises Miss if some call was larger than allowed, or the points were not `steps`."""
    if f.calls and max(f.calls) > batch:
        raise Miss(
            "it gave f more rows at once than `batch`",
            expected=f"at most {batch} rows a call",
            given=f"calls with {', '.join(map(str, f.calls))} rows",
            mistake="all-at-once",
        )
    if sum(f.calls) != steps:
        raise Miss(
            "it evaluated points more than once, or not at all",
            expected=f"{steps} rows in all",
            given=f"calls with {', '.join(map(str, f.calls))} rows",
            mistake="evaluated-again",
        )


def _batches(steps: int, batch: int) -> list[Tensor]:
    return list(midpoints(steps).split(batch))


def _mean_of_means(f: Known, x: Tensor, baseline: Tensor, steps: int, batch: int) -> Tensor:
    means = [f.along(x, baseline, alphas).mean(0) for alphas in _batches(steps, batch)]
    return (x - baseline) * torch.stack(means).mean(0)


def _full_batches(f: Known, x: Tensor, baseline: Tensor, steps: int, batch: int) -> Tensor:
    kept = midpoints(steps)[: steps - steps % batch]
    if not len(kept):
        return torch.zeros_like(x)
    return (x - baseline) * f.along(x, baseline, kept).sum(0) / steps


BATCHES = Exercise(
    id="lab01-q5",
    title="The internal batch",
    difficulty=2,
    minutes=15,
    signature="integrated_gradients_in_batches(f, x, baseline, steps, batch)",
    cases=(
        Case(
            name="17 steps, 5 at a time: the last batch is smaller",
            points=2,
            arguments=_batched(17, 5),
            expected=lambda f, x, baseline, steps, batch: midpoint_cubic(f, x, baseline, steps),
            judge=_in_order,
            hint="Each point counts the same: add the gradients up, and divide by `steps` once at the end.",
        ),
        Case(
            name="12 steps, 4 at a time, x of the shape (2, 3)",
            points=1,
            arguments=_table,
            expected=lambda f, x, baseline, steps, batch: (x - baseline) * f.gradient((x + baseline) / 2),
            judge=_in_order,
            hint="The result is that of exercise 2; only the memory needed is smaller.",
        ),
        Case(
            name="3 steps, batches of 8: one call is enough",
            points=0,
            arguments=_batched(3, 8),
            expected=lambda f, x, baseline, steps, batch: midpoint_cubic(f, x, baseline, steps),
            judge=_in_order,
            hint="A batch may be larger than the number of steps.",
        ),
    ),
    mistakes=(
        Mistake(
            name="all-at-once",
            hint="All points went through f in one call; on a real model that is what does not fit into memory."
            " Split the"
            " points: `for part in points.split(batch)`.",
        ),
        Mistake(
            name="evaluated-again",
            hint="The scores are right, and f got more rows than there are points. Evaluate each point once.",
        ),
        Mistake(
            name="mean-of-means",
            hint="This is the mean of the batches' means: the points of the small last batch then weigh more than the"
            " others. Add up, and divide once.",
            answer=_mean_of_means,
        ),
        Mistake(
            name="last-batch-dropped",
            hint="The last batch, which is not full, is missing.",
            answer=_full_batches,
        ),
        Mistake(
            name="sum-not-mean",
            hint="The sum of the gradients was not divided by the number of steps.",
            answer=lambda f, x, baseline, steps, batch: (x - baseline) * f.along(x, baseline, midpoints(steps)).sum(0),
        ),
    ),
    hints=(
        "Make all points first (they are small); call f on parts of them: `for part in points.split(batch)`.",
        "Keep a running sum of `part_gradients.sum(0)`, of the shape of x.",
        "At the end: `(x - baseline) * total / steps`.",
    ),
)
