"""Activations of one neuron on every token of some texts, computed when somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.locate.neuron_reading import Corpus, read, site_of
from interp_widgets.models.prompts import decode
from interp_widgets.models.spelling import spell_bytes

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_result import NeuronResult
    from interp_widgets.models.language_model import LanguageModel

Fields = dict[str, Any]  # of a NeuronResult


def contexts_of(
    lm: LanguageModel,
    result: NeuronResult,
    neuron: int,
    best: Sequence[str],
    tried: Sequence[str],
    cancel: threading.Event | None = None,
) -> Fields:
    """The result's fields `context_...` for the texts in `best` and `tried`, in one pass where they fit; and `words`
    with those of these texts.

    Raises ArgumentError where other interventions are active than when the result was made: these activations would not
    belong to its peaks.
    """
    texts = [*best, *tried]
    if not texts:
        return no_contexts()
    if tried:
        Corpus.of(lm, tried, "text")
    corpus = Corpus.of(lm, texts)
    found: dict[int, NDArray[np.float32]] = {}

    def take(chosen: list[int], activations: Tensor, counted: Tensor) -> None:
        rows = activations[..., 0].cpu().numpy()
        found.update({text: row[: len(corpus.ids[text])].copy() for text, row in zip(chosen, rows, strict=True)})

    site = site_of(result.layer)
    with torch.no_grad(), lm.run(cancel=cancel, capture=[site], until=result.layer) as run:
        run.check()
        if run.snapshot.names != result.provenance.interventions:
            was, now = (", ".join(names) or "none" for names in (result.provenance.interventions, run.snapshot.names))
            raise ArgumentError(
                f"the texts were read with these interventions active: {was}; now: {now}. Switch them as they were, or"
                " call iw.max_activating again"
            )
        read(lm, run, corpus, result.layer, neuron, take)
    fields = context_fields(corpus, range(len(texts)), found)
    return {**fields, "words": {**result.words, **words_of(lm, fields["context_ids"])}}


def context_fields(corpus: Corpus, chosen: Sequence[int], found: dict[int, NDArray[np.float32]]) -> Fields:
    """Tokens of the chosen texts one after the other; activations are nan where a token does not count."""
    rows = [np.where(corpus.counted[i], found[i], np.nan) for i in chosen]
    empty = no_contexts()
    return {
        "context_lengths": np.asarray([len(row) for row in rows], np.int64),
        "context_ids": np.concatenate([empty["context_ids"], *(corpus.ids[i] for i in chosen)]),
        "context_spans": np.concatenate([empty["context_spans"], *(corpus.spans[i] for i in chosen)]),
        "context_activations": np.concatenate([empty["context_activations"], *rows]).astype(np.float32),
    }


def words_of(lm: LanguageModel, *ids: NDArray[np.int64]) -> dict[int, str]:
    """Text of each token alone."""
    found = np.unique(np.concatenate([one.ravel() for one in ids])).tolist()
    return {i: spell_bytes(lm.tokenizer, i, decode(lm.tokenizer, [i])) for i in found}


def no_contexts() -> Fields:
    return {
        "context_lengths": np.zeros(0, np.int64),
        "context_ids": np.zeros(0, np.int64),
        "context_spans": np.zeros((0, 2), np.int64),
        "context_activations": np.zeros(0, np.float32),
    }
