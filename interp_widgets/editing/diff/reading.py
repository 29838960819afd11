"""What a model writes after prompts, greedily, and how probable it holds it; all prompts in few passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.editing.diff.result import Spoken
from interp_widgets.errors import NonFiniteError
from interp_widgets.models.continued import continued
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_TOKENS = 512  # of a pass
Advance = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Told:
    """spoken: the continuation; next: float32, (vocabulary,), probabilities of the token after the prompt"""

    spoken: Spoken
    next: NDArray[np.float32]


def write(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    cancel: threading.Event | None = None,
    advance: Advance | None = None,
) -> tuple[list[Told], int]:
    """Greedy continuations under what is active now, and the forward passes that they took.

    Raises what `lm.generate` raises, NonFiniteError.
    """
    written = generate_batch(lm, prompts, max_new_tokens=max_new_tokens, cancel=cancel, advance=advance)
    given = [lm.encode(prompt).ids for prompt in prompts]
    rows = [np.concatenate([own, np.asarray(ids, np.int64)]) for own, ids in zip(given, written.ids, strict=True)]
    found: list[Told] = []
    # One row at a time: probabilities of a whole vocabulary for each token of many rows are large.
    for own, ids, row in zip(given, written.ids, rows, strict=True):
        with torch.no_grad(), lm.run(cancel=cancel, prompt_length=len(own)) as run:
            run.check()
            logits = lm.head(lm.hidden(torch.as_tensor(row)[None])[0, len(own) - 1 :]).float()
        probabilities = logits.softmax(-1).cpu()
        if not torch.isfinite(probabilities).all():
            raise NonFiniteError("the model's probabilities are not finite; the edit may be too strong")
        said = tuple(float(probabilities[i, token]) for i, token in enumerate(ids))
        text = continued(lm, ids)
        found.append(Told(Spoken(text.text, text.tokens, ids, text.spans, said), probabilities[0].numpy()))
    return found, written.forward_passes + len(rows)


def first_choices(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    batch_size: int | None = None,
    cancel: threading.Event | None = None,
    advance: Advance | None = None,
) -> list[tuple[int, float]]:
    """The most probable next token of each prompt under what is active now: id and probability."""
    rows = [lm.encode(prompt).ids for prompt in prompts]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: list[tuple[int, float]] = [(0, 0.0)] * len(rows)
    longest = max(map(len, rows), default=1)
    with torch.no_grad():

        def work(start: int, end: int) -> None:
            chosen = order[start:end]
            ids, lengths = padded([rows[i] for i in chosen])
            with lm.run(cancel=cancel, prompt_length=lengths):
                hidden = lm.hidden(ids)
                last = hidden[torch.arange(len(chosen), device=hidden.device), lengths.to(hidden.device) - 1]
                best = lm.head(last).float().softmax(-1).max(-1)
            if not torch.isfinite(best.values).all():
                raise NonFiniteError("the model's probabilities are not finite; the edit may be too strong")
            for i, token, p in zip(chosen, best.indices.tolist(), best.values.tolist(), strict=True):
                found[i] = int(token), float(p)
            if advance is not None:
                advance(end, len(rows), "first choices")

        in_batches(len(rows), batch_size or max(_TOKENS // longest, 1), work)
    return found
