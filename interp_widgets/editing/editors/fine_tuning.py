"""Fine-tuning of one layer's value matrix: the plain baseline of every editing paper (Meng et al. 2022, section 3.2).

Forms:

constrained   after each step every weight is clamped to within `bound` of where it began (FT+L)
free          no bound (FT)
low_rank      W + B A with B zero at the start (Hu et al. 2021); of rank `rank`

The loss is the cross-entropy of all tokens of the answer, each read where it is predicted.  The code of 2022 read all
of them at the prompt's last position, wrong for an answer of several tokens; `loss="last position"` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.where import traced_layer
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.errors import ArgumentError, NonFiniteError, not_one_of
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_size import relative_norm
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action, Frame, Snapshot
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import continuation
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

FORMS = ("constrained", "free", "low_rank")
LOSSES = ("answer", "last position")
_CPU_TOKENS, _GPU_TOKENS = 512, 16_384  # of a pass


@dataclass(frozen=True)
class FineTuningSettings:
    """form, loss: see the module's text; steps, learning_rate: of Adam; stop: of the mean loss
    bound: largest change of a weight, of form "constrained"; rank: of form "low_rank"
    The numbers are those of ROME's baselines for GPT-2 XL; low_rank's learning rate is our own."""

    form: str = "constrained"
    loss: str = "answer"
    steps: int = 25
    learning_rate: float = 5e-4
    stop: float = 1e-2
    bound: float = 5e-4
    rank: int = 8

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise not_one_of("form", self.form, FORMS)
        if self.loss not in LOSSES:
            raise not_one_of("loss", self.loss, LOSSES)
        for name in ("steps", "learning_rate", "bound", "rank"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name}={getattr(self, name)!r}: a number above 0")


class _Trained:
    """W + D as an overlay whose D has a gradient."""

    replaces = False

    def __init__(self, layer: int, factors: Sequence[Tensor]) -> None:
        self.layer, self.factors = layer, tuple(factors)  # D itself, or B and A

    def __str__(self) -> str:
        return "weights under training"

    def acts(self, architecture: Architecture) -> list[tuple[Site, Action]]:
        def add(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            product = inputs.float()
            for factor in reversed(self.factors):
                product = product @ factor.T
            return activation + product.to(activation)

        return [(Site("mlp_value", self.layer), add)]


@dataclass(frozen=True, eq=False)
class _Text:
    """ids: prompt and answer without its last token; places, tokens: where each token of the answer is read"""

    ids: np.ndarray[tuple[int], np.dtype[np.int64]]
    places: tuple[int, ...]
    tokens: tuple[int, ...]


def _text(lm: LanguageModel, fact: Fact, loss: str) -> _Text:
    encoded = lm.encode(fact.prompt)
    answer = continuation(lm.tokenizer, encoded, fact.target)
    end, tokens = len(encoded) - 1, tuple(int(one) for one in answer)
    if loss == "answer":
        return _Text(np.concatenate([encoded.ids, answer[:-1]]), tuple(end + t for t in range(len(tokens))), tokens)
    return _Text(encoded.ids, (end,) * len(tokens), tokens)


def _loss(lm: LanguageModel, texts: Sequence[_Text]) -> Tensor:
    """(texts,) mean cross-entropy of each answer's tokens."""
    ids, _ = padded([text.ids for text in texts])
    hidden = lm.hidden(ids)
    found = []
    for row, text in zip(hidden, texts, strict=True):
        log_p = lm.head(row[list(text.places)]).float().log_softmax(-1)
        found.append(-log_p[range(len(text.tokens)), list(text.tokens)].mean())
    return torch.stack(found)


def _factors(lm: LanguageModel, own: FineTuningSettings, layer: int) -> list[Tensor]:
    outputs, inputs = lm.architecture.weight_shape(layer)
    if own.form != "low_rank":
        return [torch.zeros(outputs, inputs, device=lm.device)]
    chance = torch.Generator().manual_seed(0)
    right = torch.randn(own.rank, inputs, generator=chance) / inputs**0.5
    return [torch.zeros(outputs, own.rank, device=lm.device), right.to(lm.device)]


def _run(job: Job) -> Made:
    lm, (layer,) = job.lm, job.layers
    own: FineTuningSettings = job.settings
    texts = sorted((_text(lm, fact, own.loss) for fact in job.facts), key=lambda text: len(text.ids))
    longest = len(texts[-1].ids)
    rows = max((_CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS) // longest, 1)
    factors = [one.requires_grad_() for one in _factors(lm, own, layer)]
    adam = torch.optim.Adam(factors, lr=own.learning_rate)
    loss, step = float("nan"), 0
    snapshot = Snapshot((*job.changes, _Trained(layer, factors)), lm.architecture)
    with lm.run(snapshot=snapshot), torch.enable_grad():
        for step in range(own.steps + 1):
            adam.zero_grad()
            losses = np.zeros(len(texts))

            def work(start: int, end: int, losses: np.ndarray[tuple[int], np.dtype[np.float64]] = losses) -> None:
                found = _loss(lm, texts[start:end])
                gradient = torch.autograd.grad(found.sum() / len(texts), factors)
                for factor, one in zip(factors, gradient, strict=True):
                    factor.grad = one if factor.grad is None else factor.grad + one
                losses[start:end] = found.detach().cpu().numpy()

            in_batches(len(texts), rows, work)
            loss = float(losses.mean())
            if not np.isfinite(loss):
                raise NonFiniteError(f"the loss is not finite after {step} steps; take a smaller learning_rate")
            job.advance(min(step + 1, own.steps), own.steps, f"fine-tuning, loss {loss:.2f}")
            if loss < own.stop or step == own.steps:
                break
            adam.step()
            if own.form == "constrained":
                with torch.no_grad():
                    factors[0].clamp_(-own.bound, own.bound)
    done = [factor.detach().cpu() for factor in factors]
    part = DenseDelta(done[0], layer=layer) if len(done) == 1 else LowRank(*done, layer=layer)
    return Made((part,), {"loss": loss, "steps": float(step), "growth": relative_norm(part, lm.architecture)})


EDITOR = Editor(
    name="fine_tuning",
    label="Fine-tuning",
    source="Meng et al. 2022, section 3.2 (FT, FT+L); low rank as Hu et al. 2021",
    settings=FineTuningSettings,
    several=False,
    where=traced_layer,
    run=_run,
)
