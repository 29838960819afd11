"""What neurons of one layer do on many texts, in as few passes as memory allows; shared by all that ask about neurons.

A neuron is an entry of the MLP's key, the input of the down-projection (site "mlp_key").  In a gated MLP (SwiGLU,
GeGLU) it is a product, so its activation may be far below zero as well as above.

1. Texts of like length go together, padded on the right, where causal attention never looks; padding never counts.
2. Special tokens that the tokenizer adds, and a BOS that a text brings along, do not count: they are the same in every
   text, and as attention sinks they would top the lists of many neurons.
3. Layers above the one that is asked about are not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, EmptyPromptError, NonFiniteError, PromptTooLongError, not_one_of
from interp_widgets.models.architectures import Site
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import tokenise
from interp_widgets.models.states import padded
from interp_widgets.results.cost import Cost

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

SIGNS = {"positive": 1, "negative": -1}
_CPU_TOKENS = 512  # of a pass
_GPU_TOKENS = 16_384
_NUMBERS = 32_000_000  # activations of a pass, at most: 128 MB

# (which texts, float32 activations (texts, tokens, neurons), bool which tokens count (texts, tokens))
Take = Callable[[list[int], Tensor, Tensor], None]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts as tokens: ids and character spans of each, and which of its tokens count."""

    texts: tuple[str, ...]
    ids: tuple[NDArray[np.int64], ...]
    spans: tuple[NDArray[np.int64], ...]
    counted: tuple[NDArray[np.bool_], ...]
    bos: int

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def tokens(self) -> int:
        """All of them, padding aside."""
        return sum(map(len, self.ids))

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64, (texts,): the tokens of each text that count."""
        return np.asarray([int(counted.sum()) for counted in self.counted], np.int64)

    def with_texts(self, more: Corpus) -> Corpus:
        """These texts, and then others."""
        return Corpus(
            self.texts + more.texts,
            self.ids + more.ids,
            self.spans + more.spans,
            self.counted + more.counted,
            max(self.bos, more.bos),
        )

    @classmethod
    def of(cls, lm: LanguageModel, texts: Sequence[str], argument: str = "texts") -> Corpus:
        """Raises ArgumentError, EmptyPromptError, PromptTooLongError, naming the text."""
        if isinstance(texts, str) or not isinstance(texts, Sequence):
            raise ArgumentError(f"{argument}={texts!r} is not a list of strings; for one text give [{texts!r}]")
        if not texts:
            raise ArgumentError(f"{argument}=[] is empty; give at least one text")
        limit = lm.architecture.context_length
        ids, spans, counted = [], [], []
        bos = 0
        for i, text in enumerate(texts):
            where = f"{argument}[{i}]"
            if not isinstance(text, str):
                raise ArgumentError(f"{where}={text!r} is not a string; every text is one")
            if not text:
                raise EmptyPromptError(f"{where}='' is empty; leave it out, or write at least one character")
            try:
                own, covered = tokenise(lm.tokenizer, text)
            except ArgumentError as error:
                raise ArgumentError(f"{where}: {error}") from None
            if len(own) > limit:
                raise PromptTooLongError(
                    f"{where} has {len(own)} tokens, the model's context holds {limit}; split the text, or cut at least"
                    f" {len(own) - limit} tokens"
                )
            begins = int(np.argmin(np.append(own == lm.tokenizer.bos_token_id, False)))
            counts = covered[:, 1] > covered[:, 0]
            counts[:begins] = False
            if not counts.any():
                raise EmptyPromptError(f"{where}={text!r} has no tokens beside special ones; leave it out")
            bos = max(bos, begins)
            ids.append(own)
            spans.append(covered)
            counted.append(counts)
        return cls(tuple(texts), tuple(ids), tuple(spans), tuple(counted), bos)


def check_sign(sign: str) -> int:
    """+1 or -1. Raises ArgumentError."""
    if sign not in SIGNS:
        raise not_one_of("sign", sign, SIGNS)
    return SIGNS[sign]


def passes(lm: LanguageModel, corpus: Corpus, neurons: int, batch_size: int | None) -> list[list[int]]:
    """Which texts go through the model together, short ones first; at most `batch_size` of them."""
    most = _CPU_TOKENS if lm.device.type == "cpu" else min(_GPU_TOKENS, max(_NUMBERS // neurons, 512))
    order = sorted(range(len(corpus)), key=lambda i: (len(corpus.ids[i]), i))
    found: list[list[int]] = []
    for text in order:
        length = len(corpus.ids[text])  # the longest so far
        group = found[-1] if found else []
        full = len(group) >= batch_size if batch_size is not None else (len(group) + 1) * length > most
        if not group or full:
            found.append([text])
        else:
            group.append(text)
    return found


def read(
    lm: LanguageModel,
    run: Any,
    corpus: Corpus,
    layer: int,
    neuron: int | None,
    take: Take,
    *,
    batch_size: int | None = None,
    advance: Callable[[int, int, str], None] | None = None,
) -> None:
    """Hand the activations of one neuron (or of all) on every text to `take`, pass by pass.

    `run` is an open run that captures `site_of(layer)`. `take` must leave nothing behind when it fails.
    Raises NonFiniteError, MemoryExhaustedError, Cancelled.
    """
    site, done = site_of(layer), 0
    width = 1 if neuron is not None else lm.architecture.mlp_width

    def go(chosen: list[int]) -> None:
        nonlocal done
        ids, _ = padded([corpus.ids[i] for i in chosen])
        lm.hidden(ids)
        found = run.captured.pop(site)
        found = (found if neuron is None else found[..., neuron : neuron + 1]).float()
        counted = torch.zeros(ids.shape, dtype=torch.bool)
        for row, i in enumerate(chosen):
            counted[row, : len(corpus.counted[i])] = torch.as_tensor(corpus.counted[i])
        counted = counted.to(found.device)
        if not torch.isfinite(found[counted]).all():
            raise NonFiniteError(
                f"activations of layer {layer} hold NaN or infinity; an active intervention may be too strong"
            )
        take(chosen, found, counted)
        done += len(chosen)
        if advance is not None:
            advance(done, len(corpus), "texts read")

    for group in passes(lm, corpus, width, batch_size):
        in_batches(len(group), len(group), lambda start, end, group=group: go(group[start:end]))  # type: ignore[misc]


def reading_cost(
    lm: LanguageModel, corpus: Corpus, layer: int, neurons: int, batch_size: int | None, *, head: bool = False
) -> Cost:
    """The layers up to this one on all tokens; with `head` also the unembedding, once for each neuron."""
    a = lm.architecture
    parameters = sum(p.numel() for p in lm.model.parameters())
    padded_tokens = [
        len(group) * max(len(corpus.ids[i]) for i in group) for group in passes(lm, corpus, neurons, batch_size)
    ]
    tokens = sum(padded_tokens) * (layer + 1) / a.n_layers + head * neurons * a.vocabulary * a.width / parameters
    # A pass: its activations several times over (signed, squared, sorted into bins), and a layer's own.
    held = 4 * max(padded_tokens) * (8 * neurons + 10 * a.width + 5 * a.mlp_width) + 2_048 * neurons + 4 * corpus.tokens
    return Cost(len(corpus), tokens * lm.seconds_per_token, held)


def check_whole(name: str, value: Any, least: int = 1) -> None:
    """Raises ArgumentError for what is no whole number from `least` on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(f"{name}={value!r}: a whole number from {least}")


def site_of(layer: int) -> Site:
    return Site("mlp_key", layer)
