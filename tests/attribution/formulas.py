"""What the tests of attribution share: questions with a known answer, and integrated gradients by a plain loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.attribution.api import attribute
from interp_widgets.models.language_model import LanguageModel
from interp_widgets.models.question import Question, ask

PROMPT = "The capital of Australia is"
LONG = "The Eiffel Tower is located in the city of Paris and the room was warm"
Floats = NDArray[np.float64]
by_path = partial(attribute, method="integrated_gradients")


@dataclass(frozen=True, eq=False)
class Formula(Question):
    """A question whose number is a formula of the embeddings (rows, tokens, width) -> (rows,), not the model's."""

    formula: Callable[[Tensor], Tensor] = lambda embeds: embeds.sum((1, 2))

    def values(self, embeds: Tensor) -> Tensor:
        return self.formula(embeds)


def asked(
    lm: LanguageModel, prompt: Any = PROMPT, target: Any = None, foil: Any = None, function: str | None = None
) -> Question:
    return ask(lm, lm.encode(prompt), target, foil, function)


def asked_formula(lm: LanguageModel, formula: Callable[[Tensor], Tensor], prompt: str = PROMPT) -> Formula:
    question = asked(lm, prompt)
    parts = {part.name: getattr(question, part.name) for part in fields(question)}
    parts["value"] = float(formula(embedded(lm, question))[0])
    return Formula(**parts, formula=formula)


def embedded(lm: LanguageModel, question: Question) -> Tensor:
    """(1, tokens, width), detached."""
    return lm.embed(torch.as_tensor(question.prompt.ids)[None]).detach()


def ignore(*_: Any) -> None:
    """For `advance` where nobody listens."""


def plain_loop(model: Any, ids: Any, baseline: Tensor, target: int, steps: int) -> Floats:
    """Integrated gradients by the right-hand Riemann sum, one step at a time, with nothing of this package."""
    end = model.get_input_embeddings()(torch.tensor(ids)[None]).detach()
    total = torch.zeros_like(end)
    for k in range(1, steps + 1):
        point = (baseline + k / steps * (end - baseline)).requires_grad_()
        logit = model(inputs_embeds=point).logits[0, -1, target]
        total += torch.autograd.grad(logit, point)[0]
    scores: Floats = ((end - baseline) * total / steps).sum(-1)[0].double().numpy()
    return scores
