"""Relevance: each rule in closed form, what is conserved, and that nothing but the gradient changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import interp_widgets as iw
from interp_widgets.attribution.relevance import (
    RelevanceRules,
    _activated,
    _halved,
    _normalised,
    _queries_and_keys,
)
from interp_widgets.models.hooks import Snapshot
from tests.attribution.formulas import LONG, PROMPT, asked
from tests.tiny import FAMILIES, make_lm

DOUBLE = torch.float64
BIAS_FREE = ("llama", "mistral", "qwen3", "gemma2", "gemma3_text")


def jacobian(action: Any, module: Any, x: torch.Tensor) -> Any:
    def ruled(given: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = action(module(given), given, None)
        return out

    found: Any = torch.autograd.functional.jacobian(ruled, x)
    return found


# The rules


def test_an_rms_norm_divides_by_a_constant() -> None:
    norm = make_lm("llama", dtype=DOUBLE).model.model.norm
    x = torch.randn(32, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    expected = torch.diag(norm.weight.detach() / (x.pow(2).mean() + norm.variance_epsilon).sqrt())
    torch.testing.assert_close(jacobian(_normalised(norm), norm, x), expected, rtol=1e-5, atol=1e-8)


def test_a_gemma_norm_multiplies_by_one_and_its_weight() -> None:
    norm = make_lm("gemma2", dtype=DOUBLE).model.model.norm
    x = torch.randn(32, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    expected = torch.diag((1 + norm.weight.detach()) / (x.pow(2).mean() + norm.eps).sqrt())
    torch.testing.assert_close(jacobian(_normalised(norm), norm, x), expected, rtol=1e-5, atol=1e-8)


def test_a_layer_norm_subtracts_the_mean_and_divides_by_a_constant() -> None:
    norm = make_lm("gpt2", dtype=DOUBLE).model.transformer.ln_f
    x = torch.randn(32, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    centre = torch.eye(32, dtype=DOUBLE) - 1 / 32
    deviation = (x.var(unbiased=False) + norm.eps).sqrt()
    expected = norm.weight.detach()[:, None] * centre / deviation
    torch.testing.assert_close(jacobian(_normalised(norm), norm, x), expected, rtol=1e-6, atol=1e-9)  # a float32 root


@pytest.mark.parametrize("activation", [nn.SiLU(), nn.GELU(), nn.GELU(approximate="tanh")])
def test_an_activation_multiplies_by_a_constant(activation: nn.Module) -> None:
    x = torch.tensor([-3.0, -0.5, 0.0, 1e-9, 0.7, 4.0], dtype=DOUBLE)
    found = torch.diag(jacobian(_activated, activation, x))
    expected = torch.where(x.abs() > 1e-6, activation(x) / x, 0.5)
    torch.testing.assert_close(found, expected)
    assert torch.equal(_activated(activation(x), x, None), activation(x))


def test_a_gated_mlp_gives_back_what_it_got() -> None:
    """With all rules x . dF/dx is F for any direction of the output: nothing is lost in gate, activation, product."""
    lm = make_lm("llama", dtype=DOUBLE)
    mlp: Any = lm.architecture.layers[1].mlp
    x = torch.randn(1, 3, 32, dtype=DOUBLE, requires_grad=True)
    direction = torch.randn(32, dtype=DOUBLE)
    with lm.run(snapshot=Snapshot([RelevanceRules()], lm.architecture)):
        out = (mlp(x) * direction).sum()
        (gradient,) = torch.autograd.grad(out, x)
    assert float((x * gradient).sum().detach()) == pytest.approx(float(out.detach()), rel=1e-9)
    plain = (mlp(x) * direction).sum()
    (without,) = torch.autograd.grad(plain, x)
    assert float(plain.detach()) == float(out.detach())
    assert abs(float((x * without).sum().detach()) - float(plain.detach())) > 1e-3


def test_half_of_a_product_goes_to_each_factor() -> None:
    x = torch.tensor([2.0, -3.0], requires_grad=True)
    halved = _halved(x, x, None)
    assert torch.equal(halved, x)
    (gradient,) = torch.autograd.grad(halved.sum(), x)
    assert gradient.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("part", [0.0, 0.5])
@pytest.mark.parametrize(("family", "fused"), [("gpt2", "thirds"), ("gpt_neox", "by head"), ("llama", None)])
def test_queries_and_keys_get_their_part_and_values_all(family: str, fused: str | None, part: float) -> None:
    architecture = make_lm(family).architecture
    heads, size = architecture.n_heads, architecture.head_dim
    made = torch.randn(2, 3, 3 * heads * size, requires_grad=True)
    out = _queries_and_keys(architecture, fused, part)(made * 1, made, None)
    assert torch.equal(out, made)
    if not out.requires_grad:
        assert (fused, part) == (None, 0.0)
        return
    (gradient,) = torch.autograd.grad(out.sum(), made)
    if fused is None:
        kept = torch.full_like(gradient, part)
    elif fused == "thirds":
        kept = torch.full((3, heads * size), part)
        kept[2] = 1
        kept = kept.reshape(-1).expand_as(gradient)
    else:
        kept = torch.full((heads, 3, size), part)
        kept[:, 2] = 1
        kept = kept.reshape(-1).expand_as(gradient)
    assert torch.equal(gradient, kept)


# The whole model


@pytest.mark.parametrize("family", BIAS_FREE)
@pytest.mark.parametrize(("target", "foil"), [(None, None), (5, 7)])
def test_relevance_is_conserved_where_there_are_no_biases(family: str, target: Any, foil: Any) -> None:
    changes: dict[str, Any] = {"final_logit_softcapping": None} if family == "gemma2" else {}
    lm = make_lm(family, dtype=DOUBLE, **changes)
    assert not any(name.endswith("bias") for name, _ in lm.model.named_parameters())
    result = iw.attribute(lm, LONG, target, foil, "relevance_conserving", function=None if foil else "logit")
    assert result.diagnostics["completeness_error"] <= 1e-3
    value = asked(lm, LONG, target, foil).value
    assert result.scores.sum() == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("conserving", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_rules_change_no_value(family: str, conserving: bool) -> None:
    lm = make_lm(family)
    ids = torch.tensor(lm.encode(LONG).ids)[None]
    before = lm.state_hash()
    with torch.no_grad():
        plain = lm.head(lm.hidden(ids))
        with lm.run(snapshot=Snapshot([RelevanceRules(conserving)], lm.architecture)):
            ruled = lm.head(lm.hidden(ids))
    assert torch.equal(plain, ruled)
    assert lm.state_hash() == before


@pytest.mark.parametrize("method", ["relevance", "relevance_conserving"])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_runs_on_every_architecture_and_leaves_nothing(family: str, method: str) -> None:
    lm = make_lm(family)
    result = iw.attribute(lm, PROMPT, " Canberra and", " Paris", method)
    assert np.isfinite(result.scores).all()
    assert np.abs(result.scores).max() > 0
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()) == 0
    assert all(parameter.grad is None for parameter in lm.model.parameters())
    assert not np.allclose(
        result.scores, iw.attribute(lm, PROMPT, " Canberra and", " Paris", "gradient_x_input").scores
    )


def test_an_error_in_the_middle_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")

    def fail(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.autograd, "grad", fail)
    with pytest.raises(KeyboardInterrupt):
        iw.attribute(lm, PROMPT, method="relevance")
    monkeypatch.undo()
    assert sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules()) == 0


def test_the_persons_own_interventions_stay_active() -> None:
    lm = make_lm("llama", dtype=DOUBLE)
    plain = iw.attribute(lm, PROMPT, 5, method="relevance_conserving", function="logit")
    with lm.using(iw.Ablation(layer=1, site="mlp_out")):
        ablated = iw.attribute(lm, PROMPT, 5, method="relevance_conserving", function="logit")
        value = asked(lm, PROMPT, 5).value
    assert ablated.provenance.interventions == ("ablate mlp_out of layer 1",)
    assert ablated.scores.sum() == pytest.approx(value, rel=1e-3)
    assert not np.allclose(ablated.scores, plain.scores)
