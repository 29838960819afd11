"""`iw.causal_trace`: where in the model a fact comes from (Meng et al. 2022, section 2.1 and appendix B).

1. The clean run: the prompt as it is, every activation kept.
2. Corrupted runs: normal noise on the embeddings of the subject's tokens, where the model adds its embedding.
3. Restored runs: a corrupted run with a part of the clean one put back, and nothing else changed.

The indirect effect of that part is the probability of the answer in the restored runs minus that in the corrupted ones.
Parts before the subject are the same in all runs, so their effect is zero without computing.
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

from interp_widgets.errors import ArgumentError, NonFiniteError, not_one_of
from interp_widgets.locate.grid import chosen_layers, chosen_positions, resume_cost
from interp_widgets.locate.subject import embedding_spread, subject_note, subject_tokens
from interp_widgets.locate.trace_result import KINDS, TraceResult
from interp_widgets.locate.trace_verdict import trace_verdict
from interp_widgets.models.architectures import Site
from interp_widgets.models.candidate import Candidate
from interp_widgets.models.prompts import Prompt, decode
from interp_widgets.models.question import LOGIT_ROWS, Question, Wish, ask
from interp_widgets.models.resume import Cell, Pass, Patch, resume
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.numbers import probability
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

TOP = 5  # next tokens kept for each cell


def causal_trace(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    subject: str,
    kind: str | Sequence[str] = "hidden",
    target: Wish | None = None,
    noise: float = 3.0,
    sigma: float | None = None,
    samples: int = 10,
    window: int = 10,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    occurrence: int | None = None,
    force: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> TraceResult:
    """The indirect effect of every position and layer on the probability of an answer.

    Parameters
    ----------
    subject: the words of the prompt whose embeddings are corrupted
    kind: "hidden" (the state after a layer), "mlp" or "attn" (what they add, in a window of layers),
        "hidden_mlp_severed" or "hidden_attn_severed" (later MLP or attention outputs of the same token stay corrupted);
        several of them; or "all"
    target: the answer; by default the model's first choice
    noise: standard deviation of the noise, in multiples of `sigma`
    sigma: by default the standard deviation of the embeddings of well-known subjects, where the model adds them
    samples: corrupted runs
    window: layers restored together for "mlp" and "attn": half before the layer, the rest from it on
    positions, layers: only these; by default all
    occurrence: which one, from 0, where the subject stands in the prompt more than once
    force: trace also an answer that is not the model's first choice
    batch_size: cells of one batch

    Returns
    -------
    TraceResult: `effects` (positions, layers)

    Raises
    ------
    ArgumentError: subject not there, or there twice; target not the first choice; and what cannot work
    TooCostlyError: more than five minutes, unless confirm=True
    TargetError, EmptyPromptError, PromptTooLongError, OutOfRangeError, NonFiniteError, MemoryExhaustedError, Cancelled
    """
    kinds = _kinds(kind)
    if not noise > 0 or (sigma is not None and not sigma > 0):
        raise ArgumentError(f"noise={noise}, sigma={sigma}: both must be above 0; the paper takes 3 and measures sigma")
    if samples < 1 or window < 1:
        raise ArgumentError(f"samples={samples}, window={window}: at least 1; the paper takes 10 and 10")
    encoded = lm.encode(prompt)
    first, last = subject_tokens(encoded, subject, occurrence)
    depths, places = chosen_layers(lm, layers), chosen_positions(positions, len(encoded))
    cost = _cost(lm, kinds, len(encoded), first, places, depths, samples, window)
    allow(cost, confirm, "Take fewer positions=[...] or layers=[...], or a shorter prompt")
    began = time.perf_counter()
    with torch.no_grad(), Bar(progress) as bar, lm.run(cancel=cancel, prompt_length=len(encoded)) as run:
        question = ask(lm, encoded, target, None, "probability")
        best = question.candidates[0]
        if int(question.target_ids[0]) != best.id and not force:
            raise ArgumentError(
                f"target={question.target!r} is not what the model says: it has probability"
                f" {probability(question.value)}, {best.text!r} has {probability(best.probability)}. A fact that the"
                " model does not know is stored nowhere; leave target out to trace the model's own answer, or pass"
                " force=True"
            )
        spread = embedding_spread(lm) if sigma is None else sigma
        ids = torch.as_tensor([*encoded.ids, *question.target_ids[:-1]])[None]
        embeds = lm.embed(ids)
        clean = Pass(lm, embeds, capture=_clean_sites(kinds, lm.architecture.n_layers))
        noised = _corrupt(embeds, first, last, noise * spread, samples, seed)
        corrupted = Pass(lm, noised, capture=_held_sites(kinds, lm.architecture.n_layers))
        before = Outcome(lm, question, corrupted.last[None, :, len(encoded) - 1 :])

        grid = [
            (k, i, j)
            for k in range(len(kinds))
            for i, place in enumerate(places)
            for j in range(len(depths))
            if place >= first
        ]
        cells = [_cell(kinds[k], places[i], depths[j], clean, corrupted, window) for k, i, j in grid]
        shape = (len(kinds), len(places), len(depths))
        restored = np.tile(before.values[0][None, :, None, None], (shape[0], 1, *shape[1:]))
        top_ids = np.tile(before.ids[0], (*shape, 1))
        top_probability = np.tile(before.probabilities[0], (*shape, 1))
        done = 0

        def work(numbers: Sequence[int], states: Tensor) -> None:
            nonlocal done
            found = Outcome(lm, question, states)
            for row, number in enumerate(numbers):
                k, i, j = grid[number]
                restored[k, :, i, j] = found.values[row]
                top_ids[k, i, j], top_probability[k, i, j] = found.ids[row], found.probabilities[row]
            done += len(numbers)
            bar.advance(done, len(cells), "causal trace")

        read = slice(len(encoded) - 1, None)
        size = resume(corrupted, cells, read, work, batch_size=batch_size) if cells else 1
        interventions = run.snapshot.names
    if not np.isfinite(restored).all():
        raise NonFiniteError("restored runs hold NaN or infinity; an active intervention may be too strong")
    words = {
        int(i): decode(lm.tokenizer, [int(i)]) for i in np.unique(np.concatenate([top_ids.ravel(), before.ids[0]]))
    }
    note = subject_note(encoded, first, last, subject)
    return trace_verdict(
        text=encoded.text,
        tokens=encoded.tokens,
        token_ids=encoded.ids,
        spans=encoded.spans,
        positions=np.asarray(places, np.int64),
        layers=np.asarray(depths, np.int64),
        subject=subject,
        subject_tokens=(first, last),
        target=question.target,
        target_ids=question.target_ids,
        answer=best.text,
        kinds=kinds,
        window=window,
        clean=question.value,
        corrupted=before.values[0],
        restored=restored,
        top_ids=top_ids,
        top_probability=top_probability,
        clean_top=question.candidates[:TOP],
        corrupted_top=tuple(
            Candidate(words[int(i)], int(i), float(p))
            for i, p in zip(before.ids[0], before.probabilities[0], strict=True)
        ),
        words=words,
        sigma=spread,
        noise=noise,
        provenance=provenance_of(
            lm,
            prompt,
            bos=encoded.bos,
            interventions=interventions,
            seed=seed,
            batch_size=size,
            forward_passes=question.forward_passes + 1 + samples * (1 + len(cells)),
            seconds=time.perf_counter() - began,
            notes=() if note is None else (note,),
        ),
    )


def estimate_causal_trace(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    subject: str,
    kind: str | Sequence[str] = "hidden",
    samples: int = 10,
    window: int = 10,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    occurrence: int | None = None,
    **settings: object,
) -> Cost:
    """What `causal_trace` with the same arguments would cost; runs nothing."""
    encoded = lm.encode(prompt)
    first, _ = subject_tokens(encoded, subject, occurrence)
    depths, places = chosen_layers(lm, layers), chosen_positions(positions, len(encoded))
    return _cost(lm, _kinds(kind), len(encoded), first, places, depths, samples, window)


class Outcome:
    """What cells answer, from last hidden states (cells, samples, 1 + tail, width).

    values: (cells, samples), probability of the target; ids, probabilities: (cells, TOP), the best next tokens, by the
    mean over the samples
    """

    def __init__(self, lm: LanguageModel, question: Question, states: Tensor) -> None:
        wanted = torch.as_tensor(question.target_ids)
        values: list[Tensor] = []
        best: list[tuple[Tensor, Tensor]] = []
        for part in states.split(max(LOGIT_ROWS // states.shape[1], 1)):
            log_p = lm.head(part).float().log_softmax(-1)
            chosen = wanted.to(log_p.device).expand(*log_p.shape[:2], -1)[..., None]
            values.append(log_p.gather(-1, chosen)[..., 0].double().sum(-1).exp().cpu())
            top = log_p[:, :, 0].exp().mean(1).topk(TOP)
            best.append((top.indices.cpu(), top.values.cpu()))
        self.values: NDArray[np.float64] = torch.cat(values).numpy()
        self.ids: NDArray[np.int64] = torch.cat([ids for ids, _ in best]).numpy()
        self.probabilities: NDArray[np.float64] = torch.cat([p for _, p in best]).double().numpy()


def _kinds(kind: str | Sequence[str]) -> tuple[str, ...]:
    wanted = tuple(KINDS) if kind == "all" else (kind,) if isinstance(kind, str) else tuple(kind)
    for one in wanted:
        if one not in KINDS:
            raise not_one_of("kind", one, KINDS, also=", or 'all'")
    if not wanted:
        raise ArgumentError(f"kind={kind!r} names nothing; one of {', '.join(KINDS)}, or 'all'")
    return tuple(dict.fromkeys(wanted))


def _corrupt(embeds: Tensor, first: int, last: int, deviation: float, samples: int, seed: int) -> Tensor:
    """(samples, tokens, width); the noise is drawn on the CPU, so that it is the same on every device."""
    shape = (samples, last - first + 1, embeds.shape[-1])
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * deviation
    noised = embeds.repeat(samples, 1, 1)
    noised[:, first : last + 1] += drawn.to(noised)
    return noised


def _window(layer: int, window: int, n_layers: int) -> range:
    """The layers restored together: for 10, from 5 before the layer to 4 after it."""
    return range(max(layer - window // 2, 0), min(layer - window // 2 + window, n_layers))


def _clean_sites(kinds: Sequence[str], n_layers: int) -> list[Site]:
    wanted = {"resid_post" if kind.startswith("hidden") else f"{kind}_out" for kind in kinds}
    return [Site(name, layer) for name in sorted(wanted) for layer in range(n_layers)]


def _held_sites(kinds: Sequence[str], n_layers: int) -> list[Site]:
    wanted = {f"{kind.split('_')[1]}_out" for kind in kinds if kind.endswith("severed")}
    return [Site(name, layer) for name in sorted(wanted) for layer in range(n_layers)]


def _cell(kind: str, place: int, layer: int, clean: Pass, corrupted: Pass, window: int) -> Cell:
    n_layers = clean.lm.architecture.n_layers
    if not kind.startswith("hidden"):
        name = f"{kind}_out"
        return [
            Patch(name, one, [place], clean.captured[Site(name, one)][:, [place]])
            for one in _window(layer, window, n_layers)
        ]
    state = Patch("resid_post", layer, [place], clean.captured[Site("resid_post", layer)][:, [place]])
    if kind == "hidden":
        return [state]
    name = f"{kind.split('_')[1]}_out"
    later = range(layer + 1, n_layers)
    return [state, *(Patch(name, one, [place], corrupted.captured[Site(name, one)][:, [place]]) for one in later)]


def _cost(
    lm: LanguageModel,
    kinds: Sequence[str],
    length: int,
    first: int,
    places: Sequence[int],
    layers: Sequence[int],
    samples: int,
    window: int,
) -> Cost:
    def entry(kind: str, layer: int) -> int:
        return layer + 1 if kind.startswith("hidden") else max(layer - window // 2, 0)

    cells = [(place, entry(kind, layer)) for kind in kinds for place in places if place >= first for layer in layers]
    return resume_cost(lm, cells, length, samples)
