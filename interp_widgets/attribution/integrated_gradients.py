"""Integrated gradients (Sundararajan, Taly and Yan 2017, equation 1), over the token embeddings.

    score_i = sum_d (x_id - b_id) * integral over a from 0 to 1 of dF(b + a (x - b)) / dx_id

x: the prompt's embeddings; b: a baseline; F: the number explained.  The integral is a weighted sum over `steps` points
of the straight line from b to x.  Completeness (their proposition 1) says that the scores sum to F(x) - F(b); the
result carries by how much they do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import roots_legendre
from torch import Tensor

from interp_widgets.errors import ArgumentError, NonFiniteError, not_one_of
from interp_widgets.models.diagnose import require_finite
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import tokenise
from interp_widgets.models.question import Question

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

BASELINES = {
    "zero": "zero embedding",
    "mean": "mean embedding",
    "eos": "end-of-text token",
}
TEXT = "text:"  # a baseline that starts so is a text of one's own
QUADRATURES = {
    "gauss-legendre": "Gauss-Legendre",
    "riemann": "Riemann sum (textbook)",
    "midpoint": "midpoint rule",
    "trapezoid": "trapezoid rule",
}
MAX_STEPS = 10_000  # Gauss-Legendre nodes for as many take three seconds; more points say nothing new
Floats = NDArray[np.float64]


def check_path(quadrature: str, steps: int) -> int:
    """The steps as a plain int. Raises ArgumentError for an unknown quadrature, or steps that it cannot take."""
    if not isinstance(quadrature, str) or quadrature not in QUADRATURES:
        raise not_one_of("quadrature", quadrature, QUADRATURES)
    least = 2 if quadrature == "trapezoid" else 1
    if isinstance(steps, bool) or not isinstance(steps, Integral) or not least <= steps <= MAX_STEPS:
        raise ArgumentError(f"steps={steps!r}: a whole number from {least} to {MAX_STEPS}")
    return int(steps)


def check_baseline(baseline: str) -> None:
    """Raises ArgumentError for an unknown baseline, or "text:" without a text."""
    if not isinstance(baseline, str) or not (baseline in BASELINES or baseline.startswith(TEXT)):
        raise not_one_of("baseline", baseline, BASELINES, ", or 'text:' and a text of your own")
    if baseline == TEXT:
        raise ArgumentError(f"baseline={baseline!r}: there is no text after 'text:'")


def points(quadrature: str, steps: int) -> tuple[Floats, Floats]:
    """Places in [0, 1] and weights, float64, (steps,).

    "riemann" takes the right ends, as textbooks do: a = 1/n, ..., 1.  "trapezoid" needs two points; its inner weights
    are 1/(n - 1) (captum weighs by 1/n and so misses the integral of a constant).
    """
    steps = check_path(quadrature, steps)
    if quadrature == "gauss-legendre":
        nodes, weights = roots_legendre(steps)
        return (nodes + 1) / 2, weights / 2
    if quadrature == "trapezoid":
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    ends = np.arange(1, steps + 1) / steps
    return (ends if quadrature == "riemann" else ends - 0.5 / steps), np.full(steps, 1 / steps)


def baseline_embeds(lm: LanguageModel, tokens: int, baseline: str) -> tuple[Tensor, str | None]:
    """(1, tokens, width) in the model's dtype, and a note if the baseline's text was fitted to the prompt's length.

    "zero": zeros. "mean": the mean over the vocabulary of what enters the first layer. "eos": the end-of-text token,
    else the padding token, at every position. "text:...": the tokens of a text of one's own, repeated or cut; a BOS
    that the tokenizer puts in front of it stays there and is not repeated.
    """
    check_baseline(baseline)
    if baseline == "zero":
        return torch.zeros(1, tokens, lm.architecture.width, device=lm.device, dtype=lm.dtype), None
    if baseline == "mean":
        mean = _mean_embedding(lm)
        return mean.expand(1, tokens, -1), None
    if baseline == "eos":
        tokenizer = lm.tokenizer
        token = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else tokenizer.pad_token_id
        if token is None:
            raise ArgumentError("baseline='eos': this tokenizer has neither an end-of-text nor a padding token")
        return lm.embed(torch.full((1, tokens), token)), None
    fitted, note = baseline_ids(lm, tokens, baseline)
    return lm.embed(torch.as_tensor(fitted)[None]), note


def baseline_ids(lm: LanguageModel, tokens: int, baseline: str) -> tuple[NDArray[np.int64], str | None]:
    """Token ids (tokens,) of a baseline "text:...", and a note if they were fitted to the prompt's length."""
    ids = tokenise(lm.tokenizer, baseline[len(TEXT) :])[0]
    front = int(len(ids) > 1 and ids[0] == lm.tokenizer.bos_token_id)
    fitted = np.concatenate([ids[:front], np.resize(ids[front:], tokens - front)])  # resize repeats, then cuts
    note = None
    if len(ids) != tokens:
        how = "repeated" if len(ids) < tokens else "cut"
        note = f"baseline text of {len(ids)} tokens {how} to {tokens}"
    return fitted, note


def _mean_embedding(lm: LanguageModel) -> Tensor:
    home = _home_of_sums(lm.device)
    total = torch.zeros(lm.architecture.width, dtype=torch.float64, device=home)
    ids = torch.arange(lm.architecture.weight_of_embedding.shape[0])
    for chunk in ids.split(8192):  # never a second copy of the whole matrix
        total += lm.embed(chunk[None])[0].detach().to(home).double().sum(0)
    return (total / len(ids)).to(lm.dtype).to(lm.device)


def _home_of_sums(device: torch.device) -> torch.device:
    """Where float64 sums live: on the device, but Apple's (MPS) has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


@dataclass(frozen=True)
class PathIntegral:
    """scores: float64, (tokens,). due: F(x) - F(b), what the scores should sum to. batch_size: the one that held."""

    scores: Floats
    due: float
    batch_size: int
    forward_passes: int


def integrate(
    question: Question,
    baseline: Tensor,
    *,
    steps: int,
    quadrature: str,
    batch_size: int,
    advance: Callable[[int], None],
) -> PathIntegral:
    """Integrated gradients of `question.value` along the straight line from `baseline` (1, tokens, width).

    Gradients are taken with respect to the embeddings only, `batch_size` points at a time.  `advance` hears the count
    of points done. Raises NonFiniteError, MemoryExhaustedError, Cancelled.
    """
    lm = question.lm
    alphas, weights = points(quadrature, steps)
    ids = torch.as_tensor(question.prompt.ids)[None]
    with torch.no_grad():
        end = lm.embed(ids)
        due = question.value - float(question.values(baseline)[0])
        if not math.isfinite(due):
            raise NonFiniteError(f"{lm.name} gives a number that is not finite at the baseline; take another baseline")
        # float64 sums of float32 gradients: hundreds of large terms of both signs nearly cancel.
        home = _home_of_sums(end.device)
        origin = baseline.to(home).double()
        difference = end.to(home).double() - origin
        integral = torch.zeros(end.shape[1:], dtype=torch.float64, device=home)

    def work(start: int, stop: int) -> None:
        at = torch.as_tensor(alphas[start:stop], device=home)[:, None, None]
        embeds = (origin + at * difference).to(end.dtype).to(end.device).requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(question.values(embeds).sum(), embeds)
        finite = torch.isfinite(gradient).all(dim=(1, 2))
        if not finite.all():
            _refuse(lm, ids, float(alphas[start:stop][~finite.cpu().numpy()][0]))
        weight = torch.as_tensor(weights[start:stop], device=home)
        integral.add_(torch.einsum("s,snd->nd", weight, gradient.to(home).double()))
        advance(stop)

    held = in_batches(steps, batch_size, work)
    scores = (integral * difference[0]).sum(-1)
    return PathIntegral(
        scores=scores.cpu().numpy(),
        due=due,
        batch_size=held,
        forward_passes=(steps + 1) * question.passes_each,
    )


def _refuse(lm: LanguageModel, ids: Tensor, alpha: float) -> NoReturn:
    with torch.no_grad():
        require_finite(lm, ids, lm.hidden(ids))  # names a layer if already the prompt itself gives NaN
    raise NonFiniteError(
        f"the gradient is not finite at a = {alpha:.3g} of the path from the baseline (0) to the prompt (1)."
        " On a model with RMSNorm a zero embedding is a singular point: take quadrature='gauss-legendre' or 'midpoint',"
        " which do not touch it, or another baseline"
    )
