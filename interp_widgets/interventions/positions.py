"""At which tokens an intervention acts.

"all"         every token
"prompt"      the tokens of the prompt
"generated"   the tokens after it
"last"        the last token of the prompt and every generated one: the position that predicts the next token, at each
              step of generation. Equal with and without a key-value cache
[4, -1]       single tokens of the prompt, counted from 0; negative ones from the prompt's end
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.models.hooks import Frame

POLICIES = ("all", "prompt", "generated", "last")
Positions = str | tuple[int, ...]


def check_positions(positions: str | Sequence[int]) -> Positions:
    """A policy by name or a tuple of integers. Raises ArgumentError."""
    if isinstance(positions, str):
        if positions in POLICIES:
            return positions
    elif isinstance(positions, Sequence) and positions and all(type(p) is int for p in positions):
        return tuple(int(p) for p in positions)
    raise ArgumentError(f"positions={positions!r}: one of {', '.join(POLICIES)}, or a list of token positions")


def chosen(positions: Positions, frame: Frame | None, activation: Tensor) -> Tensor | None:
    """Which of the current tokens are meant: bool, (batch, tokens, 1); None for all."""
    if positions == "all" or frame is None:
        return None
    at, length = frame.positions.to(activation.device), frame.prompt_length.to(activation.device)
    if positions == "prompt":
        mask = (at >= 0) & (at < length)
    elif positions == "generated":
        mask = at >= length
    elif positions == "last":
        mask = at >= length - 1
    else:
        mask = torch.zeros_like(at, dtype=torch.bool)
        for position in positions:
            assert isinstance(position, int)  # a policy by name was handled above
            mask |= at == (position if position >= 0 else length + position)
        mask &= at >= 0
    return mask[..., None].expand(activation.shape[0], -1, 1)
