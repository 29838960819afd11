"""MEND's network: from the gradient of one answer to a change of weights that is better than the gradient itself.

Of each matrix and token it gets u and delta (`mend_gradients`) and gives u~ and delta~, and the change is

    D = -alpha sum_t delta~_t u~_t^T                                 (Mitchell et al. 2022, equations 3 to 5)

1. u and delta are centred and scaled by the mean and deviation of each entry over the training facts.
2. Both go, end to end, through two residual layers of low rank, z + max(0, s1 (U1 V1 z + b1) + o1), then the same with
   no max: U is zero at the start, so that the network begins as the identity.  Matrices of equal shape share U, V and
   b; s and o are each matrix's own.
3. alpha is each matrix's own and learned, as its logarithm, since no fixed start fits every model.
4. Tokens without a gradient take no part.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from interp_widgets.editing.mend.gradients import Outer

Shapes = Mapping[str, tuple[int, int]]  # path to (outputs, inputs)
Factors = dict[str, tuple[Tensor, Tensor]]


class _Layer(nn.Module):
    """s (U V z + b) + o, for the members of one shape."""

    def __init__(self, size: int, rank: int, members: int, chance: torch.Generator) -> None:
        super().__init__()
        self.up = nn.Parameter(torch.zeros(size, rank))
        self.down = nn.Parameter(torch.randn(rank, size, generator=chance) / size**0.5)
        self.bias = nn.Parameter(torch.zeros(size))
        self.scale = nn.Parameter(torch.ones(members, size))
        self.shift = nn.Parameter(torch.zeros(members, size))

    def forward(self, z: Tensor, member: int) -> Tensor:
        found: Tensor = self.scale[member] * (z @ self.down.T @ self.up.T + self.bias) + self.shift[member]
        return found


class _Shared(nn.Module):
    """The two layers of one shape."""

    def __init__(self, size: int, rank: int, members: int, chance: torch.Generator) -> None:
        super().__init__()
        self.first, self.second = (_Layer(size, rank, members, chance) for _ in range(2))

    def forward(self, z: Tensor, member: int) -> Tensor:
        # clamp, not relu: its gradient at exactly 0, where all entries begin, is 1
        z = z + self.first(z, member).clamp(min=0)
        found: Tensor = z + self.second(z, member)
        return found


class MendNetwork(nn.Module):
    """shapes: of the matrices that it changes, in the order of the model; rank: of its layers"""

    def __init__(self, shapes: Shapes, rank: int, seed: int = 0) -> None:
        super().__init__()
        self.shapes = dict(shapes)
        self.rank = rank
        chance = torch.Generator().manual_seed(seed)
        members: dict[tuple[int, int], list[str]] = {}
        for path, shape in self.shapes.items():
            members.setdefault(shape, []).append(path)
        self._place = {path: (number, i) for number, some in enumerate(members.values()) for i, path in enumerate(some)}
        self.shared = nn.ModuleList(_Shared(sum(shape), rank, len(some), chance) for shape, some in members.items())
        self.log_alpha = nn.Parameter(torch.zeros(len(self.shapes)))
        for number, (outputs, inputs) in enumerate(self.shapes.values()):
            self.register_buffer(f"mean_{number}", torch.zeros(inputs + outputs))
            self.register_buffer(f"deviation_{number}", torch.ones(inputs + outputs))

    def fit_scale(self, sums: Mapping[str, tuple[int, Tensor, Tensor]]) -> None:
        """Take mean and deviation from (count, sum, sum of squares) of u and delta end to end, float64."""
        for number, path in enumerate(self.shapes):
            count, total, squares = sums[path]
            mean = total / max(count, 1)
            deviation = (squares / max(count, 1) - mean.square()).clamp(min=0).sqrt()
            getattr(self, f"mean_{number}").copy_(mean)
            # An entry that never moves says nothing, and divided by 0 would say too much.
            getattr(self, f"deviation_{number}").copy_(torch.where(deviation > 0, deviation, torch.inf))

    def transformed(self, found: Mapping[str, Outer]) -> Factors:
        """path to u~ (texts, tokens, inputs) and delta~ (texts, tokens, outputs); zero at tokens without a gradient."""
        made: Factors = {}
        for number, (path, (outputs, inputs)) in enumerate(self.shapes.items()):
            outer = found[path]
            z = torch.cat([outer.inputs, outer.deltas], -1)[outer.kept]
            z = (z - getattr(self, f"mean_{number}")) / getattr(self, f"deviation_{number}")
            which, member = self._place[path]
            z = self.shared[which](z, member)
            out = z.new_zeros(*outer.kept.shape, inputs + outputs)
            out[outer.kept] = z
            made[path] = out[..., :inputs], out[..., inputs:]
        return made

    def forward(self, found: Mapping[str, Outer]) -> Factors:
        """path to left (texts, outputs, tokens) and right (texts, tokens, inputs): left @ right changes the matrix"""
        alpha = self.log_alpha.exp()
        return {
            path: (-alpha[number] * deltas.mT, inputs)
            for number, (path, (inputs, deltas)) in enumerate(self.transformed(found).items())
        }
