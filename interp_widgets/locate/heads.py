"""`iw.heads`: where each attention head looks, and what switching it off does to the answer.

Looking is not doing: a head may look hard at a token and change nothing (Jain and Wallace 2019).  So every head is also
switched off, by itself, and the answer is read again:

1. one recorded pass of the prompt (and, for a target of several tokens, of the target after it);
2. a cell for each head, in which its slice of the output projection's input is zero, or the head's own mean over the
   prompt; all cells go on from the recorded pass (`models.resume`);
3. two checks on the heads that count most: the other stand-in, and all of them switched off together.
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

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.locate.grid import chosen_layers, chosen_positions, resume_cost
from interp_widgets.locate.heads_result import HeadsResult
from interp_widgets.locate.heads_verdict import CHECKED, diagnose, judge
from interp_widgets.models.architectures import Site
from interp_widgets.models.attention import attention_weights
from interp_widgets.models.diagnose import require_finite
from interp_widgets.models.prompts import Encoded, Prompt, decode
from interp_widgets.models.question import LOGIT_ROWS, Question, Wish, ask, check_function, count_passes
from interp_widgets.models.resume import Cell, Pass, Patch, resume
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow
from interp_widgets.results.provenance import provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
ABLATIONS = ("zero", "mean")
PATTERN_BYTES = 256_000_000  # that a result may hold


def heads(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    target: Wish | None = None,
    foil: Wish | None = None,
    metric: str | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    ablation: str = "zero",
    positions: Sequence[int] | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> HeadsResult:
    """Attention patterns of heads, and the answer with each of them switched off.

    Parameters
    ----------
    target, foil: as in `iw.attribute`; by default the model's first choice
    metric: the number that is followed, one of `models.question.FUNCTIONS`; by default "difference" with a foil, else
        "log-probability" (a logit alone can fall while the token gains, because all others fall more)
    layers, heads: which ones, negative ones count from the end; by default all. Heads are query heads
    ablation: what stands in for a head's output: "zero" (equal to `lm.using(iw.Ablation(layer=..., head=...))`), or
        "mean", the head's own mean over the prompt's positions, which keeps what it writes whatever it reads
    positions: of the prompt, where heads are switched off, negative ones from the end; by default everywhere, in a
        target of several tokens too
    seed: of no effect; nothing is drawn
    batch_size: heads of one pass; by default as many as make 1,024 tokens (32,768 on a GPU)
    progress, cancel, confirm: as in `iw.attribute`; without `confirm=True` more than five minutes are refused

    Returns
    -------
    HeadsResult: patterns (layers, heads, tokens, tokens), the number with each head off (layers, heads), and a verdict

    Raises
    ------
    EmptyPromptError, PromptTooLongError, TargetError, ArgumentError (also where the patterns would take more than
    256 MB), OutOfRangeError, TooCostlyError, UnsupportedArchitectureError (the model gives no attention weights),
    NonFiniteError, MemoryExhaustedError, Cancelled
    """
    encoded = lm.encode(prompt)
    at_layers, at_heads, places = _chosen(lm, layers, heads, positions, len(encoded), ablation, batch_size)
    cost = _cost(lm, encoded, target, foil, at_layers, at_heads, places)
    allow(cost, confirm, "Ask for fewer layers=[...] or heads=[...], for late positions only (positions=[-1])")
    began = time.perf_counter()
    function = metric if metric is not None or foil is not None else "log-probability"
    with torch.no_grad(), lm.run(cancel=cancel, prompt_length=len(encoded)) as run, Bar(progress) as bar:
        question = ask(lm, encoded, target, foil, function)
        run.check()
        weights, switched = attention_weights(lm, torch.as_tensor(encoded.ids)[None], layers=at_layers, heads=at_heads)
        patterns = weights.float().cpu().numpy()
        del weights
        study = _Study(lm, question, at_layers, places, batch_size)
        spots = [(layer, head) for layer in at_layers for head in at_heads]
        total = len(spots) + CHECKED + 1

        def values_of(cells: Sequence[Cell], done: int) -> tuple[Floats, NDArray[np.int64], Floats]:
            return study.values(cells, lambda more: bar.advance(min(done + more, total), total, "heads"))

        values, choice, chance = values_of([[study.off(spot, ablation)] for spot in spots], 0)
        effects = values - question.value
        order = np.argsort(-np.abs(effects), kind="stable")[:CHECKED]
        other = ABLATIONS[1 - ABLATIONS.index(ablation)]
        swapped = values_of([[study.off(spots[i], other)] for i in order], len(spots))[0] - question.value
        lowering = [int(i) for i in np.argsort(effects, kind="stable")[:CHECKED] if effects[i] < 0]
        lowering = [] if question.function == "entropy" else lowering  # which says nothing of support
        together = [[study.off(spots[i], ablation) for i in lowering]] if len(lowering) > 1 else []
        joint = values_of(together, len(spots) + CHECKED)[0] - question.value
        bar.finish("heads")
        interventions = run.snapshot.names
    first = int(question.candidates[0].id)
    diagnostics = diagnose(
        effects,
        swapped=swapped,
        checked=effects[order],
        joint=float(joint[0]) if len(joint) else None,
        apart=effects[lowering],
        changed=int((choice != first).sum()),
        last=patterns[:, :, -1].reshape(len(spots), -1),
    )
    shape = (len(at_layers), len(at_heads))
    ids = sorted({int(i) for i in choice} | {first})
    return HeadsResult(
        text=encoded.text,
        tokens=encoded.tokens,
        token_ids=encoded.ids,
        spans=encoded.spans,
        layers=np.asarray(at_layers, np.int64),
        heads=np.asarray(at_heads, np.int64),
        key_value_heads=lm.architecture.n_key_value_heads,
        query_heads=lm.architecture.n_heads,
        n_layers=lm.architecture.n_layers,
        patterns=patterns,
        ablation=ablation,
        positions=np.asarray(range(len(encoded)) if places is None else places, np.int64),
        metric=question.function,
        unit=question.unit,
        target=question.target,
        target_ids=question.target_ids,
        foil=question.foil,
        foil_ids=question.foil_ids,
        value=question.value,
        ablated=values.reshape(shape),
        answer_ids=choice.reshape(shape),
        answer_probability=chance.reshape(shape),
        words={i: decode(lm.tokenizer, [i]) for i in ids},
        top=question.candidates,
        diagnostics=diagnostics,
        verdict=judge(diagnostics, ablation=ablation, unit=question.unit, strongest=spots[int(order[0])]),
        provenance=provenance_of(
            lm,
            prompt,
            bos=encoded.bos,
            interventions=interventions,
            seed=seed,
            batch_size=study.largest,
            forward_passes=question.forward_passes + 1 + study.passes,
            seconds=time.perf_counter() - began,
            notes=("attention was computed in its plain form for the patterns",) if switched else (),
        ),
    )


def estimate_heads(
    lm: LanguageModel,
    prompt: Prompt,
    *,
    target: Wish | None = None,
    foil: Wish | None = None,
    metric: str | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    ablation: str = "zero",
    positions: Sequence[int] | None = None,
    batch_size: int | None = None,
    **settings: object,
) -> Cost:
    """What `heads` with the same arguments would cost; runs nothing."""
    encoded = lm.encode(prompt)
    at_layers, at_heads, places = _chosen(lm, layers, heads, positions, len(encoded), ablation, batch_size)
    if metric is not None:
        check_function(metric, 1, foil)
    return _cost(lm, encoded, target, foil, at_layers, at_heads, places)


class _Study:
    """The recorded passes of a question, and the number with some heads switched off."""

    def __init__(
        self,
        lm: LanguageModel,
        question: Question,
        layers: Sequence[int],
        places: Sequence[int] | None,
        batch_size: int | None,
    ) -> None:
        self.lm, self.question, self.batch_size = lm, question, batch_size
        self.n, self._places = len(question.prompt), places
        self.passes, self.largest = 0, 1
        sites = [Site("head_out", layer) for layer in layers]
        ids = [np.concatenate([question.prompt.ids, tail]) for tail in question.tails]
        self._recorded = [Pass(lm, lm.embed(torch.as_tensor(one)[None]), capture=sites) for one in ids]
        self.passes += len(ids)
        size = lm.architecture.head_dim
        found = self._recorded[0].captured
        self._means = {site.layer: found[site][:, : self.n].mean(1, keepdim=True) for site in sites}
        self._size = size

    def off(self, spot: tuple[int, int], ablation: str) -> Patch:
        """One head switched off, in every recorded pass: positions past a pass's end are left out there."""
        layer, head = spot
        columns = slice(head * self._size, (head + 1) * self._size)
        mean = self._means[layer][..., columns]
        value = torch.zeros_like(mean) if ablation == "zero" else mean
        return Patch("head_out", layer, (), value, columns)

    def values(self, cells: Sequence[Cell], advance: Callable[[int], None]) -> tuple[Floats, NDArray[np.int64], Floats]:
        """The number of each cell, the first choice after the prompt, and its probability."""
        if not cells:
            return np.zeros(0), np.zeros(0, np.int64), np.zeros(0)
        states = [self._states(recorded, cells, advance) for recorded in self._recorded]
        longest = max(one.shape[1] for one in states)
        values, choice, chance = [], [], []
        size = max(LOGIT_ROWS // longest, 1)
        with self.lm.run() as run:
            for start in range(0, len(cells), size):
                run.check()
                piece = [one[start : start + size] for one in states]
                values.append(self.question.read(piece).cpu().double().numpy())
                logits = self.lm.head(piece[0][:, 0]).float()
                best = logits.max(-1)
                choice.append(best.indices.cpu().numpy())
                chance.append((best.values - logits.logsumexp(-1)).exp().cpu().double().numpy())
        found = np.concatenate(values)
        if not np.isfinite(found).all():
            require_finite(self.lm, torch.as_tensor(self.question.prompt.ids)[None], torch.as_tensor(found))
        return found, np.concatenate(choice), np.concatenate(chance)

    def _states(self, recorded: Pass, cells: Sequence[Cell], advance: Callable[[int], None]) -> Tensor:
        """Last hidden states from the prompt's last token on, (cells, 1 + tail, width)."""
        everywhere = range(recorded.tokens) if self._places is None else self._places
        placed = [
            [Patch(p.kind, p.layer, everywhere, p.values.expand(-1, len(everywhere), -1), p.columns) for p in cell]
            for cell in cells
        ]
        found: dict[int, Tensor] = {}

        def work(numbers: Sequence[int], states: Tensor) -> None:
            found.update(zip(numbers, states[:, 0], strict=True))
            advance(len(found))

        read = slice(self.n - 1, recorded.tokens)
        self.largest = max(self.largest, resume(recorded, placed, read, work, batch_size=self.batch_size))
        self.passes += len(cells)
        return torch.stack([found[number] for number in range(len(cells))])


def _chosen(
    lm: LanguageModel,
    layers: Sequence[int] | None,
    heads: Sequence[int] | None,
    positions: Sequence[int] | None,
    length: int,
    ablation: str,
    batch_size: int | None,
) -> tuple[list[int], list[int], list[int] | None]:
    """Layers, heads and positions from 0, ascending; None stays None for positions."""
    if ablation not in ABLATIONS:
        raise not_one_of("ablation", ablation, ABLATIONS)
    if batch_size is not None and (isinstance(batch_size, bool) or batch_size < 1):
        raise ArgumentError(f"batch_size={batch_size!r}: a whole number from 1")
    at_layers = chosen_layers(lm, layers)
    at_heads = _chosen_heads(lm, heads)
    places = None if positions is None else chosen_positions(positions, length)
    size = 4 * len(at_layers) * len(at_heads) * length**2
    if size > PATTERN_BYTES:
        raise ArgumentError(_too_large(len(at_layers), len(at_heads), length, size))
    return at_layers, at_heads, places


def _chosen_heads(lm: LanguageModel, heads: Sequence[int] | None) -> list[int]:
    if heads is None:
        return list(range(lm.architecture.n_heads))
    if isinstance(heads, str | int) or not len(heads):
        raise ArgumentError(f"heads={heads!r}: give a list of heads, such as heads=[0], or leave it out for all")
    return sorted({lm.architecture.check_head(int(head)) for head in heads})


def _too_large(layers: int, heads: int, length: int, size: int) -> str:
    fits = PATTERN_BYTES // (4 * heads * length**2)
    single = PATTERN_BYTES // (4 * length**2)
    if fits:
        works = f"ask for at most {fits} layers at a time, as in layers={list(range(min(fits, 3)))}"
    elif single:
        works = f"ask for one layer and at most {single} heads at a time, as in layers=[0], heads=[0]"
    else:
        works = "shorten the prompt"
    return (
        f"layers, heads: the attention of {layers} layers x {heads} heads on {length} tokens takes"
        f" {size / 1e6:,.0f} MB, and a result holds {PATTERN_BYTES / 1e6:.0f} MB; {works}"
    )


def _cost(
    lm: LanguageModel,
    encoded: Encoded,
    target: Wish | None,
    foil: Wish | None,
    layers: Sequence[int],
    heads: Sequence[int],
    places: Sequence[int] | None,
) -> Cost:
    """A cell takes the layers from its own on, and the positions from the first that is switched off."""
    n, first = len(encoded), places[0] if places else 0
    asking, each = count_passes(lm, encoded, target, foil)
    spots = len(layers) * len(heads)
    checks = min(CHECKED, spots) + 1
    cells = [(first, layer) for layer in layers for _ in heads] + [(first, 0)] * checks
    cost = resume_cost(lm, cells, n, each)
    patterns = 4 * (spots + lm.architecture.n_heads) * n**2
    return Cost(
        asking + 1 + each * (1 + len(cells)),
        cost.seconds + (asking + 1) * n * lm.seconds_per_token,
        cost.bytes + patterns + 3 * 4 * LOGIT_ROWS * lm.architecture.vocabulary,
    )
