"""Fine-tuning against the plain way: a copy of the model, torch's own gradient on its weight, torch's own Adam."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.editors.fine_tuning import FineTuningSettings
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.models.prompts import continuation
from tests.tiny import make_lm

FACTS = (
    iw.Fact("The capital of {} is", subject="Australia", target=" Canberra and", original=" Sydney"),
    iw.Fact("{} is located in", subject="The Eiffel Tower", target=" the", original=" Paris"),
)
LAYER, STEPS, RATE = 1, 3, 1e-3


def plain(lm: Any, loss: str, bound: float | None) -> torch.Tensor:
    """The change of the weight as the module stores it."""
    model = copy.deepcopy(lm.model)
    path = next(name for name, one in lm.model.named_modules() if one is lm.architecture.down_projection(LAYER))
    weight = model.get_submodule(path).weight
    weight.requires_grad_(True)
    start = weight.detach().clone()
    adam = torch.optim.Adam([weight], lr=RATE)
    for _ in range(STEPS):
        losses = []
        for fact in FACTS:
            encoded = lm.encode(fact.prompt)
            answer = torch.as_tensor(continuation(lm.tokenizer, encoded, fact.target))
            ids = torch.cat([torch.as_tensor(encoded.ids), answer[:-1]])
            log_p = model(input_ids=ids[None]).logits[0].log_softmax(-1)
            end = len(encoded) - 1
            places = torch.arange(end, end + len(answer)) if loss == "answer" else torch.full((len(answer),), end)
            losses.append(-log_p[places, answer].mean())
        adam.zero_grad()
        torch.stack(losses).mean().backward()
        adam.step()
        if bound is not None:
            with torch.no_grad():
                weight.copy_(start + (weight - start).clamp(-bound, bound))
    change: torch.Tensor = weight.detach() - start
    return change


@pytest.mark.parametrize(("form", "loss"), [("free", "answer"), ("free", "last position"), ("constrained", "answer")])
def test_it_is_adam_on_the_weight(any_lm: Any, form: str, loss: str) -> None:
    bound = 1.5e-3
    edit = iw.edit(
        any_lm, FACTS, method="fine_tuning", layer=LAYER,
        settings=FineTuningSettings(form=form, loss=loss, steps=STEPS, learning_rate=RATE, bound=bound, stop=0),
    )  # fmt: skip
    (part,) = edit.parts
    assert isinstance(part, DenseDelta)
    expected = plain(any_lm, loss, bound if form == "constrained" else None)
    delta = (
        part.delta if part.delta.shape == expected.shape and any_lm.architecture.model_type != "gpt2" else part.delta.T
    )
    # Adam divides by the gradient's own size: an entry whose gradient is rounding noise may step either way.
    differ = (delta - expected).abs() > 2e-5
    assert differ.float().mean() < 0.01
    if form == "constrained":
        assert part.delta.abs().max() <= bound * (1 + 1e-6)
    assert edit.measured["steps"] == STEPS
    assert not any(p.requires_grad and p.grad is not None for p in any_lm.model.parameters())


def test_low_rank_learns_and_stops() -> None:
    lm = make_lm("llama")
    settings = FineTuningSettings(form="low_rank", learning_rate=0.05, steps=200, stop=3.5, rank=3)
    edit = iw.edit(lm, FACTS, method="fine_tuning", layer=LAYER, settings=settings, alarm=None)
    (part,) = edit.parts
    assert isinstance(part, LowRank)
    assert part.left.shape == (32, 3)
    assert edit.measured["loss"] < 3.5
    assert edit.measured["steps"] < 200
    judged = iw.evaluate_edit(lm, edit)
    assert (judged.after[:, 0] > judged.before[:, 0]).all()


def test_bad_settings_are_named() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'free'"):
        FineTuningSettings(form="fre")
    with pytest.raises(ArgumentError, match="loss='sum'"):
        FineTuningSettings(loss="sum")
    with pytest.raises(ArgumentError, match="rank=0"):
        FineTuningSettings(rank=0)
    lm = make_lm("llama")
    with pytest.raises(NonFiniteError, match="learning_rate"):
        iw.edit(
            lm, FACTS, method="fine_tuning", layer=LAYER, settings=FineTuningSettings(form="free", learning_rate=3e37)
        )
    assert not lm.ledger
