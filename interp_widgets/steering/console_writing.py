"""The work behind the steering console.

1. The steered and the unsteered text are written in turns, a token each, the steered one first: a slider is answered by
   the first token, and the unsteered text is kept for as long as prompt, length, temperature, seed and the ledger stay.
2. When a text is whole, the unsteered model reads it once: log-probabilities of its tokens, and their scores along each
   vector.  The model that steers would score what was added to it.
3. The grid is filled layer by layer; all strengths of a layer are rows of one batch.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, NonFiniteError, not_one_of
from interp_widgets.models.architectures import Site
from interp_widgets.models.continued import continued
from interp_widgets.models.generation import Step, stop_tokens
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.results.provenance import Provenance, provenance_of
from interp_widgets.steering.console import Grid, SteeringResult, Written
from interp_widgets.steering.console_preset import PROJECTION, SCORE
from interp_widgets.steering.console_settings import (
    Settings,
    described,
    grid_axes,
    has_scale,
    interventions,
)
from interp_widgets.steering.console_verdict import judge
from interp_widgets.steering.vector import ControlVector

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]
OnStep = Callable[[int, Written], None]  # which text (0 unsteered, 1 steered), and what it is so far
GRID_TOKENS = 20
_KEPT = 8  # unsteered texts


@dataclass(frozen=True, eq=False)
class _Read:
    """A text, its scores (vectors, tokens) and what it took."""

    written: Written
    scores: Floats
    passes: int


class Writer:
    """Writes for one set of vectors; remembers unsteered texts."""

    def __init__(self, vectors: Sequence[ControlVector]) -> None:
        self.vectors = tuple(vectors)
        # What was active stands in the entry itself, so that no other intervention can take its place in memory.
        self._kept: OrderedDict[Any, tuple[tuple[Any, ...], _Read]] = OrderedDict()

    def blank(self, lm: LanguageModel, settings: Settings, grid: Grid | None) -> SteeringResult:
        """Before the first run."""
        nothing = _Read(Written(), np.zeros((len(self.vectors), 0)), 0)
        return self._result(lm, settings, nothing, nothing, grid, 0, time.perf_counter())

    def write(
        self,
        lm: LanguageModel,
        settings: Settings,
        grid: Grid | None,
        *,
        cancel: threading.Event,
        progress: Progress,
        on_step: OnStep,
    ) -> SteeringResult:
        """Both texts; `on_step` hears of each token. Raises what `lm.stream` raises."""
        began = time.perf_counter()
        prompt = lm.encode(settings.prompt).ids.tolist()
        key, active = _key(prompt, settings), lm.ledger.active
        kept = self._kept.get(key)
        plain = kept[1] if kept is not None and _same(kept[0], active) else None
        acts = interventions(self.vectors, settings)
        drafts = [] if plain is not None else [_Draft(lm, 0, settings, [], cancel)]
        if acts:
            drafts.insert(0, _Draft(lm, 1, settings, acts, cancel))
        if plain is not None:
            on_step(0, plain.written)
        total, done = settings.max_new_tokens * max(len(drafts), 1) + 1, 0
        passes = 0
        going = list(drafts)
        while going:
            for draft in list(going):
                if not draft.advance():
                    going.remove(draft)
                    continue
                passes += 1
                done += 1
                on_step(draft.side, draft.written(lm))
                if draft.side == 0 and not acts:
                    on_step(1, draft.written(lm))
                progress(done, total, "writing")
        progress(total - 1, total, "reading")
        fresh = [draft.written(lm) for draft in drafts]
        found = dict(zip((draft.side for draft in drafts), self._read(lm, prompt, fresh, cancel), strict=True))
        if plain is None:
            plain = found[0]
            self._keep(key, active, plain)
        steered = found[1] if acts else plain
        passes += len(fresh)
        return self._result(lm, settings, plain, steered, grid, passes, began)

    def fill(
        self,
        lm: LanguageModel,
        shown: SteeringResult,
        settings: Settings,
        *,
        vector: str | None,
        layers: Sequence[int] | None,
        strengths: Sequence[float] | None,
        cancel: threading.Event,
        progress: Progress,
        partial: Callable[[SteeringResult], None],
    ) -> SteeringResult:
        """The result with a grid of texts for one vector alone, greedy; `partial` hears of each row."""
        chosen = self.find(vector)
        used = described(self.vectors, settings)[self.vectors.index(chosen)]
        rows, across = grid_axes(chosen, used)
        rows = rows if layers is None else [lm.architecture.check_layer(layer) for layer in layers]
        across = across if strengths is None else sorted({0.0, *map(float, strengths)})
        empty: Any = tuple(tuple(None for _ in across) for _ in rows)
        where = tuple((layer,) for layer in rows)
        unit = SCORE if has_scale(chosen) else PROJECTION
        grid = Grid(chosen.name, where, tuple(across), empty, empty, empty, unit)
        prompt = lm.encode(settings.prompt).ids.tolist()
        length = min(settings.max_new_tokens, GRID_TOKENS)
        place = self.vectors.index(chosen)
        for i, layer in enumerate(rows):

            def told(done: int, total: int, text: str, row: int = i) -> None:
                progress(row * total + done, total * len(rows), "filling the grid")

            steer = chosen.with_bounds(None).steer(
                layers=layer, strength=across, positions=settings.positions, keep_norm=settings.keep_norm
            )
            with lm.using(steer):
                found = generate_batch(
                    lm, [prompt] * len(across), max_new_tokens=length, cancel=cancel, advance=told
                )  # fmt: skip
            texts = [_written(lm, list(ids), [], 0.0) for ids in found.ids]
            read = self._read(lm, prompt, texts, cancel)
            base = read[across.index(0.0)].written.perplexity
            concept = [_mean(one.scores[place]) for one in read]
            ratio = [_finite(one.written.perplexity / base) for one in read]
            grid = replace(
                grid,
                texts=_put(grid.texts, i, [(one.text,) for one in texts]),
                concept=_put(grid.concept, i, concept),
                perplexity=_put(grid.perplexity, i, ratio),
            )
            shown = replace(shown, grid=grid)
            partial(shown)
        return shown

    def find(self, name: str | None) -> ControlVector:
        """A vector by name; the first by default. Raises ArgumentError."""
        names = [v.name for v in self.vectors]
        if name is not None and name not in names:
            raise not_one_of("vector", name, names)
        return self.vectors[0 if name is None else names.index(name)]

    def _keep(self, key: Any, active: tuple[Any, ...], plain: _Read) -> None:
        self._kept[key] = (active, plain)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _read(
        self, lm: LanguageModel, prompt: list[int], texts: Sequence[Written], cancel: threading.Event
    ) -> list[_Read]:
        """Texts after the prompt as the model reads them now, all in one batch."""
        longest = max((len(text.ids) for text in texts), default=0)
        if longest == 0:
            return [_Read(text, np.zeros((len(self.vectors), 0)), 0) for text in texts]
        n = len(prompt)
        ids = torch.tensor([[*prompt, *text.ids, *[0] * (longest - len(text.ids))] for text in texts])
        sites = {v.best_layer: Site("resid_post", v.best_layer) for v in self.vectors}
        found = []
        with torch.no_grad(), lm.run(cancel=cancel, capture=list(sites.values())) as run:
            hidden = lm.hidden(ids)
            for row, text in enumerate(texts):
                own = len(text.ids)
                logits = lm.head(hidden[row, n - 1 : n - 1 + own]).float()
                chosen = torch.tensor(text.ids, dtype=torch.long, device=logits.device)[:, None]
                read = logits.log_softmax(-1).gather(-1, chosen)[:, 0].cpu().double().numpy()
                states = {
                    layer: run.captured[site][row, n : n + own].float().cpu().numpy() for layer, site in sites.items()
                }
                scores = np.asarray([_scores(v, states[v.best_layer]) for v in self.vectors])
                if not (np.isfinite(read).all() and np.isfinite(scores).all()):
                    raise NonFiniteError(
                        "what was read of a text is not finite; an active intervention may be too strong"
                    )
                whole = replace(text, read=tuple(float(x) for x in read))
                found.append(_Read(whole, scores.reshape(len(self.vectors), own), 1))
        return found

    def _result(
        self,
        lm: LanguageModel,
        settings: Settings,
        plain: _Read,
        steered: _Read,
        grid: Grid | None,
        passes: int,
        began: float,
    ) -> SteeringResult:
        used = described(self.vectors, settings)
        return SteeringResult(
            vectors=used,
            settings=settings.plain(),
            plain=plain.written,
            steered=steered.written,
            plain_scores=plain.scores,
            steered_scores=steered.scores,
            grid=grid,
            complete=bool(passes) or plain.passes > 0,
            verdict=judge(used, plain.written.perplexity, steered.written.perplexity),
            provenance=_provenance(lm, settings, passes, time.perf_counter() - began),
        )


def _provenance(lm: LanguageModel, settings: Settings, passes: int, seconds: float) -> Provenance:
    return provenance_of(
        lm,
        settings.prompt,
        bos=lm.encode(settings.prompt).bos,
        interventions=lm.ledger.active_names(),
        seed=settings.seed,
        batch_size=1,
        forward_passes=passes,
        seconds=seconds,
    )


class _Draft:
    """A text that is being written; holds the interventions of its first token to its end."""

    def __init__(
        self, lm: LanguageModel, side: int, settings: Settings, acts: Sequence[Any], cancel: threading.Event
    ) -> None:
        self.side, self._lm, self._acts = side, lm, acts
        self._ids: list[int] = []
        self._probabilities: list[float] = []
        self._began = time.perf_counter()
        self._taken = 0.0
        self._stops = stop_tokens(lm)
        self._steps: Iterator[Step] = lm.stream(
            settings.prompt,
            max_new_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            cancel=cancel,
        )

    def advance(self) -> bool:
        """Write one more token; False at the end."""
        began = time.perf_counter()
        try:
            if self._ids:
                step = next(self._steps)
            else:
                with self._lm.using(*self._acts):
                    step = next(self._steps)
        except StopIteration:
            return False
        self._taken += time.perf_counter() - began
        if step.id in self._stops:
            return False
        self._ids.append(step.id)
        self._probabilities.append(step.probability)
        return True

    def written(self, lm: LanguageModel) -> Written:
        return _written(lm, self._ids, self._probabilities, self._taken / max(len(self._ids), 1))


def _written(lm: LanguageModel, ids: Sequence[int], probabilities: Sequence[float], pace: float) -> Written:
    if not ids:
        return Written()
    found = continued(lm, ids)
    return Written(
        text=found.text,
        tokens=found.tokens,
        ids=tuple(int(i) for i in ids),
        spans=found.spans,
        probabilities=tuple(float(p) for p in probabilities),
        pace=pace,
    )


def _scores(vector: ControlVector, states: Floats) -> Floats:
    """(tokens,); for a vector without fitting pairs the projection, in multiples of the residual norm where known."""
    if has_scale(vector):
        return vector.scores(states, vector.best_layer)
    row = vector.layers.index(vector.best_layer)
    direction = vector.matrix[row].astype(np.float64)
    norm = float(vector.norm[row])
    length = float(np.linalg.norm(direction)) * (norm if np.isfinite(norm) and norm else 1.0)
    return np.asarray(states.astype(np.float64) @ direction / (length or 1.0))


def _key(prompt: list[int], settings: Settings) -> Any:
    return (tuple(prompt), settings.max_new_tokens, settings.temperature, settings.seed)


def _same(before: Sequence[Any], now: Sequence[Any]) -> bool:
    return len(before) == len(now) and all(a is b for a, b in zip(before, now, strict=True))


def _put(table: Any, row: int, cells: Sequence[Any]) -> Any:
    return tuple(tuple(cells) if i == row else old for i, old in enumerate(table))


def _mean(scores: Floats) -> float | None:
    return float(scores.mean()) if scores.size else None


def _finite(x: float) -> float | None:
    return x if np.isfinite(x) else None


def check_vectors(lm: LanguageModel, vectors: Sequence[ControlVector]) -> tuple[ControlVector, ...]:
    """At least one, of this model, with names that tell them apart. Raises ArgumentError, FingerprintMismatchError."""
    given = [vectors] if isinstance(vectors, ControlVector) else list(vectors)
    wrong = next((one for one in given if not isinstance(one, ControlVector)), None)
    if not given or wrong is not None:
        raise ArgumentError(f"vectors={wrong if given else vectors!r}: at least one ControlVector")
    for one in given:
        one.check_fits(lm)
    names = [one.name for one in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ArgumentError(
            f"vectors: two are called {twice!r}; name one of them otherwise: dataclasses.replace(v, name='another')"
        )
    return tuple(given)


def grid_of(evaluation: Any) -> Grid:
    """The grid that `iw.evaluate_steering` filled."""
    concept, damage = np.asarray(evaluation.concept, float), np.asarray(evaluation.perplexity, float)
    damage = damage[..., 0] if damage.ndim == 3 else damage
    return Grid(
        vector=str(evaluation.vector),
        layers=tuple(tuple(int(layer) for layer in row) for row in evaluation.layers),
        strengths=tuple(float(x) for x in evaluation.strengths),
        texts=tuple(tuple(tuple(map(str, cell)) for cell in row) for row in evaluation.texts),
        concept=tuple(tuple(_finite(float(x)) for x in row) for row in concept[..., 0]),
        perplexity=tuple(tuple(_finite(float(x)) for x in row) for row in damage),
        unit=str(getattr(evaluation, "unit", SCORE)),
        by="evaluation",
    )
