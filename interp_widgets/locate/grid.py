"""What the analyses over positions and layers share: which of them are meant, and what their cells cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.models.memory import forward_bytes
from interp_widgets.models.prefix import can_reuse
from interp_widgets.models.resume import batch_tokens
from interp_widgets.results.cost import Cost

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def chosen_layers(lm: LanguageModel, layers: Sequence[int] | None) -> list[int]:
    """Layers in ascending order, all by default. Raises OutOfRangeError, ArgumentError."""
    if layers is None:
        return list(range(lm.architecture.n_layers))
    if isinstance(layers, str) or not len(layers):
        raise ArgumentError(f"layers={layers!r}: give a list of layers, or leave it out for all")
    return sorted({lm.architecture.check_layer(int(layer)) for layer in layers})


def chosen_positions(positions: Sequence[int] | None, length: int) -> list[int]:
    """Positions in ascending order, all by default; negative ones count from the end. Raises OutOfRangeError."""
    if positions is None:
        return list(range(length))
    wrong = [p for p in positions if not -length <= p < length]
    if wrong or not len(positions):
        raise OutOfRangeError(f"positions={list(positions)!r}: the prompt has positions 0 to {length - 1}")
    return sorted({int(p) % length for p in positions})


def resume_cost(lm: LanguageModel, cells: Sequence[tuple[int, int]], length: int, rows: int) -> Cost:
    """The cost of cells (first position, first layer), each in so many rows of a text of that length."""
    a = lm.architecture
    whole = not can_reuse(lm, length)
    computed = sum((length if whole else length - place) * (a.n_layers - layer) / a.n_layers for place, layer in cells)
    body = sum(p.numel() for layer in a.layers for p in layer.parameters())
    heads = (len(cells) + 1) * a.vocabulary * a.width / body
    tokens = rows * (computed + heads + length) + 2 * length
    recorded = 4 * a.n_layers * a.width * length * (3 * rows + 2)
    peak = forward_bytes(lm, min(batch_tokens(lm), rows * length * max(len(cells), 1)))
    return Cost(2 + rows * (1 + len(cells)), tokens * lm.seconds_per_token, recorded + peak)
