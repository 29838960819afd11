"""Text that the model itself writes, for key statistics of what it is used to where no other text is at hand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.editing.keys_values.contexts import STARTERS
from interp_widgets.errors import ArgumentError
from interp_widgets.models.cache import cache_dir
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.kept import Kept
from interp_widgets.results.bar import Bar, Progress

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

KIND, VERSION = "own samples", 1
_LENGTH = 64  # tokens of a text
_TEXTS = 30  # of a batch


def own_samples(
    lm: LanguageModel,
    *,
    tokens: int | None = None,
    seed: int = 0,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
) -> tuple[str, ...]:
    """Texts sampled from the model without interventions at temperature 1, for `iw.edit(..., texts=...)` and
    `key_statistics`.  They are kept in the user's cache.

    tokens: about how many; by default ten for each entry of a key, which leaves no direction unseen
    """
    wanted = 10 * lm.architecture.mlp_width if tokens is None else tokens
    if wanted < 1:
        raise ArgumentError(f"tokens={tokens}: at least 1")
    kept = Kept.within(cache_dir() / "own_samples", KIND, VERSION, [lm.fingerprint, wanted, seed, VERSION])
    known = kept.find(lambda about, _: tuple(str(one) for one in about["texts"]))
    if known is not None:
        return known
    length = min(_LENGTH, lm.architecture.context_length // 2)
    found: list[str] = []
    written = 0
    with Bar(progress) as bar, lm.run(snapshot=Snapshot((), lm.architecture), cancel=cancel):
        while written < wanted:
            starts = [STARTERS[i % len(STARTERS)] for i in range(_TEXTS)]
            batch = generate_batch(
                lm, starts, max_new_tokens=length, temperature=1.0, seed=_mix(seed, len(found)), cancel=cancel
            )
            found += [start + text for start, text in zip(starts, batch.texts, strict=True)]
            written += sum(len(ids) + 1 for ids in batch.ids)
            bar.advance(min(written, wanted), wanted, "the model's own text")
    kept.write({"texts": found}, {"seed": np.asarray([seed])})
    return tuple(found)


def _mix(seed: int, number: int) -> int:
    """A seed for each batch."""
    return seed * 1_000_003 + number
