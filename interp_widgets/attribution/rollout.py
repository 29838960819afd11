"""Attention rollout (Abnar and Zuidema 2020, equation 1): where the model looks, for contrast with what drives it.

    R = A_L ... A_2 A_1,   A_l = (mean over heads of the weights + identity) / 2

score_i = R[last, i].  It knows neither target nor sign, so its scores are shares that sum to 1.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.models.attention import attention_weights
from interp_widgets.models.question import Question


def rollout(weights: Tensor) -> NDArray[np.float64]:
    """(layers, heads, tokens, tokens) -> (tokens, tokens): how much of each token's state comes from each token."""
    mean = weights.cpu().double().mean(1)
    mixed = (mean + torch.eye(mean.shape[-1], dtype=torch.float64)) / 2
    together = mixed[0]
    for layer in mixed[1:]:
        together = layer @ together
    return together.numpy()


def _run(question: Question, work: Work) -> Scores:
    weights, switched = attention_weights(question.lm, torch.as_tensor(question.prompt.ids)[None])
    notes = ("attention was computed in its plain form for this call",) if switched else ()
    return Scores(rollout(weights)[-1], forward_passes=1, notes=notes)


ROLLOUT = register(
    Method(
        name="attention_rollout",
        label="attention rollout",
        settings=(),
        cost="1 forward",
        promises="where the model looks; not what drives the answer, and the same for every target",
        source="Abnar and Zuidema 2020, equation 1",
        passes=lambda units, settings: 1,
        run=_run,
    )
)
