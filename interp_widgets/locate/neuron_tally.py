"""What is kept while texts go by: the best texts of every neuron, and figures over all tokens.  Both take a batch and
return what follows, so that a batch that runs out of memory halfway leaves nothing behind; neither depends on the order
or the size of batches (figures up to rounding)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

BINS = 128  # of a histogram; the larger side of zero fills at least a quarter of them
_HALF = BINS // 2
_FINEST = -60  # exponent of the narrowest bin
_COARSEST_STEP = 8  # BINS is two to the seventh: a wider step leaves two bins as well


@dataclass(frozen=True)
class Best:
    """The k best texts of N neurons, best first; of equals the earlier text.

    value: float32, (N, k), largest activation times sign; -inf where there is no text yet
    text, position: int64, (N, k), which text, and the first token in it with that activation
    mass: float64, (N, k), sum over the text's tokens of max(activation * sign, 0)
    """

    value: Tensor
    text: Tensor
    position: Tensor
    mass: Tensor

    @classmethod
    def none(cls, neurons: int, k: int, device: torch.device) -> Best:
        def of(fill: float, dtype: torch.dtype) -> Tensor:
            return torch.full((neurons, k), fill, dtype=dtype, device=device)

        return cls(of(-torch.inf, torch.float32), of(-1, torch.int64), of(0, torch.int64), of(0, torch.float64))

    def with_texts(self, texts: list[int], signed: Tensor, counted: Tensor) -> Best:
        """`signed`: activations times sign, (texts, tokens, N); `counted`: (texts, tokens)."""
        hidden = signed.masked_fill(~counted[..., None], -torch.inf)
        position = hidden.argmax(1)  # of equals the first
        value = hidden.gather(1, position[:, None])[:, 0]
        mass = hidden.clamp(min=0).sum(1, dtype=torch.float64)
        names = torch.as_tensor(texts, device=value.device)[:, None].expand_as(position)
        joined = [
            torch.cat([old, new.T], dim=1)
            for old, new in ((self.text, names), (self.value, value), (self.position, position), (self.mass, mass))
        ]
        by_text = joined[0].argsort(dim=1)
        ordered = joined[1].gather(1, by_text).argsort(dim=1, descending=True, stable=True)
        order = by_text.gather(1, ordered)[:, : self.value.shape[1]]
        text, value, position, mass = (part.gather(1, order) for part in joined)
        return Best(value, text, position, mass)


@dataclass(frozen=True)
class Tally:
    """Figures of N neurons over all tokens that count.

    tokens: how many; mean, squares: float64, (N,), squares about the mean (Chan, Golub & LeVeque 1983); low, high:
    float32, (N,); above: int64, (N,), tokens above zero; mass: float64, (N,), as in `Best`
    exponent: int64, (N,), a bin is two to that wide; counts: int64, (N, BINS). Bin i covers from (i - BINS / 2) widths
    to one more, the lower end included. Bins are joined in pairs where an activation lies beyond them, so counts are
    exact although the range is not known beforehand.
    """

    tokens: int
    mean: Tensor
    squares: Tensor
    low: Tensor
    high: Tensor
    above: Tensor
    mass: Tensor
    exponent: Tensor
    counts: Tensor

    @classmethod
    def none(cls, neurons: int, device: torch.device) -> Tally:
        def of(fill: float, dtype: torch.dtype, *more: int) -> Tensor:
            return torch.full((neurons, *more), fill, dtype=dtype, device=device)

        zero = of(0, torch.float64)
        return cls(
            tokens=0,
            mean=zero,
            squares=zero,
            low=of(torch.inf, torch.float32),
            high=of(-torch.inf, torch.float32),
            above=of(0, torch.int64),
            mass=zero,
            exponent=of(_FINEST, torch.int64),
            counts=of(0, torch.int64, BINS),
        )

    def with_tokens(self, found: Tensor, sign: int) -> Tally:
        """`found`: float32 activations, (tokens, N)."""
        n = len(found)
        total = self.tokens + n
        mean = found.mean(0, dtype=torch.float64)
        squares = (found - mean).square_().sum(0, dtype=torch.float64)
        apart = mean - self.mean
        low, high = found.amin(0), found.amax(0)
        exponent = torch.maximum(self.exponent, _exponents(torch.maximum(low.abs(), high.abs())))
        return replace(
            self,
            tokens=total,
            mean=self.mean + apart * (n / total),
            squares=self.squares + squares + apart.square() * (self.tokens * n / total),
            low=torch.minimum(self.low, low),
            high=torch.maximum(self.high, high),
            above=self.above + (found > 0).sum(0),
            mass=self.mass + (found * sign).clamp_(min=0).sum(0, dtype=torch.float64),
            exponent=exponent,
            counts=_joined(self.counts, exponent - self.exponent) + _counted(found, exponent),
        )

    @property
    def deviation(self) -> Tensor:
        """Standard deviation over the tokens (not of a sample): float64, (N,)."""
        return (self.squares / max(self.tokens, 1)).sqrt()


def _exponents(largest: Tensor) -> Tensor:
    """The smallest width, as a power of two, of which half the bins reach beyond `largest`."""
    _, power = torch.frexp(largest)  # largest < two to the power
    power = torch.where(largest > 0, power.long(), torch.full_like(power, _FINEST).long())
    return (power - (_HALF.bit_length() - 1)).clamp(min=_FINEST)


def _joined(counts: Tensor, steps: Tensor) -> Tensor:
    """Counts in bins that are two to `steps` as wide."""
    if not steps.any():
        return counts
    places = torch.arange(BINS, device=counts.device) - _HALF
    moved = (places[None] >> steps.clamp(max=_COARSEST_STEP)[:, None]) + _HALF  # rounds down, also below zero
    return torch.zeros_like(counts).scatter_add_(1, moved, counts)


def _counted(found: Tensor, exponent: Tensor) -> Tensor:
    neurons = found.shape[1]
    bins = torch.floor(torch.ldexp(found, -exponent)).long() + _HALF
    bins += torch.arange(neurons, device=found.device) * BINS
    return torch.bincount(bins.reshape(-1), minlength=neurons * BINS).reshape(neurons, BINS)
