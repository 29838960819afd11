"""Random states and pairs of prompts for the cases of the lab's exercises."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def normal(rng: np.random.Generator, *shape: int) -> Tensor:
    drawn: Tensor = torch.as_tensor(rng.normal(size=shape))
    return drawn


def unit(rng: np.random.Generator, width: int) -> Tensor:
    direction = normal(rng, width)
    scaled: Tensor = direction / direction.norm()
    return scaled


def states_of_pairs(
    rng: np.random.Generator, pairs: int, layers: int, width: int, gap: float = 2.0
) -> tuple[Tensor, Tensor]:
    """(positive, negative), (pairs, layers, width) each: at every layer a gap of its own size, and noise that differs
    from pair to pair in length, so that it matters in which order one averages and normalises."""
    scale = torch.as_tensor(rng.uniform(0.5, 4.0, (pairs, 1, 1)))
    size = torch.as_tensor(rng.uniform(0.5, 3.0, (1, layers, 1)))
    trait = torch.stack([unit(rng, width) for _ in range(layers)]) * gap
    topic = 3 * normal(rng, pairs, layers, width)
    noise = 0.6 * normal(rng, pairs, layers, width)
    return topic + size * scale * (trait + noise) / 2, topic - size * scale * (trait + noise) / 2


def differences_of(rng: np.random.Generator, differences: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs with these differences, (pairs, width), around topics that have nothing to do with them."""
    topic = 4 * normal(rng, *differences.shape)
    return topic + differences / 2, topic - differences / 2
