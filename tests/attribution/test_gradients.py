"""Saliency and gradient x input against finite differences and the plain model; attention rollout by its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution.gradients import gradient_at_prompt
from interp_widgets.attribution.rollout import rollout
from interp_widgets.errors import UnsupportedArchitectureError
from interp_widgets.models.attention import attention_weights
from tests.attribution.formulas import LONG, PROMPT, asked, asked_formula, embedded
from tests.tiny import FAMILIES, make_lm, make_model

DOUBLE = torch.float64


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("target", "foil"), [(None, None), (" Canberra and", None), (5, 7)])
def test_gradient_x_input_is_the_slope_along_each_embedding(family: str, target: Any, foil: Any) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    result = iw.attribute(lm, PROMPT, target, foil, "gradient_x_input")
    question = asked(lm, PROMPT, target, foil)
    x = embedded(lm, question)
    # GPT-J's attention and every RMSNorm of transformers compute in float32 whatever the model's dtype.
    h, close = (1e-5, 1e-7) if family in ("gpt2", "gpt_neox") else (3e-3, 1e-3)
    scale = np.abs(result.scores).max()
    with torch.no_grad():
        for i in range(x.shape[1]):
            along = torch.zeros_like(x)
            along[:, i] = x[:, i]
            slope = (question.values(x + h * along) - question.values(x - h * along)) / (2 * h)
            assert result.scores[i] == pytest.approx(float(slope[0]), abs=close * scale)


@pytest.mark.parametrize("family", FAMILIES)
def test_saliency_is_the_length_of_the_plain_models_gradient(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    result = iw.attribute(lm, PROMPT, 5, method="saliency")
    embeds = lm.embed(torch.tensor(result.token_ids)[None]).detach()
    # The plain model scales what it embeds itself (Gemma): its gradient is taken of the module's output.
    held: list[Any] = []

    def keep(module: Any, args: Any, output: Any) -> Any:
        held.append(output.detach().requires_grad_())
        return held[-1]

    handle = lm.model.get_input_embeddings().register_forward_hook(keep)
    try:
        logit = lm.model(input_ids=torch.tensor(result.token_ids)[None]).logits[0, -1, 5]
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(logit, held[0])
    scale = float((embeds.norm() / held[0].norm()).detach())
    np.testing.assert_allclose(result.scores, gradient[0].norm(dim=-1).numpy() / scale, rtol=1e-6)
    assert (result.scores >= 0).all()


def test_on_a_linear_function_both_are_exact() -> None:
    lm = make_lm("llama", dtype=DOUBLE)
    c = torch.randn(5, 32, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    question = asked_formula(lm, lambda x: (c[: x.shape[1]] * x).sum((1, 2)))
    x, gradient = gradient_at_prompt(question)
    torch.testing.assert_close(gradient, c)
    assert float((x * gradient).sum()) == pytest.approx(question.value)


# Attention rollout


def test_rollout_of_hand_made_weights() -> None:
    one = torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.1, 0.9]]])
    both = torch.stack([one, one])
    layer = np.array([[1.0, 0.0], [0.15, 0.85]])  # (mean over heads + identity) / 2
    np.testing.assert_allclose(rollout(both), layer @ layer, rtol=1e-6)
    np.testing.assert_allclose(rollout(torch.eye(3).expand(4, 2, 3, 3)), np.eye(3))


@pytest.mark.parametrize("family", FAMILIES)
def test_rollout_is_the_product_over_the_plain_models_weights(family: str) -> None:
    lm = make_lm(family)
    result = iw.attribute(lm, LONG, method="attention_rollout")
    plain = make_model(family)
    plain.set_attn_implementation("eager")
    with torch.no_grad():
        layers = plain(input_ids=torch.tensor(result.token_ids)[None], output_attentions=True).attentions
    n = len(result.tokens)
    together = np.eye(n)
    for weights in layers:  # each layer looks at what the one before made
        together = (weights[0].double().mean(0).numpy() + np.eye(n)) / 2 @ together
    np.testing.assert_allclose(result.scores, together[-1], atol=1e-6)
    assert result.scores.sum() == pytest.approx(1, abs=1e-5)
    assert (result.scores >= 0).all()
    other = iw.attribute(lm, LONG, 5, 7, method="attention_rollout")
    assert np.array_equal(other.scores, result.scores), "it is the same for every target"


@pytest.mark.parametrize("before", ["sdpa", "eager"])
def test_the_way_of_attention_is_restored(monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    lm = make_lm("qwen3")
    lm.model.set_attn_implementation(before)
    result = iw.attribute(lm, PROMPT, method="attention_rollout")
    assert lm.model.config._attn_implementation == before
    assert bool(result.provenance.notes) == (before != "eager")
    assert sum(len(module._forward_hooks) for module in lm.model.modules()) == 0

    def fail(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(lm.architecture.layers[1], "forward", fail)
    with pytest.raises(KeyboardInterrupt):
        attention_weights(lm, torch.tensor([[3, 4, 5]]))
    assert lm.model.config._attn_implementation == before
    assert sum(len(module._forward_hooks) for module in lm.model.modules()) == 0


def test_attention_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    layer: Any = lm.architecture.layers[0].self_attn
    real = layer.forward
    monkeypatch.setattr(layer, "forward", lambda *args, **given: (real(*args, **given)[0], None))
    with pytest.raises(UnsupportedArchitectureError, match="returns no weights"):
        iw.attribute(lm, PROMPT, method="attention_rollout")
    monkeypatch.undo()

    switch = lm.model.set_attn_implementation

    def refuse(name: str) -> None:
        if name == "eager":
            raise ValueError("no eager here")
        switch(name)

    monkeypatch.setattr(lm.model, "set_attn_implementation", refuse)
    with pytest.raises(UnsupportedArchitectureError, match="no eager"):
        iw.attribute(lm, PROMPT, method="attention_rollout")
