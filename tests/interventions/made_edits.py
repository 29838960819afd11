"""Changes of weights as editors make them, on tiny models."""

from __future__ import annotations

import torch

import interp_widgets as iw
from interp_widgets.editing.edit import Edit
from interp_widgets.models.language_model import LanguageModel

FACT = iw.Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney")


def many_facts(lm: LanguageModel, *, ranks: tuple[int, ...] = (20, 20, 20), facts: int = 100) -> Edit:
    """A change of low rank at each layer, as MEMIT makes it of many facts, in float64 with factors of unlike size."""
    a, draw = lm.architecture, torch.Generator().manual_seed(1)
    parts = [
        iw.LowRank(
            torch.randn(a.width, rank, generator=draw, dtype=torch.float64) * 3,
            torch.randn(rank, a.mlp_width, generator=draw, dtype=torch.float64) * 0.02,
            layer=layer,
        )
        for layer, rank in enumerate(ranks)
    ]
    chosen = [iw.Fact("{} is", subject=f"number {i}", target=f" {i + 1}") for i in range(facts - 1)]
    return Edit(parts, facts=[FACT, *chosen], method="memit", fingerprint=lm.fingerprint)
