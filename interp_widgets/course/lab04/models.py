"""What the tiny model says when states of another run are put into it: the package's own account.

Copies for the cases are in `course.tiny_copies`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from interp_widgets.course.tiny_model import tiny_lm
from interp_widgets.models.architectures import Site
from interp_widgets.models.resume import Pass, Patch, resume


def logits_with(ids: Tensor, source: Tensor, sites: Sequence[Site], positions: Sequence[int]) -> Tensor:
    """(vocabulary,): the tiny model's logits after `ids` with what `source` has at these sites and positions put in."""
    lm = tiny_lm()
    with torch.no_grad(), lm.run():
        into = Pass(lm, lm.embed(ids))
        clean = Pass(lm, lm.embed(source), capture=sites)
        cell = [
            Patch(site.kind, layer, list(positions), clean.captured[site][:, list(positions)])
            for site in sites
            if (layer := site.layer) is not None
        ]
        found: list[Tensor] = []
        resume(into, [cell], slice(ids.shape[1] - 1, None), lambda numbers, states: found.append(states))
        logits: Tensor = lm.head(found[0])[0, 0, 0]
    return logits


def logits_of(ids: Tensor) -> Tensor:
    """(vocabulary,): the tiny model's logits after `ids`, unchanged."""
    lm = tiny_lm()
    with torch.no_grad():
        logits: Tensor = lm.head(lm.hidden(ids))[0, -1]
    return logits
