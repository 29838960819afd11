"""Whatever cannot work is refused by a named error that says what would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import (
    ArgumentError,
    EmptyPromptError,
    InterpError,
    NonFiniteError,
    PromptTooLongError,
    TargetError,
)
from interp_widgets.interventions.added_vector import AddedVector
from tests.attribution.formulas import LONG, PROMPT, by_path
from tests.tiny import make_lm


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.mark.parametrize("prompt", ["", [], np.array([], dtype=np.int64)])
def test_an_empty_prompt(lm: Any, prompt: Any) -> None:
    with pytest.raises(EmptyPromptError):
        iw.attribute(lm, prompt)


def test_a_prompt_past_the_context() -> None:
    lm = make_lm("gpt2", n_positions=20)
    iw.attribute(lm, [5] * 20, steps=1)
    with pytest.raises(PromptTooLongError, match=r"21 tokens.*holds 20.*cut at least 1"):
        iw.attribute(lm, [5] * 21)


def test_a_target_past_the_context() -> None:
    lm = make_lm("gpt2", n_positions=20)
    n = len(lm.encode(LONG))
    long = " and" * (22 - n)
    with pytest.raises(PromptTooLongError, match=r"prompt and target have \d+ tokens"):
        iw.attribute(lm, LONG, long)
    with pytest.raises(PromptTooLongError):
        iw.attribute(lm, LONG, None, long)
    iw.attribute(lm, LONG, " and" * (21 - n), steps=1)  # the last token of a target needs no place


@pytest.mark.parametrize("argument", ["target", "foil"])
@pytest.mark.parametrize("wish", ["", 400, -1, True, 1.5, ["a"], b" Sydney"])
def test_a_target_or_foil_that_is_none(lm: Any, argument: str, wish: Any) -> None:
    with pytest.raises(TargetError) as caught:
        iw.attribute(lm, PROMPT, **{argument: wish})
    assert caught.value.argument == argument
    assert argument in str(caught.value)


def test_an_id_that_only_the_tokenizer_knows() -> None:
    lm = make_lm("llama")
    lm.tokenizer.add_tokens([f"<one more {i}>" for i in range(50)])
    assert len(lm.tokenizer) > 400
    with pytest.raises(TargetError, match="token ids 0 to 399"):
        iw.attribute(lm, PROMPT, 400)


def test_a_target_that_the_tokenizer_joins_to_the_prompt(lm: Any) -> None:
    with pytest.raises(TargetError, match="the tokenizer joins it to"):
        iw.attribute(lm, "The capital of Austral", "ia is")


def test_the_foil_is_the_target(lm: Any) -> None:
    first = int(iw.attribute(lm, PROMPT, steps=1).target_ids[0])
    for target, foil in ((" Canberra", " Canberra"), (7, 7), (None, first)):
        with pytest.raises(ArgumentError, match="is the target itself"):
            iw.attribute(lm, PROMPT, target, foil)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "integrated-gradient"}, "Did you mean 'integrated_gradients'"),
        ({"method": "Integrated Gradients"}, "Did you mean 'integrated_gradients'"),
        ({"method": "xyz"}, "one of auto, "),
        ({"method": ["auto"]}, "method="),
        ({"baseline": "zeros"}, "Did you mean 'zero'"),
        ({"baseline": "mean embedding"}, "Did you mean 'mean'"),
        ({"baseline": None}, "baseline=None"),
        ({"baseline": "text:"}, "no text after"),
        ({"quadrature": "gauss_legendre"}, "Did you mean 'gauss-legendre'"),
        ({"quadrature": "trapezoidal"}, "Did you mean 'trapezoid'"),
        ({"quadrature": {}}, "quadrature="),
        ({"steps": 0}, "steps=0: a whole number from 1"),
        ({"steps": -5}, "a whole number from 1"),
        ({"steps": True}, "steps=True"),
        ({"steps": 1e9}, "whole number"),
        ({"steps": 10**9}, "to 10000"),
        ({"steps": 50.0}, "whole number"),
        ({"steps": "50"}, "whole number"),
        ({"steps": 1, "quadrature": "trapezoid"}, "a whole number from 2"),
        ({"batch_size": 0}, "batch_size=0: a whole number from 1"),
        ({"batch_size": True}, "batch_size=True"),
        ({"batch_size": 2.0}, "batch_size=2.0"),
        ({"delete": "zero"}, "delete="),
        ({"delete": "masks"}, "Did you mean 'mask'"),
        ({"samples": 1}, "samples=1: a whole number from 2"),
        ({"samples": 2.5}, "samples=2.5"),
        ({"group": "sentences"}, "matches nothing"),
        ({"group": "turn"}, "no chat turns"),
        ({"group": "("}, "regular expression"),
        ({"group": ""}, "group=''"),
        ({"group": 3}, "group=3"),
        ({"seed": -1}, "seed=-1: a whole number from 0"),
        ({"seed": 0.5}, "seed=0.5"),
    ],
)
def test_arguments_are_refused_before_the_model_runs(lm: Any, arguments: dict[str, Any], message: str) -> None:
    handle = lm.architecture.base.register_forward_pre_hook(lambda *_: pytest.fail("the model ran"))
    try:
        with pytest.raises(ArgumentError) as caught:
            iw.attribute(lm, PROMPT, **arguments)
    finally:
        handle.remove()
    assert message in str(caught.value)


@pytest.mark.parametrize("bos", [False, True])
def test_an_empty_text_is_no_baseline(bos: bool) -> None:
    with pytest.raises(ArgumentError, match="no text after"):
        iw.attribute(make_lm("llama", bos=bos), PROMPT, baseline="text:")


def test_a_prompt_of_the_wrong_kind(lm: Any) -> None:
    wrong: list[Any] = [None, 5, 1.5, [[1, 2]], ["a", "b"], [1.5], [400], [-1], [{"role": "user"}], "\ud800"]
    for prompt in wrong:
        with pytest.raises(ArgumentError, match="prompt"):
            iw.attribute(lm, prompt)


# Numbers that are not finite


def poison(layer: int, smaller_than: float = np.inf) -> AddedVector:
    """Makes activations after a layer NaN, where what goes in is smaller than a size."""
    x = AddedVector(np.zeros(32), layer=layer)

    def spoil(activation: torch.Tensor, inputs: torch.Tensor, frame: Any) -> torch.Tensor:
        return torch.where(inputs.norm(dim=-1, keepdim=True) < smaller_than, torch.nan, activation)

    x._add = spoil  # type: ignore[method-assign]  # a class of its own would be a new kind for the whole process
    return x


def test_nan_in_activations_names_the_layer_and_the_interventions() -> None:
    lm = make_lm("llama")
    lm.ledger.add(poison(1), name="poison")
    with pytest.raises(NonFiniteError, match=r"first at layer 1 resid_post.*poison; weaken or switch them off"):
        by_path(lm, PROMPT)
    lm.ledger.toggle("poison")
    assert np.isfinite(by_path(lm, PROMPT).scores).all()


def test_nan_in_the_weights_is_named_without_interventions() -> None:
    lm = make_lm("llama")
    with torch.no_grad():
        lm.model.model.layers[2].mlp.down_proj.weight[0, 0] = torch.nan
    with pytest.raises(NonFiniteError, match=r"first at layer 2 resid_post.*No intervention is active"):
        by_path(lm, PROMPT)


def test_nan_only_on_the_path_or_at_the_baseline() -> None:
    lm = make_lm("gpt2")
    size = float(lm.embed(torch.tensor(lm.encode(PROMPT).ids)[None]).detach().norm(dim=-1).min())
    lm.ledger.add(poison(0, smaller_than=size * 0.01), name="at zero")
    handle = lm.model.transformer.wpe.register_forward_hook(lambda module, inputs, output: output * 0)
    try:
        with pytest.raises(NonFiniteError, match="not finite at the baseline"):
            by_path(lm, PROMPT)
        result = by_path(lm, PROMPT, baseline="eos")  # a path that stays away from zero
    finally:
        handle.remove()
    assert np.isfinite(result.scores).all()


def test_a_gradient_that_is_not_finite_names_the_place_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("gpt2")
    real = torch.autograd.grad

    def grad(outputs: torch.Tensor, inputs: torch.Tensor) -> Any:
        (gradient,) = real(outputs, inputs)
        gradient[1] = torch.inf
        return (gradient,)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    with pytest.raises(NonFiniteError, match=r"a = 0\.3 of the path.*another baseline"):
        by_path(lm, PROMPT, quadrature="midpoint", steps=5, batch_size=5)


@pytest.mark.default_model
def test_the_trapezoid_from_zero_overflows_on_the_default_model(default_lm: Any) -> None:
    """RMSNorm is singular at zero: through 30 layers the gradient at that very point leaves float32."""
    with pytest.raises(NonFiniteError, match=r"a = 0 of the path.*gauss-legendre"):
        by_path(default_lm, PROMPT, quadrature="trapezoid", steps=10)


def test_all_of_these_are_errors_of_this_package() -> None:
    for error in (ArgumentError, EmptyPromptError, NonFiniteError, PromptTooLongError, TargetError):
        assert issubclass(error, InterpError)
        assert issubclass(error, ValueError) or error is NonFiniteError
