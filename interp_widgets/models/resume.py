"""Many changed runs of one text for less than one pass each: go on from the middle of a pass.

A *cell* replaces a few activations of a recorded pass.  What it cannot change is not computed again:

1. layers below the first replaced activation, whose states were recorded;
2. positions before the first replaced one, which causal attention keeps independent of it: their keys and values were
   recorded too.

Cells that begin at the same position go through the layers in one batch, which each joins at its own layer.  The
model's own modules compute every layer, with the masks and rotations that the model itself makes for such a
continuation, so this is the model's computation for every architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame, LayerCall, Snapshot, set_frame
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prefix import can_reuse

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_CPU_TOKENS = 1024
_GPU_TOKENS = 32_768
PATCHABLE = ("resid_pre", "resid_post", "attn_out", "mlp_out", "mlp_key", "head_out")


@dataclass(frozen=True, eq=False)
class Patch:
    """Values in place of a part of one activation.

    kind: one of `PATCHABLE`; layer: from 0
    positions: of the whole text, ascending
    values: (rows, positions, columns), or with 1 for rows: the same for each row of the recorded pass
    columns: which entries of the activation's last dimension
    """

    kind: str
    layer: int
    positions: Sequence[int]
    values: Tensor
    columns: slice = field(default_factory=lambda: slice(None))

    @property
    def entry(self) -> int:
        """The first layer that has to be computed again."""
        return self.layer + (self.kind == "resid_post")


Cell = Sequence[Patch]


class Pass:
    """A forward pass of embeddings (rows, tokens, width), recorded so that cells can go on from it.

    captured: the activations at `capture`, (rows, tokens, ...) each; last: last hidden states, (rows, tokens, width)

    Open it inside a run: what is active there acts on the pass and on its cells.
    """

    def __init__(self, lm: LanguageModel, embeds: Tensor, *, capture: Sequence[Site] = ()) -> None:
        from transformers import DynamicCache

        self.lm, self.rows, self.tokens = lm, embeds.shape[0], embeds.shape[1]
        a = lm.architecture
        cache: Any = DynamicCache(config=lm.model.config)
        entries = [Site("resid_pre", layer) for layer in range(a.n_layers)]
        end = Site("resid_post", a.n_layers - 1)
        with torch.no_grad(), lm.run(capture=[*capture, end], before=entries) as run:
            self.snapshot = run.snapshot
            self.last = lm.hidden(embeds=embeds, past_key_values=cache, use_cache=True)
            self._states = [*(run.given[site] for site in entries), run.captured[end]]
            self.captured = {site: run.captured[site] for site in capture}
        self._keys = [(layer.keys, layer.values) for layer in cache.layers]
        self._keeps_all = can_reuse(lm, self.tokens)
        self._calls: dict[int, list[LayerCall]] = {}

    def start_of(self, cell: Cell) -> int:
        """The first position that has to be computed again."""
        return min(min(patch.positions) for patch in cell) if self._keeps_all else 0

    def states(self, layer: int, start: int) -> Tensor:
        """What goes into a layer, or after the last one out of it, from a position on: (rows, tokens, width)."""
        return self._states[layer][:, start:]

    def calls(self, start: int) -> list[LayerCall]:
        """What the model passes to each layer when it goes on from `start`, by a pass in which no layer computes."""
        if start not in self._calls:
            noted: list[LayerCall] = []
            with self.lm.run(snapshot=Snapshot((), self.lm.architecture), until=-1, calls=noted):
                nothing = torch.zeros_like(self._states[0][:1, start:])
                self.lm.hidden(embeds=nothing, past_key_values=self.cache(start), use_cache=True)
            self._calls[start] = noted
        return self._calls[start]

    def cache(self, start: int, times: int | None = None, layer: int | None = None) -> Any:
        """Keys and values of the positions before `start`: of one layer for `times` copies of every row, or of all
        layers for the first row."""
        from transformers import DynamicCache

        cache: Any = DynamicCache(config=self.lm.model.config)
        if start:
            for number in range(len(self._keys)) if layer is None else [layer]:
                keys, values = (
                    part[:1, :, :start] if times is None else part[:, :, :start].repeat(times, 1, 1, 1)
                    for part in self._keys[number]
                )
                cache.update(keys, values, number)
        return cache


class _Patcher:
    """The change that puts the values of all cells in place, each in its own rows of the batch; it acts last."""

    replaces = True

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._where = {(patch.kind, patch.layer) for cell in cells for patch in cell if patch.kind != "resid_post"}
        self.now: dict[tuple[str, int], list[tuple[slice, Patch]]] = {}
        self.start = 0

    def __str__(self) -> str:
        return "patches"

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        return [(Site(kind, layer), self._action(kind, layer)) for kind, layer in sorted(self._where)]

    def _action(self, kind: str, layer: int) -> Action:
        def put(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            return self.put(activation, kind, layer)

        return put

    def put(self, activation: Tensor, kind: str, layer: int) -> Tensor:
        found = self.now.get((kind, layer))
        if not found:
            return activation
        changed = activation.clone()
        for rows, patch in found:
            at = torch.as_tensor(patch.positions, device=changed.device) - self.start
            changed[rows, at, patch.columns] = patch.values.to(changed)
        return changed


def batch_tokens(lm: LanguageModel) -> int:
    """Tokens of a batch at its fullest."""
    return _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS


def resume(
    recorded: Pass,
    cells: Sequence[Cell],
    read: slice,
    work: Callable[[Sequence[int], Tensor], None],
    *,
    batch_size: int | None = None,
) -> int:
    """Compute the last hidden states of every cell at the positions `read` of the text, a batch at a time.

    work: is given the numbers of some cells, and their states (cells, rows, positions read, width)
    batch_size: cells of a batch; by default what makes 1,024 tokens (32,768 on a GPU)

    Returns the largest batch, in cells.  Raises MemoryExhaustedError where a single cell does not fit, Cancelled.
    """
    lm, n = recorded.lm, recorded.tokens
    first_read = range(n)[read][0]
    groups: dict[int, list[int]] = {}
    for number, cell in enumerate(cells):
        groups.setdefault(min(recorded.start_of(cell), first_read), []).append(number)
    patcher = _Patcher(cells)
    tokens = batch_tokens(lm)
    largest = 1
    changes = (*recorded.snapshot.changes, patcher)
    with torch.no_grad():
        for start in sorted(groups):
            group = sorted(groups[start], key=lambda number: min(patch.entry for patch in cells[number]))
            size = batch_size or max(tokens // (recorded.rows * (n - start)), 1)
            calls = recorded.calls(start)
            with lm.run(snapshot=Snapshot(changes, lm.architecture)):
                patcher.start = start

                def some(begin: int, end: int, group: list[int] = group, calls: list[LayerCall] = calls) -> None:
                    chosen = group[begin:end]
                    states = _walk(recorded, [cells[i] for i in chosen], patcher, calls, read)
                    work(chosen, states.unflatten(0, (len(chosen), recorded.rows)))

                largest = max(largest, min(in_batches(len(group), size, some), len(group)))
    return largest


def _walk(recorded: Pass, cells: Sequence[Cell], patcher: _Patcher, calls: Sequence[LayerCall], read: slice) -> Tensor:
    """One batch through the layers; cells come sorted by the layer at which they join."""
    lm, rows, start = recorded.lm, recorded.rows, patcher.start
    a = lm.architecture
    entries = [min(patch.entry for patch in cell) for cell in cells]
    patcher.now = {}
    for number, cell in enumerate(cells):
        for patch in cell:
            spot = slice(number * rows, (number + 1) * rows)
            patcher.now.setdefault((patch.kind, patch.layer), []).append((spot, patch))
    hidden = recorded.states(0, start)[:0]
    for layer in range(entries[0], a.n_layers + 1):
        joining = entries.count(layer)
        if joining:
            hidden = torch.cat([hidden, recorded.states(layer, start).repeat(joining, 1, 1)])
        hidden = patcher.put(hidden, "resid_post", layer - 1)
        if layer < a.n_layers:
            cache = recorded.cache(start, hidden.shape[0] // rows, layer)
            set_frame(lm.board, hidden, past=start)
            hidden = call_layer(lm, layer, calls[layer], hidden, cache)
    n = recorded.tokens
    at = [position - start for position in range(n)[read]]
    final: Tensor = a.final_norm(hidden[:, at])
    return final


def call_layer(lm: LanguageModel, layer: int, call: LayerCall, hidden: Tensor, cache: Any) -> Tensor:
    """One layer of the model on hidden states (rows, tokens, width) and a cache of ours, with all else that the model
    itself passed to it."""
    from transformers import Cache

    def ours(value: Any) -> Any:
        return cache if isinstance(value, Cache) else value

    kwargs = {name: ours(value) for name, value in call.kwargs.items()}
    if "hidden_states" in kwargs:
        kwargs["hidden_states"] = hidden
        output = lm.architecture.layers[layer](*map(ours, call.args), **kwargs)
    else:
        output = lm.architecture.layers[layer](hidden, *map(ours, call.args[1:]), **kwargs)
    states: Tensor = output[0] if isinstance(output, tuple) else output
    return states
