"""How a vector reads texts: a score for each token, from the states of a model that nothing steers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.models.architectures import Site
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.steering.vector import ControlVector

Floats = NDArray[np.float64]
_TOKENS = 2_048  # of a pass


def token_scores(
    lm: LanguageModel, vector: ControlVector, prompts: Sequence[Prompt], *, layer: int | None = None
) -> list[Floats]:
    """For each prompt the scores (tokens,) of its tokens after a layer (the vector's best by default): 0 is the middle
    of the fitting pairs, +1 the mean of the positives, -1 of the negatives.

    The first token of a text is an attention sink, far outside that scale: its score is 0. What is active counts: to
    read with the unsteered model, call it outside the steering block.
    """
    layer = vector.best_layer if layer is None else lm.architecture.check_layer(layer)
    texts = [lm.encode(prompt).ids for prompt in prompts]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found: list[Floats] = [np.empty(0)] * len(texts)
    site = Site("resid_post", layer)
    with torch.no_grad(), lm.run(capture=[site]) as run:

        def work(start: int, end: int) -> None:
            chosen = order[start:end]
            lm.hidden(padded([texts[i] for i in chosen])[0])
            states = run.captured.pop(site).float().cpu().numpy()
            for row, i in enumerate(chosen):
                scores = vector.scores(states[row, : len(texts[i])], layer)
                scores[0] = 0.0
                found[i] = scores

        in_batches(len(texts), max(_TOKENS // max(map(len, texts)), 1), work)
    return found
