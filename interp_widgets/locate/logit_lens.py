"""`iw.logit_lens`: what the model would say if it stopped after each layer.

The state after a layer goes through the final norm and the head (nostalgebraist 2020): a distribution over the next
token for each layer and position.  With `sites="attn_out"` or "mlp_out" it is what the layer adds, read alone: norm
and head are not linear, so these readings do not add up.

The logits of all layers and positions would take layers x positions x vocabulary numbers.  They are computed for a few
positions of one layer at a time, and only what is asked for is kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interp_widgets.errors import ArgumentError, Cancelled, NonFiniteError, not_one_of
from interp_widgets.locate.lens_result import LensResult
from interp_widgets.models.architectures import Site
from interp_widgets.models.prompts import Prompt, decode
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

SITES = ("resid_post", "attn_out", "mlp_out")
_NUMBERS = 4_000_000  # of a piece of logits: 16 MB in float32, and about three pieces at once


def logit_lens(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    tokens: Sequence[str | int] = (),
    sites: str = "resid_post",
    positions: Sequence[int] | None = None,
    k: int = 5,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> LensResult:
    """The next-token distribution after each layer, at each position.

    Parameters
    ----------
    tokens: to follow through the layers, beside the model's first choice: strings of one token, or ids
    sites: "resid_post" (the state after the layer), "attn_out" or "mlp_out" (what the layer adds, alone)
    positions: which ones; by default all; negative ones count from the end
    k: how many of the best tokens are kept for each cell
    seed: of no effect; nothing is drawn
    batch_size: positions of one piece of logits; by default what fits 16 MB

    Returns
    -------
    LensResult: arrays (positions, layers, ...)

    Raises
    ------
    EmptyPromptError, PromptTooLongError, ArgumentError, OutOfRangeError, NonFiniteError, Cancelled
    """
    a = lm.architecture
    if sites not in SITES:
        raise not_one_of("sites", sites, SITES)
    if not 1 <= k <= a.vocabulary:
        raise ArgumentError(f"k={k}: between 1 and {a.vocabulary}, the size of the vocabulary")
    encoded = lm.encode(prompt)
    places = _positions(positions, len(encoded))
    size = batch_size or max(_NUMBERS // a.vocabulary, 1)
    if callable(confirm) and not confirm(_cost(lm, len(encoded), len(places), size)):
        raise Cancelled("not confirmed; nothing was computed")
    began = time.perf_counter()
    where = [Site(sites, layer) for layer in range(a.n_layers)]
    with torch.no_grad(), lm.run(cancel=cancel, capture=where) as run, Bar(progress) as bar:
        final = lm.hidden(torch.as_tensor(encoded.ids)[None])[0, places]
        # Copies: views of the captured states would keep those of all positions.
        states = [run.captured.pop(site)[0, places].clone() for site in where]
        followed = _followed(lm, tokens, final[-1])
        shape = (len(places), a.n_layers)
        top = np.zeros((*shape, k), np.int64), np.zeros((*shape, k))
        entropy, divergence = np.zeros(shape), np.zeros(shape)
        log_p, rank = np.zeros((*shape, len(followed))), np.zeros((*shape, len(followed)), np.int64)
        ids = torch.as_tensor(followed, device=final.device)
        for start in range(0, len(places), size):
            part = slice(start, start + size)
            last = _log_softmax(lm.head(final[part]))
            for layer, state in enumerate(states):
                run.check()
                # The state after the last layer, normed, is the final one itself.
                same = sites == "resid_post" and layer == a.n_layers - 1
                found = last if same else _log_softmax(lm.head(a.final_norm(state[part])))
                best = found.topk(k)
                top[0][part, layer], top[1][part, layer] = best.indices.cpu(), best.values.exp().cpu()
                p = found.exp()
                entropy[part, layer] = -(p * found).nan_to_num().sum(-1).cpu()
                divergence[part, layer] = (p * (found - last)).nan_to_num().sum(-1).cpu()
                own = found[:, ids]
                log_p[part, layer] = own.cpu()
                for i in range(len(followed)):
                    rank[part, layer, i] = 1 + (found > own[:, i, None]).sum(-1).cpu()
            bar.advance(min(start + size, len(places)), len(places), "lens")
        interventions = run.snapshot.names
    return LensResult(
        text=encoded.text,
        tokens=tuple(encoded.tokens[i] for i in places),
        token_ids=encoded.ids[places],
        positions=np.asarray(places),
        site=sites,
        top_ids=top[0],
        top_probability=top[1],
        entropy=entropy,
        divergence=np.maximum(divergence, 0.0),
        followed=tuple(decode(lm.tokenizer, [i]) for i in followed),
        followed_ids=np.asarray(followed, np.int64),
        log_probability=log_p,
        rank=rank,
        words={int(i): decode(lm.tokenizer, [int(i)]) for i in np.unique(top[0])},
        provenance=provenance_of(
            lm,
            prompt,
            bos=encoded.bos,
            interventions=interventions,
            seed=seed,
            batch_size=size,
            forward_passes=1,
            seconds=time.perf_counter() - began,
        ),
    )


def estimate_logit_lens(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    positions: Sequence[int] | None = None,
    batch_size: int | None = None,
    **settings: object,
) -> Cost:
    """What `logit_lens` with the same arguments would cost; runs nothing."""
    length = len(lm.encode(prompt))
    size = batch_size or max(_NUMBERS // lm.architecture.vocabulary, 1)
    return _cost(lm, length, len(_positions(positions, length)), size)


def _cost(lm: LanguageModel, length: int, places: int, size: int) -> Cost:
    """The head, once for each layer and position, is most of it."""
    a = lm.architecture
    parameters = sum(p.numel() for p in lm.model.parameters())
    heads = a.n_layers * places * a.vocabulary * a.width / parameters
    kept = 4 * length * a.width * a.n_layers
    return Cost(1, (length + heads) * lm.seconds_per_token, 4 * min(size, places) * a.vocabulary * 4 + kept)


def _positions(positions: Sequence[int] | None, length: int) -> list[int]:
    if positions is None:
        return list(range(length))
    wrong = [p for p in positions if not -length <= p < length]
    if wrong or not positions:
        raise ArgumentError(f"positions={list(positions)!r}: the prompt has positions 0 to {length - 1}")
    return [int(p) % length for p in positions]


def _followed(lm: LanguageModel, tokens: Sequence[str | int], last: Tensor) -> list[int]:
    """Ids of the tokens to follow: the model's first choice at the last position, then those asked for."""
    if isinstance(tokens, str):
        raise ArgumentError(f"tokens={tokens!r} is one string; give a list: tokens=[{tokens!r}]")
    chosen = [int(lm.head(last).argmax())]
    for token in tokens:
        if isinstance(token, str):
            ids = lm.tokenizer(token, add_special_tokens=False)["input_ids"]
            if len(ids) != 1:
                raise ArgumentError(
                    f"tokens={token!r} is {len(ids)} tokens; the lens follows single ones. Give the first: "
                    f"{decode(lm.tokenizer, ids[:1])!r}"
                )
            token = int(ids[0])
        if not 0 <= token < lm.architecture.vocabulary:
            raise ArgumentError(f"tokens={token!r}: token ids go from 0 to {lm.architecture.vocabulary - 1}")
        if token not in chosen:
            chosen.append(token)
    return chosen


def _log_softmax(logits: Tensor) -> Tensor:
    found = logits.float().log_softmax(-1)
    if not torch.isfinite(found.max()):
        raise NonFiniteError("the lens gives logits that are not finite; an active intervention may be too strong")
    return found
