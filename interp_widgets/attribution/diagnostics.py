"""Measurements that say whether scores may be believed, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.attribution.target import Question
from interp_widgets.results.numbers import signed
from interp_widgets.results.provenance import Verdict

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

# Thresholds of the verdict. Completeness: |sum - due| relative to what is due.
TRUST_ERROR = 0.05
CAUTION_ERROR = 0.20
# Deletion: how far the scores' order beats random order, in standard deviations of the random orders.
BEATS_RANDOM = 2.0
RANDOM_ORDERS = 20


def completeness_error(scores: NDArray[np.float64], due: float) -> float:
    """|sum of scores - due| / max(|due|, 1 % of the sum of |scores|): 0 is perfect. The second term keeps a
    vanishing `due` from making noise of rounding look like a failure."""
    total = float(scores.sum())
    scale = max(abs(due), 0.01 * float(np.abs(scores).sum()), 1e-12)
    return abs(total - due) / scale


@dataclass(frozen=True)
class Deletion:
    """How much the explained number falls, on average over k, when the k highest tokens are replaced.

    drop: in the order of the scores; random_mean, random_deviation: over random orders of the same tokens.
    """

    drop: float
    random_mean: float
    random_deviation: float
    forward_passes: int

    @property
    def z(self) -> float:
        return (self.drop - self.random_mean) / max(self.random_deviation, 1e-9)


def deletion(question: Question, scores: NDArray[np.float64], *, seed: int, batch_size: int) -> Deletion:
    """Comprehensiveness (DeYoung et al. 2020) against random order.

    For each of at most five values of k, spread over half of the prompt, the top-k tokens are replaced by the
    end-of-text token and the number is computed again.
    """
    lm = question.lm
    n = len(scores)
    ks = sorted({max(1, round(n / 2 * part)) for part in (0.2, 0.4, 0.6, 0.8, 1.0)})
    chance = np.random.default_rng(seed)
    orders = [np.argsort(-scores, kind="stable"), *(chance.permutation(n) for _ in range(RANDOM_ORDERS))]
    rows = np.tile(question.prompt.ids, (len(orders) * len(ks), 1))
    for i, order in enumerate(orders):
        for j, k in enumerate(ks):
            rows[i * len(ks) + j, order[:k]] = filler(lm)
    values = evaluate(question, rows, batch_size=batch_size)
    drops = (question.value - values).reshape(len(orders), len(ks)).mean(1)
    return Deletion(
        drop=float(drops[0]),
        random_mean=float(drops[1:].mean()),
        random_deviation=float(drops[1:].std()),
        forward_passes=len(rows) * question.passes_each,
    )


def filler(lm: LanguageModel) -> int:
    """The token that stands for "deleted": end-of-text, else padding, else the first of the vocabulary."""
    ids = (lm.tokenizer.eos_token_id, lm.tokenizer.pad_token_id, 0)
    return int(next(i for i in ids if i is not None))


def evaluate(question: Question, rows: NDArray[np.int64], *, batch_size: int) -> NDArray[np.float64]:
    """The explained number for prompts of the same length, (rows, tokens) -> (rows,)."""
    parts = []
    with torch.no_grad():
        for chunk in torch.as_tensor(rows).split(max(batch_size, 1)):
            parts.append(question.values(question.lm.embed(chunk)).double().cpu().numpy())
    return np.concatenate(parts)


def verdict_of_path(
    total: float, due: float, error: float, test: Deletion | None, unit: str, advice: Sequence[str]
) -> Verdict:
    """The verdict on a method that promises completeness.

    error > 20 %: do not trust. Otherwise the order of the tokens is tested by deletion: no better than chance is "do
    not trust"; error <= 5 % and an order that clearly beats chance is "trust"; the rest is "caution".
    """
    sums = f"scores sum to {signed(total)}, where {signed(due)} {unit} is due"
    if error > CAUTION_ERROR or test is None:
        off = f"off by {error:.0%}" if error < 10 else f"off by a factor of {error:.0f}"
        why = (
            "Integrated gradients promises that its scores sum to the difference between the prompt and the baseline"
            " (completeness). Here they do not, so the sum over the path has not converged and single scores mean"
            " little.",
            *advice,
        )
        return Verdict("do not trust", f"{sums} ({off}); the path integral has not converged", why)
    moved = (
        f"deleting the top tokens moves the {unit} by {signed(-test.drop)}, random order by {signed(-test.random_mean)}"
    )
    if test.z < BEATS_RANDOM / 2:
        why = ("The sum is right, but the order of the tokens is no better than chance.", *advice)
        return Verdict("do not trust", f"{moved}; the order is no better than chance", why)
    if error > TRUST_ERROR or test.z < BEATS_RANDOM:
        return Verdict("caution", f"{sums} (off by {error:.0%}); {moved}", tuple(advice))
    return Verdict("trust", f"{sums} (off by {error:.1%}); {moved}")
