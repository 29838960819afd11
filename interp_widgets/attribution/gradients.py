"""Saliency and gradient x input: one forward and one backward pass.

    saliency_i            |dF / dx_i|, the Euclidean norm over the width (Simonyan, Vedaldi and Zisserman 2014)
    gradient x input_i    sum_d x_id dF / dx_id                          (Shrikumar et al. 2016)

x: the prompt's embeddings; F: the number explained.  Both look at an infinitely small change only.
"""

from __future__ import annotations

import torch
from torch import Tensor

from interp_widgets.attribution.registry import Method, Scores, Work, register
from interp_widgets.errors import NonFiniteError
from interp_widgets.models.question import Question


def gradient_at_prompt(question: Question) -> tuple[Tensor, Tensor]:
    """The prompt's embeddings and dF / dx there, each (tokens, width). Raises NonFiniteError."""
    embeds = question.lm.embed(torch.as_tensor(question.prompt.ids)[None]).detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(question.values(embeds).sum(), embeds)
    if not torch.isfinite(gradient).all():
        raise NonFiniteError(f"{question.lm.name} gives a gradient that is not finite at this prompt")
    return embeds.detach()[0], gradient[0]


def _saliency(question: Question, work: Work) -> Scores:
    _, gradient = gradient_at_prompt(question)
    return Scores(gradient.cpu().double().norm(dim=-1).numpy(), forward_passes=question.passes_each)


def _gradient_x_input(question: Question, work: Work) -> Scores:
    embeds, gradient = gradient_at_prompt(question)
    scores = (embeds.cpu().double() * gradient.cpu().double()).sum(-1)
    return Scores(scores.numpy(), forward_passes=question.passes_each)


SALIENCY = register(
    Method(
        name="saliency",
        label="saliency",
        settings=(),
        gradient=True,
        cost="1 forward, 1 backward",
        promises="nothing beyond an infinitely small change; has no sign",
        source="Simonyan, Vedaldi and Zisserman 2014, section 3",
        passes=lambda units, settings: 1,
        run=_saliency,
    )
)
GRADIENT_X_INPUT = register(
    Method(
        name="gradient_x_input",
        label="gradient x input",
        settings=(),
        gradient=True,
        cost="1 forward, 1 backward",
        promises="nothing beyond an infinitely small change",
        source="Shrikumar et al. 2016, section 2",
        passes=lambda units, settings: 1,
        run=_gradient_x_input,
    )
)
