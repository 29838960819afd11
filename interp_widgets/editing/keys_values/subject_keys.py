"""What goes into and comes out of the edited layers at the subject's last token, for many facts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.editing.keys_values.contexts import Row
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
    counts = [sum(not row.watches for row in fact) - 1 for fact in texts]
    plain = [place for place, (_, number, _) in enumerate(rows) if number == 0]  # in the order of the facts
    key = Site("mlp_key", layer)
    others = [Site("mlp_value", layer), Site("mlp_out", layer), Site("resid_post", top)]
    found = at_subjects(lm, [row for *_, row in rows], [key, *others], top)
    keys = np.zeros((len(texts), lm.architecture.mlp_width))
    for (fact, number, _), one in zip(rows, found[key], strict=True):
        share = 0.5 if counts[fact] else 1.0
        keys[fact] += one * (share if number == 0 else 0.5 / counts[fact])
    return Subjects(keys, *(found[site][plain] for site in others))


def at_subjects(lm: LanguageModel, rows: Sequence[Row], sites: Sequence[Site], until: int) -> dict[Site, Floats]:
    """What each of the sites, up to layer `until`, holds at each row's subject: float64, (rows, size). Inside a run,
    whose changes act; rows of like length share a pass."""
    order = sorted(range(len(rows)), key=lambda i: rows[i].subject)
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    parts: dict[Site, list[Floats]] = {site: [] for site in sites}
    with torch.no_grad(), lm.run(capture=sites, until=until) as run:

        def work(start: int, stop: int) -> None:
            some = [rows[i] for i in order[start:stop]]
            ids, _ = padded([row.ids[: row.subject + 1] for row in some])
            lm.hidden(ids)
            at = [row.subject for row in some]
            for site in sites:
                parts[site].append(run.captured.pop(site)[range(len(some)), at].double().cpu().numpy())

        in_batches(len(rows), max(tokens // (rows[order[-1]].subject + 1), 1), work)
    back = np.argsort(order)
    return {site: np.concatenate(part)[back] for site, part in parts.items()}
