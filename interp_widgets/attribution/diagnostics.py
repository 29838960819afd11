"""Measurements that say whether scores may be believed, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.attribution.target import Question
from interp_widgets.errors import NonFiniteError
from interp_widgets.models.memory import in_batches
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

    drop: in the order of the scores; random_mean, random_deviation, random_best: over random orders of the same
    tokens. batch_size: the one that held.
    """

    drop: float
    random_mean: float
    random_deviation: float
    random_best: float
    forward_passes: int
    batch_size: int

    @property
    def z(self) -> float:
        return (self.drop - self.random_mean) / max(self.random_deviation, 1e-9)

    @property
    def like_chance(self) -> bool:
        """Within one deviation of random order, and behind the best of them: among the few orders of two or three
        tokens even the best one cannot stand out."""
        return self.z < BEATS_RANDOM / 2 and self.drop < self.random_best


def deletion_rows(tokens: int) -> int:
    """How many changed prompts `deletion` evaluates at most: equal ones are evaluated once."""
    return len(_counts(tokens)) * (1 + RANDOM_ORDERS)


def _counts(tokens: int) -> list[int]:
    """The values of k."""
    return sorted({max(1, round(tokens / 2 * part)) for part in (0.2, 0.4, 0.6, 0.8, 1.0)})


def deletion(
    question: Question,
    scores: NDArray[np.float64],
    *,
    seed: int,
    batch_size: int,
    advance: Callable[[int], None] = lambda done: None,
) -> Deletion:
    """Comprehensiveness (DeYoung et al. 2020) against random order.

    For each of at most five values of k, spread over half of the prompt, the top-k tokens are replaced by the
    end-of-text token and the number is computed again. `advance` hears the count of changed prompts done.
    Raises NonFiniteError, MemoryExhaustedError, Cancelled.
    """
    lm = question.lm
    n = len(scores)
    ks = _counts(n)
    chance = np.random.default_rng(seed)
    orders = [np.argsort(-scores, kind="stable"), *(chance.permutation(n) for _ in range(RANDOM_ORDERS))]
    rows = np.tile(question.prompt.ids, (len(orders) * len(ks), 1))
    for i, order in enumerate(orders):
        for j, k in enumerate(ks):
            rows[i * len(ks) + j, order[:k]] = filler(lm)
    # Once each: in a short prompt many orders begin alike, and rounding must not tell equal rows apart.
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    values, held = evaluate(question, distinct, batch_size=batch_size, advance=advance)
    drops = (question.value - values[place.reshape(-1)]).reshape(len(orders), len(ks)).mean(1)
    return Deletion(
        drop=float(drops[0]),
        random_mean=float(drops[1:].mean()),
        random_deviation=float(drops[1:].std()),
        random_best=float(drops[1:].max()),
        forward_passes=len(distinct) * question.passes_each,
        batch_size=held,
    )


def filler(lm: LanguageModel) -> int:
    """The token that stands for "deleted": end-of-text, else padding, else the first of the vocabulary."""
    ids = (lm.tokenizer.eos_token_id, lm.tokenizer.pad_token_id, 0)
    return int(next(i for i in ids if i is not None))


def evaluate(
    question: Question, rows: NDArray[np.int64], *, batch_size: int, advance: Callable[[int], None] = lambda done: None
) -> tuple[NDArray[np.float64], int]:
    """The explained number for prompts of the same length, (rows, tokens) -> (rows,), and the batch size that held."""
    values = np.empty(len(rows))

    def work(start: int, stop: int) -> None:
        with torch.no_grad():
            embeds = question.lm.embed(torch.as_tensor(rows[start:stop]))
            values[start:stop] = question.values(embeds).cpu().double().numpy()
        advance(stop)

    held = in_batches(len(rows), batch_size, work)
    if not np.isfinite(values).all():
        raise NonFiniteError(f"{question.lm.name} gives numbers that are not finite when tokens are deleted")
    return values, held


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
    if test.like_chance:
        why = ("The sum is right, but the order of the tokens is no better than chance.", *advice)
        return Verdict("do not trust", f"{moved}; the order is no better than chance", why)
    if error > TRUST_ERROR or test.z < BEATS_RANDOM:
        return Verdict("caution", f"{sums} (off by {error:.0%}); {moved}", tuple(advice))
    return Verdict("trust", f"{sums} (off by {error:.1%}); {moved}")
