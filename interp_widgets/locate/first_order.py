"""Attribution patching: what a first-order Taylor expansion predicts for every patch at once.

Two forward passes and one backward pass: (source - base) times the gradient of the metric at the base run (Nanda 2023;
Syed, Rager & Conmy 2023).  With several points the gradient is averaged over runs whose embeddings lie between the two
prompts' (Hanna, Pezzelle & Belinkov 2024), which mends some of what a single point misses where the metric saturates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interp_widgets.models.architectures import Site

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.models.question import Question


def gradients(
    lm: LanguageModel,
    question: Question,
    base: Sequence[Tensor],
    other: Sequence[Tensor],
    sites: Sequence[Site],
    read: slice,
    points: int,
) -> dict[Site, list[Tensor]]:
    """The metric's gradient at each site, mean over the points; (1, tokens, width) for each of the question's tails.

    base, other: embeddings of the two runs, for each tail; `other` is looked at only where points > 1
    """
    total: dict[Site, list[Tensor]] = {}
    for point in range(points):
        # Midpoints of equal parts; a single point is the base run itself, the plain expansion.
        share = (point + 0.5) / points if points > 1 else 0.0
        states, captured = [], []
        with torch.enable_grad():
            for one, two in zip(base, other, strict=True):
                embeds = (one + share * (two - one) if share else one).detach().requires_grad_(True)
                with lm.run(capture=sites) as run:
                    states.append(lm.hidden(embeds=embeds)[:, read])
                    captured.append([run.captured[site] for site in sites])
            metric = question.read(states).sum()
            found = torch.autograd.grad(metric, [activation for each in captured for activation in each])
        for number, gradient in enumerate(found):
            tail, at = divmod(number, len(sites))
            kept = total.setdefault(sites[at], [])
            if tail == len(kept):
                kept.append(torch.zeros_like(gradient))
            kept[tail] += gradient / points
    return total
