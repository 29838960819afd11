"""Integrated gradients here against captum's `LayerIntegratedGradients` on the embedding layer, at equal settings.

captum rounds its weights to float32, and takes the places of its Riemann sums from a `linspace` in torch's default
dtype, which is float32 unless one says otherwise.  With float64 as the default (`exact_places`) only the rounded
weights are left; where these are powers of two nothing is, and both programs agree to the last bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients

import interp_widgets as iw
from tests.attribution.formulas import LONG, by_path
from tests.tiny import FAMILIES, make_model, make_tokenizer

pytestmark = pytest.mark.peers

THEIRS = {
    "gauss-legendre": "gausslegendre",
    "midpoint": "riemann_middle",
    "riemann": "riemann_right",
    "trapezoid": "riemann_trapezoid",
}
UNUSED = 399  # a token of no text: its embedding is zero below, which gives captum a zero baseline


def with_a_zero_token(family: str) -> iw.LanguageModel:
    model = make_model(family, dtype=torch.float64)
    with torch.no_grad():
        model.get_input_embeddings().weight[UNUSED] = 0
    return iw.LanguageModel(model, make_tokenizer(), name=f"tiny {family}")


@contextmanager
def exact_places() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def captum_scores(
    lm: Any, ids: Any, target: int, foil: int | None, baseline: int, quadrature: str, steps: int, batch: int = 25
) -> Any:
    def number(tokens: torch.Tensor) -> Any:
        logits = lm.model(input_ids=tokens).logits[:, -1]
        return logits[:, target] if foil is None else logits[:, target] - logits[:, foil]

    rows = torch.tensor(ids)[None]
    integral = LayerIntegratedGradients(number, lm.model.get_input_embeddings()).attribute(
        rows, torch.full_like(rows, baseline), n_steps=steps, method=THEIRS[quadrature], internal_batch_size=batch
    )
    return integral.sum(-1)[0].detach().double().numpy()


def difference(ours: Any, theirs: Any) -> float:
    """Largest difference relative to the largest score."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("quadrature", ["gauss-legendre", "midpoint", "riemann"])
@pytest.mark.parametrize(("baseline", "token"), [("zero", UNUSED), ("eos", 1)])
def test_equal_to_captum_within_1e_7(
    family: str, quadrature: str, baseline: str, token: int, record_property: Any
) -> None:
    lm = with_a_zero_token(family)
    result = by_path(lm, LONG, " Canberra", baseline=baseline, quadrature=quadrature)
    target = int(result.target_ids[0])
    with exact_places():
        off = difference(result.scores, captum_scores(lm, result.token_ids, target, None, token, quadrature, 50))
    as_it_comes = difference(result.scores, captum_scores(lm, result.token_ids, target, None, token, quadrature, 50))
    record_property("relative difference", off)
    record_property("relative difference with float32 places", as_it_comes)
    print(f"{family} {quadrature} {baseline}: {off:.1e}, with float32 places {as_it_comes:.1e}")
    assert off <= 1e-7
    # A place that is 6e-8 off matters most where the path starts at the singularity of RMSNorm.
    assert as_it_comes <= (1e-7 if quadrature == "gauss-legendre" else 5e-6)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3_text"])
def test_a_foil_is_captums_difference(family: str) -> None:
    lm = with_a_zero_token(family)
    result = by_path(lm, LONG, " Canberra", " Sydney", baseline="eos")
    assert len(result.target_ids) == len(result.foil_ids) == 1
    target, foil = int(result.target_ids[0]), int(result.foil_ids[0])
    theirs = captum_scores(lm, result.token_ids, target, foil, 1, "gauss-legendre", 50)
    assert difference(result.scores, theirs) <= 1e-7


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("quadrature", ["midpoint", "riemann"])
def test_where_captum_rounds_nothing_it_agrees_to_the_last_bits(family: str, quadrature: str) -> None:
    """1 / 32 is the same in float32. (GPT-J rounds inside: its attention is float32 whatever the model's dtype.)"""
    lm = with_a_zero_token(family)
    result = by_path(lm, LONG, " Canberra", baseline="eos", quadrature=quadrature, steps=32)
    with exact_places():
        theirs = captum_scores(lm, result.token_ids, int(result.target_ids[0]), None, 1, quadrature, 32)
    assert difference(result.scores, theirs) <= (1e-8 if family == "gptj" else 1e-12)


@pytest.mark.parametrize("steps", [5, 50])
def test_captums_trapezoid_is_ours_times_n_minus_1_over_n(steps: int) -> None:
    """It weighs n points by 1/n, though they span n - 1 intervals: it misses the integral of a constant by 1/n."""
    lm = with_a_zero_token("gpt2")
    result = by_path(lm, LONG, " Canberra", baseline="eos", quadrature="trapezoid", steps=steps)
    with exact_places():
        theirs = captum_scores(lm, result.token_ids, int(result.target_ids[0]), None, 1, "trapezoid", steps)
    assert difference(result.scores * (steps - 1) / steps, theirs) <= 1e-7
    assert difference(result.scores, theirs) == pytest.approx(1 / (steps - 1), rel=1e-4)


def test_captum_sees_the_ledger_too() -> None:
    """It calls the Hugging Face model, where our hooks are."""
    lm = with_a_zero_token("llama")
    lm.ledger.add(iw.AddedVector(np.random.default_rng(0).normal(size=32), layer=1))
    result = by_path(lm, LONG, " Canberra", baseline="eos")
    theirs = captum_scores(lm, result.token_ids, int(result.target_ids[0]), None, 1, "gauss-legendre", 50)
    assert difference(result.scores, theirs) <= 1e-7


@pytest.mark.default_model
def test_equal_to_captum_within_1e_3_on_the_default_model(default_lm: Any, record_property: Any) -> None:
    prompt = "The Eiffel Tower is located in the city of Paris, and the Colosseum stands in the old city of"
    result = by_path(default_lm, prompt, baseline="eos")
    assert len(result.tokens) == 23
    eos = default_lm.tokenizer.eos_token_id
    theirs = captum_scores(
        default_lm, result.token_ids, int(result.target_ids[0]), None, eos, "gauss-legendre", 50, batch=10
    )
    off = difference(result.scores, theirs)
    record_property("relative difference", off)
    print(f"default model, 23 tokens, 50 steps: {off:.1e}")
    assert off <= 1e-3
