"""`iw.logit_lens`: what the model would say if it stopped after each layer.

The state after a layer goes through the final norm and the head (nostalgebraist 2020): a distribution over the next
token for each layer and position.  With `sites="attn_out"` or "mlp_out" it is what the layer adds, read alone: norm
and head are not linear, so these readings do not add up.  With `calibrated=True` each state is first translated into
what the head expects (see `locate.calibration`).

The logits of all layers and positions would take layers x positions x vocabulary numbers.  They are computed for one
layer and a group of positions at a time, and only what is asked for is kept (see `locate.lens_run`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from interp_widgets.errors import ArgumentError, Cancelled, FingerprintMismatchError, not_one_of
from interp_widgets.locate.calibration import LensCalibration, cached, calibrate_lens, estimate_calibrate_lens
from interp_widgets.locate.lens_result import LensResult
from interp_widgets.locate.lens_run import Cells, Leaders, fill, follow, leaders, ready_states
from interp_widgets.locate.lens_verdict import HeldOut, held_out_of, judge
from interp_widgets.models.architectures import Site
from interp_widgets.models.prompts import Encoded, Prompt, decode
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

SITES = ("resid_post", "attn_out", "mlp_out")
Partial = Callable[[LensResult], None]
_NUMBERS = 6_400_000  # of a group's logits: 25 MB in float32, and three pieces at once


def logit_lens(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    tokens: Sequence[str | int] = (),
    sites: str = "resid_post",
    calibrated: bool | LensCalibration = False,
    positions: Sequence[int] | None = None,
    k: int = 5,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
    partial: Partial | None = None,
) -> LensResult:
    """The next-token distribution after each layer, at each position.

    Parameters
    ----------
    tokens: to follow through the layers, beside the model's first choice: strings of one token, or ids
    sites: "resid_post" (the state after the layer), "attn_out" or "mlp_out" (what the layer adds, alone)
    calibrated: translate each state by an affine map first; True takes the model's from the cache, or fits it (minutes,
        once), a `LensCalibration` is what `iw.calibrate_lens` gave. Only for "resid_post". Fitted without interventions
    positions: which ones; by default all; negative ones count from the end
    k: how many of the best tokens are kept for each cell
    seed: of no effect; nothing is drawn
    batch_size: positions whose logits are computed together; by default what fits 25 MB
    partial: told of the result so far, `complete=False`, after each row: a layer, the last one first, at one group of
        positions. Called in this thread, which holds the model

    Returns
    -------
    LensResult: arrays (positions, layers, ...)

    Raises
    ------
    EmptyPromptError, PromptTooLongError, ArgumentError, OutOfRangeError, NonFiniteError, FingerprintMismatchError,
    Cancelled
    """
    a = lm.architecture
    _check(lm, sites, calibrated, k)
    encoded = lm.encode(prompt)
    places = _positions(positions, len(encoded))
    group = batch_size or max(_NUMBERS // a.vocabulary, 1)
    asked = estimate_logit_lens(lm, prompt, positions=positions, batch_size=batch_size, calibrated=calibrated)
    if callable(confirm) and not confirm(asked):
        raise Cancelled("not confirmed; nothing was computed")
    calibration = calibrated if isinstance(calibrated, LensCalibration) else None
    if calibrated is True:
        calibration = calibrate_lens(lm, progress=progress, cancel=cancel)
    measured = held_out_of(calibration or _known(lm, sites), "calibrated" if calibration else "plain")
    began = time.perf_counter()
    where = [Site(sites, layer) for layer in range(a.n_layers)]
    residual = sites == "resid_post"
    with torch.no_grad(), lm.run(cancel=cancel, capture=where) as run, Bar(progress) as bar:
        final = lm.hidden(torch.as_tensor(encoded.ids)[None])[0, places]
        states = (run.captured.pop(site)[0, places] for site in where)  # each is let go when it is read
        ready = ready_states(lm, states, final, calibration, residual=residual)
        followed = follow(lm.tokenizer, a.vocabulary, tokens, int(lm.head(final[-1]).argmax()))
        cells = Cells.empty(len(places), a.n_layers, k, len(followed))
        total = len(places) * a.n_layers
        interventions = run.snapshot.names
        words: dict[int, str] = {}

        def result(led: Leaders | None) -> LensResult:
            return _result(
                lm, prompt, encoded, places, sites, cells, followed, led, words, calibration is not None, measured,
                interventions, seed, min(group, len(places)), time.perf_counter() - began,
            )  # fmt: skip

        def tell(done: int) -> None:
            bar.advance(done, total, "reading the layers")
            if partial is not None:
                partial(result(None))

        normaliser = fill(lm, run, ready, final, followed, cells, group=group, residual=residual, tell=tell)
        return result(leaders(lm, run, ready, cells, normaliser))


def _result(
    lm: LanguageModel,
    prompt: Prompt,
    encoded: Encoded,
    places: Sequence[int],
    site: str,
    cells: Cells,
    followed: Sequence[int],
    led: Leaders | None,
    words: dict[int, str],
    calibrated: bool,
    measured: HeldOut | None,
    interventions: tuple[str, ...],
    seed: int,
    batch_size: int,
    seconds: float,
) -> LensResult:
    for token in np.unique(cells.top_ids[cells.top_ids >= 0]).tolist():
        if token not in words:
            words[token] = decode(lm.tokenizer, [token])
    layers = cells.entropy.shape[1]
    nothing = Leaders(np.zeros((len(places), 0), np.int64), np.zeros((len(places), layers, 0)))
    shown = nothing if led is None else led
    notes = ["the lens was fitted without these interventions"] if calibrated and interventions else []
    return LensResult(
        text=encoded.text,
        tokens=tuple(encoded.tokens[i] for i in places),
        token_ids=encoded.ids[list(places)],
        positions=np.asarray(places),
        site=site,
        lens="calibrated" if calibrated else "plain",
        complete=led is not None,
        top_ids=cells.top_ids,
        top_probability=cells.top_probability,
        entropy=cells.entropy,
        divergence=cells.divergence,
        followed=tuple(decode(lm.tokenizer, [i]) for i in followed),
        followed_ids=np.asarray(followed, np.int64),
        log_probability=cells.log_probability,
        rank=cells.rank,
        leader_ids=shown.ids,
        leader_log_probability=shown.log_probability,
        words=dict(words),
        held_out=measured,
        verdict=judge(site, calibrated, measured, interventions),
        provenance=provenance_of(
            lm,
            prompt,
            bos=encoded.bos,
            interventions=interventions,
            seed=seed,
            batch_size=batch_size,
            forward_passes=1,
            seconds=seconds,
            notes=notes,
        ),
    )


def estimate_logit_lens(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    positions: Sequence[int] | None = None,
    batch_size: int | None = None,
    calibrated: bool | LensCalibration = False,
    **settings: object,
) -> Cost:
    """What `logit_lens` with the same arguments would cost, the fit of a calibrated lens included where the cache does
    not have it; runs nothing."""
    length = len(lm.encode(prompt))
    size = batch_size or max(_NUMBERS // lm.architecture.vocabulary, 1)
    cost = _cost(lm, length, len(_positions(positions, length)), size)
    if calibrated is not True or cached(lm) is not None:
        return cost
    fit = estimate_calibrate_lens(lm)
    return Cost(cost.forward_passes + fit.forward_passes, cost.seconds + fit.seconds, max(cost.bytes, fit.bytes))


def _cost(lm: LanguageModel, length: int, places: int, size: int) -> Cost:
    """The head, once for each layer and position, is most of it."""
    a = lm.architecture
    parameters = sum(p.numel() for p in lm.model.parameters())
    heads = a.n_layers * places * a.vocabulary * a.width / parameters
    kept = 4 * length * a.width * a.n_layers
    return Cost(1, (length + heads) * lm.seconds_per_token, 3 * min(size, places) * a.vocabulary * 4 + kept)


def _check(lm: LanguageModel, sites: str, calibrated: bool | LensCalibration, k: int) -> None:
    if sites not in SITES:
        raise not_one_of("sites", sites, SITES)
    if not 1 <= k <= lm.architecture.vocabulary:
        raise ArgumentError(f"k={k}: between 1 and {lm.architecture.vocabulary}, the size of the vocabulary")
    if calibrated is False:
        return
    if sites != "resid_post":
        raise ArgumentError(
            f"calibrated lens and sites={sites!r}: its maps are from the state after a layer; take sites='resid_post', "
            "or calibrated=False"
        )
    if isinstance(calibrated, LensCalibration) and calibrated.fingerprint != lm.fingerprint:
        raise FingerprintMismatchError(
            f"calibrated={calibrated!r} was fitted to a model with other weights than {lm.name}; "
            "iw.calibrate_lens(lm) fits one to this model"
        )


def _known(lm: LanguageModel, sites: str) -> LensCalibration | None:
    """What was measured of the plain lens when the calibrated one was fitted, if it was."""
    return cached(lm) if sites == "resid_post" else None


def _positions(positions: Sequence[int] | None, length: int) -> list[int]:
    if positions is None:
        return list(range(length))
    wrong = [p for p in positions if not -length <= p < length]
    if wrong or not positions:
        raise ArgumentError(f"positions={list(positions)!r}: the prompt has positions 0 to {length - 1}")
    return [int(p) % length for p in positions]
