"""A logit lens on states, or logits, that something else saved; see `locate.saved`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate import lens_verdict
from interp_widgets.locate.lens_result import LensResult
from interp_widgets.locate.lens_run import Cells, fill, follow, leaders
from interp_widgets.locate.saved_arrays import Array, Text, provenance_of_saved, tensor, text_of_ids
from interp_widgets.models.prompts import decode

Head = Callable[[Tensor], Tensor]
LENS_SITES = ("resid_post", "attn_out", "mlp_out")
_GROUP = 64  # positions whose logits exist at once


def lens_from_states(
    states: Array,
    *,
    head: Head | tuple[Head, Array],
    tokenizer: Any,
    ids: Array,
    model: str,
    final: Array | None = None,
    site: str = "resid_post",
    tokens: Sequence[str | int] = (),
    k: int = 5,
    notes: Sequence[str] = (),
) -> LensResult:
    """A logit lens on saved states.

    Parameters
    ----------
    states: (layers, tokens, width), what goes out of each layer, or with `site` what its attention or MLP adds
    head: from states (n, width) to logits (n, vocabulary), the model's final norm included; or the final norm and the
        unembedding's matrix (vocabulary, width), for models without a bias or soft-cap there
    tokenizer, ids: the prompt's tokens, and how they are spelled
    model: its name, for the picture
    final: (tokens, width), what goes out of the last layer; needed where `states` are not that
    tokens, k: as in `iw.logit_lens`; notes: what else a reader should know of the run

    Raises ArgumentError (the argument by its name), NonFiniteError.
    """
    if site not in LENS_SITES:
        raise not_one_of("site", site, LENS_SITES)
    text = text_of_ids(tokenizer, ids)
    n = len(text.tokens)
    found = tensor("states", states, (None, n, None), "(layers, tokens, width)")
    if final is None and site != "resid_post":
        raise ArgumentError(f"final: site={site!r} needs the states after the last layer too, (tokens, width)")
    last = found[-1] if final is None else tensor("final", final, (n, found.shape[2]), "(tokens, width)")
    return _lens(found, last, _reader(head, last), text, tokenizer, site, tokens, k, model, notes)


def lens_from_logits(
    logits: Array,
    *,
    tokenizer: Any,
    ids: Array,
    model: str,
    final: Array | None = None,
    site: str = "resid_post",
    tokens: Sequence[str | int] = (),
    k: int = 5,
    notes: Sequence[str] = (),
) -> LensResult:
    """A logit lens on saved logits, (layers, tokens, vocabulary). `final`, (tokens, vocabulary), are the model's own
    ones, by default those of the last layer. Otherwise as `lens_from_states`."""
    if site not in LENS_SITES:
        raise not_one_of("site", site, LENS_SITES)
    text = text_of_ids(tokenizer, ids)
    n = len(text.tokens)
    found = tensor("logits", logits, (None, n, None), "(layers, tokens, vocabulary)")
    if final is None and site != "resid_post":
        raise ArgumentError(f"final: site={site!r} needs the model's own logits too, (tokens, vocabulary)")
    last = found[-1] if final is None else tensor("final", final, (n, found.shape[2]), "(tokens, vocabulary)")
    # A copy: what is read is overwritten.
    return _lens(found, last, _Reader(Tensor.clone), text, tokenizer, site, tokens, k, model, notes)


class _Reader:
    """The head of a model that runs elsewhere."""

    def __init__(self, logits: Head) -> None:
        self._logits = logits

    def head(self, hidden: Tensor, columns: Sequence[int] | None = None) -> Tensor:
        logits = self._logits(hidden)
        return logits if columns is None else logits[..., list(columns)]

    def check(self) -> None:
        """Nobody can stop it: the work is short."""


def _reader(head: Head | tuple[Head, Array], states: Tensor) -> _Reader:
    if isinstance(head, tuple):
        norm, given = head
        matrix = tensor("head[1]", given, (None, states.shape[1]), "(vocabulary, width)")
        found = _Reader(lambda hidden: norm(hidden).to(matrix.dtype) @ matrix.T)
    elif callable(head):
        found = _Reader(head)
    else:
        raise ArgumentError(f"head={head!r}: a function from states to logits, or (norm, unembedding matrix)")
    with torch.no_grad():
        try:
            made = found.head(states[:1])
        except (RuntimeError, TypeError, ValueError) as error:
            raise ArgumentError(
                f"head: it does not take states of shape {tuple(states[:1].shape)} ({error})"
            ) from error
    if not isinstance(made, Tensor) or made.dim() != 2 or made.shape[0] != 1:
        raise ArgumentError(f"head: from states (n, width) it must make logits (n, vocabulary), not {_shape_of(made)}")
    return found


def _shape_of(made: object) -> str:
    return str(tuple(made.shape)) if isinstance(made, Tensor) else type(made).__name__


def _lens(
    states: Tensor,
    final: Tensor,
    reader: _Reader,
    text: Text,
    tokenizer: Any,
    site: str,
    tokens: Sequence[str | int],
    k: int,
    model: str,
    notes: Sequence[str],
) -> LensResult:
    layers, n = states.shape[:2]
    with torch.no_grad():
        own = reader.head(final[-1:])
        vocabulary = own.shape[1]
        if not 1 <= k <= vocabulary:
            raise ArgumentError(f"k={k}: between 1 and {vocabulary}, the size of the vocabulary")
        followed = follow(tokenizer, vocabulary, tokens, int(own.argmax()))
        cells = Cells.empty(n, layers, k, len(followed))
        same = site == "resid_post" and torch.equal(states[-1], final)
        normaliser = fill(
            reader, reader, states, final, followed, cells, group=_GROUP, residual=same, tell=lambda done: None
        )
        led = leaders(reader, reader, states, cells, normaliser)
    return LensResult(
        **{name: value for name, value in text.fields().items() if name != "spans"},
        positions=np.arange(n),
        site=site,
        lens="plain",
        complete=True,
        top_ids=cells.top_ids,
        top_probability=cells.top_probability,
        entropy=cells.entropy,
        divergence=cells.divergence,
        followed=tuple(decode(tokenizer, [i]) for i in followed),
        followed_ids=np.asarray(followed, np.int64),
        log_probability=cells.log_probability,
        rank=cells.rank,
        leader_ids=led.ids,
        leader_log_probability=led.log_probability,
        words={int(i): decode(tokenizer, [int(i)]) for i in np.unique(cells.top_ids)},
        held_out=None,
        verdict=lens_verdict.judge(site, False, None),
        provenance=provenance_of_saved(model, text, notes),
    )
