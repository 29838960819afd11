"""Leave-one-out, saliency and gradient x input here against captum's, at equal settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, InputXGradient, LLMAttribution, Saliency, ShapleyValues, TextTokenInput

import interp_widgets as iw
from tests.attribution.formulas import LONG, PROMPT
from tests.tiny import FAMILIES, make_lm

pytestmark = pytest.mark.peers
CLOSE = 1e-4  # of logits and log-probabilities, in float32


def number_of(lm: Any, target: int, foil: int | None, function: str) -> Any:
    def number(tokens: torch.Tensor) -> Any:
        logits = lm.model(input_ids=tokens.long()).logits[:, -1]
        logits = logits.log_softmax(-1) if function == "log-probability" else logits
        return logits[:, target] if foil is None else logits[:, target] - logits[:, foil]

    return number


def ablated(lm: Any, result: Any) -> Any:
    """captum's scores of the same question, end-of-text in the place of each token."""
    rows = torch.tensor(result.token_ids)[None]
    foil = int(result.foil_ids[0]) if len(result.foil_ids) else None
    number = number_of(lm, int(result.target_ids[0]), foil, result.function)
    with torch.no_grad():
        scores = FeatureAblation(number).attribute(rows, baselines=lm.tokenizer.eos_token_id)
    return scores[0].double().numpy()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("target", "foil"), [(" Canberra", None), (5, 7)])
@pytest.mark.parametrize("function", [None, "logit"])
def test_leave_one_out_is_feature_ablation(family: str, target: Any, foil: Any, function: str | None) -> None:
    lm = make_lm(family)
    result = iw.attribute(lm, LONG, target, foil, "leave_one_out", function=None if foil else function)
    assert np.abs(result.scores - ablated(lm, result)).max() <= CLOSE


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_several_tokens_are_its_language_model_wrapper_in_a_single_pass(family: str) -> None:
    """`LLMAttribution` sums the log-probabilities of the continuation's tokens, as we do."""
    lm = make_lm(family)
    result = iw.attribute(lm, PROMPT, " Canberra and not", method="leave_one_out")
    wrapped = LLMAttribution(FeatureAblation(lm.model), lm.tokenizer)
    tokens = TextTokenInput(PROMPT, lm.tokenizer, baselines=lm.tokenizer.eos_token_id)
    theirs = wrapped.attribute(tokens, target=torch.tensor(result.target_ids), forward_in_tokens=False)
    assert len(result.target_ids) > 1
    assert np.abs(result.scores - theirs.seq_attr.detach().double().numpy()).max() <= CLOSE


def test_exact_shapley_values_are_captums(record_property: Any) -> None:
    lm = make_lm("llama")
    ids = lm.encode(PROMPT).ids.tolist()[:5]
    result = iw.attribute(lm, ids, 5, method="shapley", function="logit")
    rows = torch.tensor(result.token_ids)[None]
    with torch.no_grad():
        exact = captum_shapley(number_of(lm, 5, None, "logit"), rows, lm.tokenizer.eos_token_id)
    assert np.abs(result.scores - exact).max() <= CLOSE


def captum_shapley(number: Any, rows: torch.Tensor, baseline: int) -> Any:
    return ShapleyValues(number).attribute(rows, baselines=baseline)[0].double().numpy()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("target", "foil"), [(5, None), (5, 7)])
def test_gradients_are_captums(family: str, target: int, foil: int | None) -> None:
    lm = make_lm(family, dtype=torch.float64)
    ids = torch.tensor(lm.encode(LONG).ids)[None]
    embeds = lm.embed(ids).detach()

    def number(x: torch.Tensor) -> Any:
        logits = lm.head(lm.hidden(embeds=x)[:, -1])
        return logits[:, target] if foil is None else logits[:, target] - logits[:, foil]

    product = InputXGradient(number).attribute(embeds.clone().requires_grad_()).sum(-1)[0].detach().numpy()
    gradient = Saliency(number).attribute(embeds.clone().requires_grad_(), abs=False).norm(dim=-1)[0].numpy()
    for method, theirs in (("gradient_x_input", product), ("saliency", gradient)):
        ours = iw.attribute(lm, LONG, target, foil, method).scores
        assert np.abs(ours - theirs).max() <= 1e-9 * np.abs(theirs).max(), method


@pytest.mark.default_model
def test_leave_one_out_on_the_default_model(default_lm: Any, record_property: Any) -> None:
    one = iw.attribute(default_lm, PROMPT, " Canberra", " Sydney", "leave_one_out")
    other = iw.attribute(default_lm, PROMPT, " Canberra", method="leave_one_out")
    off = max(float(np.abs(result.scores - ablated(default_lm, result)).max()) for result in (one, other))
    record_property("largest difference", off)
    print(f"default model: {off:.1e}")
    assert off <= CLOSE
