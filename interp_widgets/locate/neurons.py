"""`iw.max_activating`: the texts on which a neuron, or every neuron of a layer, is most active.

Texts go through the model once.  Of each text the largest activation counts, so that one text is one entry; what is
kept while they go by is the best k texts of every neuron and figures over all tokens (see `neuron_tally`), never the
activations of all neurons on all tokens.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import Cancelled
from interp_widgets.locate.neuron_contexts import context_fields, words_of
from interp_widgets.locate.neuron_reading import Corpus, check_sign, check_whole, passes, read, reading_cost, site_of
from interp_widgets.locate.neuron_result import NeuronResult
from interp_widgets.locate.neuron_tally import Best, Tally
from interp_widgets.locate.neuron_weights import strongest
from interp_widgets.models.reference_text import corpus_hash
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

TOKENS = 10  # promoted and demoted tokens that are kept


def max_activating(
    lm: LanguageModel,
    texts: Sequence[str],
    *,
    layer: int,
    neuron: int | None = None,
    k: int = 20,
    sign: str = "positive",
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> NeuronResult:
    """The k texts with the largest activation of a neuron, where in the text it peaks, and figures over all tokens.

    A neuron is an entry of the MLP's key, the input of the down-projection. Special tokens that the tokenizer adds do
    not count; the first token of a text does, also where no BOS stands before it: it is then an attention sink, on
    which some neurons peak in every text, and the result says how many of the peaks stand there.

    Parameters
    ----------
    texts: strings; each is read by itself. The package brings some: `interp_widgets.models.reference_text.sentences()`
    layer, neuron: from 0, negative ones count from the end; without a neuron all of the layer
    k: texts kept for each neuron; all of them where there are fewer
    sign: "positive", or "negative" for the texts with the most negative activation (gated MLPs use both)
    seed: of no effect; nothing is drawn
    batch_size: texts of one pass at most; by default as many as make 512 tokens (more on a GPU)
    progress, cancel, confirm: as in `iw.attribute`

    Returns
    -------
    NeuronResult: arrays (neurons, k)

    Raises
    ------
    ArgumentError, EmptyPromptError, PromptTooLongError (the text by its index), OutOfRangeError, NonFiniteError,
    MemoryExhaustedError, Cancelled
    """
    layer, wanted = _places(lm, layer, neuron)
    direction = check_sign(sign)
    check_whole("k", k)
    if batch_size is not None:
        check_whole("batch_size", batch_size)
    corpus = Corpus.of(lm, texts)
    if callable(confirm) and not confirm(reading_cost(lm, corpus, layer, len(wanted), batch_size, head=True)):
        raise Cancelled("not confirmed; nothing was computed")
    began = time.perf_counter()
    one = wanted[0] if neuron is not None else None
    n, kept = len(wanted), min(k, len(corpus))
    best, tally = Best.none(n, kept, lm.device), Tally.none(n, lm.device)
    whole: dict[int, NDArray[np.float32]] = {}  # activations of one neuron on each text

    def take(chosen: list[int], found: Tensor, counted: Tensor) -> None:
        nonlocal best, tally
        if found.device != tally.mean.device:  # a layer of a model that is spread over several devices
            found, counted = found.to(tally.mean.device), counted.to(tally.mean.device)
        better = best.with_texts(chosen, found * direction, counted)
        more = tally.with_tokens(found[counted], direction)
        if one is not None:
            rows = found[..., 0].cpu().numpy()
            whole.update({text: row[: len(corpus.ids[text])].copy() for text, row in zip(chosen, rows, strict=True)})
        best, tally = better, more

    with torch.no_grad(), lm.run(cancel=cancel, capture=[site_of(layer)], until=layer) as run, Bar(progress) as bar:
        run.check()
        read(lm, run, corpus, layer, one, take, batch_size=batch_size, advance=bar.advance)
        promoted, demoted = strongest(lm, layer, wanted, direction, min(TOKENS, lm.architecture.vocabulary), run.check)
        bar.finish("neurons")
        interventions = run.snapshot.names
    text, position = best.text.cpu().numpy(), best.position.cpu().numpy()
    lengths = np.asarray([len(ids) for ids in corpus.ids])
    at = (np.cumsum(lengths) - lengths)[text] + position
    token_ids = np.concatenate(corpus.ids)[at]
    contexts = context_fields(corpus, text[0].tolist() if one is not None else [], whole)
    size = max(map(len, passes(lm, corpus, n, batch_size)))
    notes = [f"SHA-256 of the texts {corpus_hash(corpus.texts)[:12]}"]
    if kept < k:
        notes.append(f"k={k} was asked, there are {kept} texts")
    return NeuronResult(
        layer=layer,
        neurons=np.asarray(wanted, np.int64),
        sign=sign,
        n_texts=len(corpus),
        corpus=corpus_hash(corpus.texts),
        tokens_counted=tally.tokens,
        tokens_left_out=corpus.tokens - tally.tokens,
        values=best.value.cpu().numpy() * np.float32(direction),
        text_index=text,
        positions=position,
        token_ids=token_ids,
        spans=np.concatenate(corpus.spans)[at],
        masses=best.mass.cpu().numpy(),
        text_tokens=corpus.counts[text],
        total_mass=tally.mass.cpu().numpy(),
        mean=tally.mean.cpu().numpy(),
        deviation=tally.deviation.cpu().numpy(),
        minimum=tally.low.cpu().numpy(),
        maximum=tally.high.cpu().numpy(),
        above_zero=tally.above.cpu().numpy() / tally.tokens,
        bin_width=np.ldexp(1.0, tally.exponent.cpu().numpy().astype(np.int32)),
        counts=tally.counts.cpu().numpy(),
        promoted=promoted[0].numpy().astype(np.float64),
        promoted_ids=promoted[1].numpy(),
        demoted=demoted[0].numpy().astype(np.float64),
        demoted_ids=demoted[1].numpy(),
        words=words_of(lm, token_ids, promoted[1].numpy(), demoted[1].numpy(), contexts["context_ids"]),
        texts={int(i): corpus.texts[i] for i in np.unique(text)},
        shown=0,
        tried=(),
        **contexts,
        provenance=provenance_of(
            lm,
            "",
            bos=corpus.bos,
            interventions=interventions,
            seed=seed,
            batch_size=size,
            forward_passes=len(corpus),
            seconds=time.perf_counter() - began,
            notes=notes,
        ),
    )


def estimate_max_activating(
    lm: LanguageModel,
    texts: Sequence[str],
    *,
    layer: int,
    neuron: int | None = None,
    batch_size: int | None = None,
    **settings: object,
) -> Cost:
    """What `max_activating` with the same arguments would cost; runs nothing."""
    layer, wanted = _places(lm, layer, neuron)
    return reading_cost(lm, Corpus.of(lm, texts), layer, len(wanted), batch_size, head=True)


def _places(lm: LanguageModel, layer: int, neuron: int | None) -> tuple[int, list[int]]:
    a = lm.architecture
    layer = a.check_layer(layer)
    return layer, list(range(a.mlp_width)) if neuron is None else [a.check_neuron(neuron)]
