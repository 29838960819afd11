"""`iw.patch`: activations of one run put into another, cell by cell.

What the two prompts share is the same in both runs; what differs between them makes the difference of their answers.
Restoring a clean activation in the corrupted run asks whether it is enough to bring the answer back; inserting a
corrupted one into the clean run asks whether the answer can do without it (Zhang & Nanda 2024, section 2; Heimersheim &
Nanda 2024).
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, NonFiniteError, not_one_of
from interp_widgets.locate.alignment import align as align_prompts
from interp_widgets.locate.first_order import gradients
from interp_widgets.locate.grid import chosen_layers, chosen_positions, resume_cost
from interp_widgets.locate.patch_cells import ROWS, SITES, Grid, plan
from interp_widgets.locate.patch_result import PatchResult
from interp_widgets.locate.patch_verdict import patch_verdict
from interp_widgets.models.prompts import Encoded, Prompt
from interp_widgets.models.question import LOGIT_ROWS, Question, Wish, ask
from interp_widgets.models.resume import Pass, resume
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

TOP = 5
METHODS = ("exact", "attribution", "both")
DIRECTIONS = ("restore", "insert")
_SAMPLE = 32  # cells measured exactly to judge an estimate that was asked for alone


def patch(
    lm: LanguageModel,
    clean: Prompt,
    corrupted: Prompt,
    *,
    target: Wish | None = None,
    foil: Wish | None = None,
    sites: str | Sequence[str] = "resid_post",
    direction: str = "restore",
    metric: str | None = None,
    normalised: bool = True,
    method: str = "exact",
    points: int = 1,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    neurons: Sequence[int] | None = None,
    align: str | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> PatchResult:
    """What each activation of one run brings about in the other.

    Parameters
    ----------
    clean, corrupted: two prompts of equal length in tokens that differ in what matters, or see `align`
    target, foil: by default the first choices of the clean and of the corrupted run
    sites: "resid_pre", "resid_post", "attn_out" or "mlp_out" or several of these, by position and layer; or "heads"
        (outputs of query heads) or "neurons" (entries of the MLP key), by head or neuron and layer, at all positions
    direction: "restore" puts clean activations into the corrupted run, "insert" corrupted ones into the clean run
    metric: "difference" (log-odds of target over foil; the default with a foil), "logit", "log-probability" or
        "probability"
    normalised: effects as a share of the way from the patched run to the other (1: all of it)
    method: "exact" runs the model for each cell; "attribution" predicts all cells from one gradient, and measures a few
        cells to tell how far that can be trusted; "both" does both for all cells
    points: of the gradient, for the first-order estimate: 1 is the plain one, more average over embeddings in between
    positions: which ones; for heads and neurons: where they are patched. layers, heads, neurons: only these; neurons
        need their layers named
    align: "spans" for prompts of unequal length: what they share is matched, spans that differ from their ends
    batch_size: cells of one batch

    Raises
    ------
    ArgumentError: unequal length without `align`, same prompts, same answers, and what cannot work
    TooCostlyError: more than five minutes, unless confirm=True
    TargetError, OutOfRangeError, EmptyPromptError, PromptTooLongError, NonFiniteError, MemoryExhaustedError, Cancelled
    """
    if direction not in DIRECTIONS:
        raise not_one_of("direction", direction, DIRECTIONS)
    if method not in METHODS:
        raise not_one_of("method", method, METHODS)
    if points < 1 or (points > 1 and method == "exact"):
        raise ArgumentError(f"points={points}: at least 1, and only with method='attribution' or 'both'")
    wanted = _sites(sites, heads, neurons, layers)
    pair = lm.encode(clean), lm.encode(corrupted)
    base, other = pair if direction == "insert" else pair[::-1]
    aligned = align_prompts(base, other, align)
    if points > 1 and len(base) != len(other):
        raise ArgumentError(f"points={points}: embeddings between prompts of unequal length are not defined; take 1")
    grid = Grid(
        sites=wanted,
        rows=_rows(lm, wanted, positions, heads, neurons, len(base)),
        layers=chosen_layers(lm, layers),
        at=chosen_positions(positions, len(base)) if wanted[0] in ROWS else [],
        source=aligned.source,
        first=aligned.first,
    )
    cost = _cost(lm, grid, method, points, len(base))
    allow(cost, confirm, "Take method='attribution', which predicts all cells from one gradient, or fewer layers=[...]")
    began = time.perf_counter()
    with torch.no_grad(), Bar(progress) as bar, lm.run(cancel=cancel, prompt_length=len(base)) as run:
        questions = _questions(lm, pair, target, foil, metric)
        question = questions[0] if direction == "insert" else questions[1]
        gap = questions[0].value - questions[1].value
        if abs(gap) < 1e-6:
            raise ArgumentError(
                f"clean and corrupted give the same {question.unit} ({questions[0].value:.4g}); name a target and a"
                " foil that the two prompts tell apart"
            )
        tails = question.tails
        read = slice(len(base) - 1, None)
        embeds = [[_embeds(lm, one, tail) for tail in tails] for one in (base, other)]
        capture = grid.capture()
        passes = [
            [Pass(lm, each, capture=capture) for each in embeds[0]],
            [Pass(lm, each, capture=capture) for each in embeds[1]],
        ]
        shape = grid.shape
        values, first_order = np.full(shape, np.nan), np.full(shape, np.nan)
        if method != "exact":
            slopes = gradients(lm, question, embeds[0], embeds[1], capture, read, points)
            first_order = question.value + grid.predict(slopes, passes[0], passes[1])
        spots = grid.spots()
        if method == "attribution":
            spots = _sample(spots, first_order - question.value, seed)
        else:
            values[grid.same()] = question.value
        done, total = 0, len(spots) * len(tails)
        size, states = 1, []
        for number in range(len(tails)):
            cells = plan(grid, passes[1][number], spots)
            kept: dict[int, Tensor] = {}

            def work(numbers: Sequence[int], found: Tensor, kept: dict[int, Tensor] = kept) -> None:
                nonlocal done
                kept.update(zip(numbers, found[:, 0].clone(), strict=True))
                done += len(numbers)
                bar.advance(done, total, "patching")

            if cells:
                size = resume(passes[0][number], cells, read, work, batch_size=batch_size)
            states.append([kept[i] for i in range(len(cells))])
        for start in range(0, len(spots), LOGIT_ROWS):
            part = slice(start, start + LOGIT_ROWS)
            found = question.read([torch.stack(each[part]) for each in states]).cpu().double().numpy()
            for spot, value in zip(spots[part], found, strict=True):
                values[spot] = value
        interventions = run.snapshot.names
    measured = [values[spot] for spot in spots]
    if not np.isfinite(measured).all() or (method != "exact" and not np.isfinite(first_order[grid.known()]).all()):
        raise NonFiniteError("patched runs hold NaN or infinity; an active intervention may be too strong")
    extra = 0 if method == "exact" else points * len(tails)
    return patch_verdict(
        text=base.text,
        tokens=base.tokens,
        token_ids=base.ids,
        spans=base.spans,
        source_text=other.text,
        source_tokens=other.tokens,
        alignment=aligned.source,
        direction=direction,
        sites=wanted,
        row_kind=ROWS.get(wanted[0], "position"),
        rows=np.asarray(grid.rows, np.int64),
        layers=np.asarray(grid.layers, np.int64),
        patched_positions=np.asarray(grid.at, np.int64),
        metric=question.function,
        unit=question.unit,
        target=question.target,
        target_ids=question.target_ids,
        foil=question.foil,
        foil_ids=question.foil_ids,
        clean=questions[0].value,
        corrupted=questions[1].value,
        values=values,
        first_order=first_order,
        points=0 if method == "exact" else points,
        normalised=normalised,
        clean_top=questions[0].candidates[:TOP],
        corrupted_top=questions[1].candidates[:TOP],
        compared=spots,
        provenance=provenance_of(
            lm,
            clean,
            bos=base.bos,
            interventions=interventions,
            seed=seed,
            batch_size=size,
            forward_passes=sum(q.forward_passes for q in questions) + (2 + len(spots)) * len(tails) + extra,
            seconds=time.perf_counter() - began,
            notes=aligned.notes,
        ),
    )


def estimate_patch(
    lm: LanguageModel,
    clean: Prompt,
    corrupted: Prompt,
    *,
    sites: str | Sequence[str] = "resid_post",
    direction: str = "restore",
    method: str = "exact",
    points: int = 1,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    neurons: Sequence[int] | None = None,
    align: str | None = None,
    **settings: object,
) -> Cost:
    """What `patch` with the same arguments would cost; runs nothing. A target of several tokens costs a little more."""
    wanted = _sites(sites, heads, neurons, layers)
    pair = lm.encode(clean), lm.encode(corrupted)
    base, other = pair if direction == "insert" else pair[::-1]
    aligned = align_prompts(base, other, align)
    grid = Grid(
        sites=wanted,
        rows=_rows(lm, wanted, positions, heads, neurons, len(base)),
        layers=chosen_layers(lm, layers),
        at=chosen_positions(positions, len(base)) if wanted[0] in ROWS else [],
        source=aligned.source,
        first=aligned.first,
    )
    return _cost(lm, grid, method, points, len(base))


def _sites(
    sites: str | Sequence[str],
    heads: Sequence[int] | None,
    neurons: Sequence[int] | None,
    layers: Sequence[int] | None,
) -> tuple[str, ...]:
    wanted = (sites,) if isinstance(sites, str) else tuple(dict.fromkeys(sites))
    for one in wanted:
        if one not in (*SITES, *ROWS):
            raise not_one_of("sites", one, (*SITES, *ROWS))
    if not wanted:
        raise ArgumentError(f"sites={sites!r} names nothing; one of {', '.join((*SITES, *ROWS))}")
    if len(wanted) > 1 and any(one in ROWS for one in wanted):
        raise ArgumentError(f"sites={list(wanted)}: heads and neurons have rows of their own; patch them by themselves")
    for name, given in (("heads", heads), ("neurons", neurons)):
        if given is not None and wanted != (name,):
            raise ArgumentError(f"{name}={list(given)!r} goes with sites={name!r}; sites={sites!r}")
    if wanted == ("neurons",) and layers is None:
        raise ArgumentError("sites='neurons' takes a pass for each neuron; name the layers, for example layers=[8]")
    return wanted


def _rows(
    lm: LanguageModel,
    sites: tuple[str, ...],
    positions: Sequence[int] | None,
    heads: Sequence[int] | None,
    neurons: Sequence[int] | None,
    length: int,
) -> list[int]:
    a = lm.architecture
    if sites == ("heads",):
        return sorted({a.check_head(h) for h in heads}) if heads is not None else list(range(a.n_heads))
    if sites == ("neurons",):
        return sorted({a.check_neuron(n) for n in neurons}) if neurons is not None else list(range(a.mlp_width))
    return chosen_positions(positions, length)


def _questions(
    lm: LanguageModel, pair: tuple[Encoded, Encoded], target: Wish | None, foil: Wish | None, metric: str | None
) -> tuple[Question, Question]:
    """The same question on the clean and on the corrupted prompt."""
    if target is None or (foil is None and metric in (None, "difference")):
        firsts = [ask(lm, one, None, None).candidates[0] for one in pair]
        if target is None and firsts[0].id == firsts[1].id:
            raise ArgumentError(
                f"clean and corrupted both go on with {firsts[0].text!r}; name the target and the foil that they should"
                " tell apart"
            )
        target = firsts[0].id if target is None else target
        if foil is None and metric in (None, "difference") and firsts[0].id != firsts[1].id:
            foil = firsts[1].id
    one = ask(lm, pair[0], target, foil, metric)
    ids = [list(map(int, found)) or None for found in (one.target_ids, one.foil_ids)]
    return one, ask(lm, pair[1], ids[0], ids[1], metric)


def _embeds(lm: LanguageModel, prompt: Encoded, tail: NDArray[np.int64]) -> Tensor:
    return lm.embed(torch.as_tensor([*prompt.ids, *tail])[None])


def _sample(spots: list[tuple[int, ...]], predicted: NDArray[np.float64], seed: int) -> list[tuple[int, ...]]:
    """Half the strongest predictions, half drawn from the rest: where it matters, and where it might be missed."""
    ranked = sorted(spots, key=lambda spot: -abs(predicted[spot]))
    strong, rest = ranked[: _SAMPLE // 2], ranked[_SAMPLE // 2 :]
    drawn = np.random.default_rng(seed).permutation(len(rest))[: _SAMPLE - len(strong)]
    return [*strong, *(rest[i] for i in drawn)]


def _cost(lm: LanguageModel, grid: Grid, method: str, points: int, length: int) -> Cost:
    cells = grid.entries()
    if method == "attribution":
        cells = cells[:: max(len(cells) // _SAMPLE, 1)][:_SAMPLE]
    cost = resume_cost(lm, cells, length, 1)
    if method == "exact":
        return cost
    extra = 3 * points * length * lm.seconds_per_token  # a backward pass costs twice a forward one
    return dataclasses.replace(cost, forward_passes=cost.forward_passes + points, seconds=cost.seconds + extra)
