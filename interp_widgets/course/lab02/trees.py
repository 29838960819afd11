"""The orders that shap's tree of tokens allows, and the mean contribution over them: Owen values (Owen 1977).

At every fork of the tree either side may come first and neither interrupts the other, so n tokens have 2^(n - 1) such
orders out of n!.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Forks = list[tuple[int, int]]


def forks_of(lm: LanguageModel, text: str) -> Forks:
    """Each fork by its two sides: the number of a token, or the number of tokens + that of an earlier fork."""
    import shap

    masker = shap.maskers.Text(lm.tokenizer, mask_token=lm.tokenizer.eos_token, collapse_mask_token=False)
    return [(int(fork[0]), int(fork[1])) for fork in masker.clustering(text)]


def orders_of(forks: Forks, node: int | None = None) -> Iterator[list[int]]:
    """All orders of the tokens below a node; of the whole tree if none is given."""
    n = len(forks) + 1
    node = 2 * n - 2 if node is None else node
    if node < n:
        yield [node]
        return
    one, other = forks[node - n]
    for first, second in ((one, other), (other, one)):
        for before in orders_of(forks, first):
            for after in orders_of(forks, second):
                yield before + after


def mean_over(orders: Sequence[Sequence[int]], v: Callable[[Tensor], Tensor], n: int) -> Tensor:
    """(n,): what each token adds on average when tokens come in these orders."""
    total = torch.zeros(n, dtype=torch.float64)
    for order in orders:
        kept = torch.zeros(n + 1, n, dtype=torch.bool)
        for place, token in enumerate(order):
            kept[place + 1 :, token] = True
        total[list(order)] += v(kept).diff()
    return total / len(orders)
