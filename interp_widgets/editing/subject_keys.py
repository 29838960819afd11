"""What goes into and comes out of the edited layers at the subject's last token, for many facts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.editing.contexts import Row
from interp_widgets.models.architectures import Site
from interp_widgets.models.memory import in_batches
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
_CPU_TOKENS, _GPU_TOKENS = 1024, 16_384  # of a pass


@dataclass(frozen=True, eq=False)
class Subjects:
    """keys: float64, (facts, keys), of one layer; the rest at the plain prompt, float64, (facts, width):
    values, outs: what the layer's down-projection puts out, and what the MLP adds to the residual stream: the same,
        unless there is a norm between them; ends: the residual stream after another layer"""

    keys: Floats
    values: Floats
    outs: Floats
    ends: Floats


def subject_keys(lm: LanguageModel, texts: Sequence[Sequence[Row]], layer: int, top: int) -> Subjects:
    """Read the keys of `layer` and the states after `top`; inside a run, whose changes act.

    texts: each fact's rows, the plain prompt first. A key is the mean over the plain prompt and the mean of the other
    texts, so that the plain prompt has half the weight, as in MEMIT's code.
    """
    rows = [(i, number, row) for i, fact in enumerate(texts) for number, row in enumerate(fact) if not row.watches]
    rows.sort(key=lambda one: one[2].subject)
    counts = [sum(not row.watches for row in fact) - 1 for fact in texts]
    a = lm.architecture
    keys = np.zeros((len(texts), a.mlp_width))
    key = Site("mlp_key", layer)
    plain = [Site("mlp_value", layer), Site("mlp_out", layer), Site("resid_post", top)]
    states = np.zeros((len(plain), len(texts), a.width))
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    longest = rows[-1][2].subject + 1
    with torch.no_grad(), lm.run(capture=[key, *plain], until=top) as run:

        def work(start: int, stop: int) -> None:
            part = rows[start:stop]
            ids, _ = padded([row.ids[: row.subject + 1] for *_, row in part])
            lm.hidden(ids)
            each, at = torch.arange(len(part)), torch.tensor([row.subject for *_, row in part])
            found = run.captured.pop(key)[each, at].double().cpu().numpy()
            for (fact, number, _), one in zip(part, found, strict=True):
                share = 0.5 if counts[fact] else 1.0
                keys[fact] += one * (share if number == 0 else 0.5 / counts[fact])
            bare = [i for i, (_, number, _) in enumerate(part) if number == 0]
            for one, site in zip(states, plain, strict=True):
                one[[part[i][0] for i in bare]] = run.captured[site][each, at][bare].double().cpu().numpy()

        in_batches(len(rows), max(tokens // longest, 1), work)
    return Subjects(keys, *states)
