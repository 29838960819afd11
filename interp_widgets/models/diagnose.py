"""Where numbers stop being finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from interp_widgets.errors import NonFiniteError
from interp_widgets.models.architectures import Site

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def require_finite(lm: LanguageModel, ids: Tensor, values: Tensor) -> None:
    """Raise NonFiniteError, naming the first layer that gives NaN or infinity for `ids`, if `values` has any."""
    if torch.isfinite(values).all():
        return
    sites = [Site("embedding"), *(Site("resid_post", layer) for layer in range(lm.architecture.n_layers))]
    with torch.no_grad(), lm.run(capture=sites) as run:
        lm.hidden(ids)
        first = next((site for site in sites if not torch.isfinite(run.captured[site]).all()), None)
    where = f"first at {first}" if first is not None else "though every layer's output is"
    active = ", ".join(lm.ledger.active_names())
    remedy = (
        f"Active interventions: {active}; weaken or switch them off."
        if active
        else f"No intervention is active; in {lm.dtype} try dtype='float32'."
    )
    raise NonFiniteError(f"{lm.name} gives numbers that are not finite for this prompt, {where}. {remedy}")
