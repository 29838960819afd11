"""The integral itself: against closed forms, finite differences, a plain loop, and itself under other settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import interp_widgets as iw
from interp_widgets.attribution.integrated_gradients import (
    MAX_STEPS,
    QUADRATURES,
    baseline_embeds,
    integrate,
    points,
)
from interp_widgets.interventions.ablation import Ablation
from interp_widgets.interventions.added_vector import AddedVector
from tests.attribution.formulas import LONG, PROMPT, asked, asked_formula, by_path, embedded, ignore, plain_loop
from tests.tiny import FAMILIES, make_lm, make_model, make_tokenizer

DOUBLE = torch.float64


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama", dtype=DOUBLE)


def path_of(question: Any, baseline: Any, steps: int, quadrature: str, batch_size: int = 8) -> Any:
    return integrate(
        question, baseline, steps=steps, quadrature=quadrature, batch_size=batch_size, advance=ignore
    )  # fmt: skip


# Points and weights


@given(quadrature=st.sampled_from(sorted(QUADRATURES)), steps=st.integers(2, 300))
def test_points_lie_on_the_path_and_weights_sum_to_one(quadrature: str, steps: int) -> None:
    places, weights = points(quadrature, steps)
    assert places.shape == weights.shape == (steps,)
    assert places.dtype == weights.dtype == np.float64
    assert (np.diff(places) > 0).all()
    assert places[0] >= 0
    assert places[-1] <= 1
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)


@given(steps=st.integers(1, 40), degree=st.integers(0, 79))
def test_gauss_legendre_is_exact_to_degree_2n_minus_1(steps: int, degree: int) -> None:
    places, weights = points("gauss-legendre", steps)
    degree = min(degree, 2 * steps - 1)
    assert (weights * places**degree).sum() == pytest.approx(1 / (degree + 1), rel=1e-12)


def test_gauss_legendre_is_not_exact_at_degree_2n() -> None:
    places, weights = points("gauss-legendre", 3)
    assert abs((weights * places**6).sum() - 1 / 7) > 1e-5


@given(steps=st.integers(2, 200))
def test_the_sums_err_on_a_straight_line_and_a_parabola_as_predicted(steps: int) -> None:
    n = steps
    for quadrature, line, parabola in (
        ("riemann", 1 / (2 * n), (n + 1) * (2 * n + 1) / (6 * n * n) - 1 / 3),
        ("midpoint", 0, -1 / (12 * n * n)),
        ("trapezoid", 0, 1 / (6 * (n - 1) ** 2)),
    ):
        places, weights = points(quadrature, n)
        assert (weights * places).sum() - 1 / 2 == pytest.approx(line, abs=1e-13)
        assert (weights * places**2).sum() - 1 / 3 == pytest.approx(parabola, abs=1e-13)


def test_one_step_is_the_middle_or_the_end() -> None:
    assert points("gauss-legendre", 1)[0].tolist() == [0.5]
    assert points("midpoint", 1)[0].tolist() == [0.5]
    assert points("riemann", 1)[0].tolist() == [1.0]


def test_the_most_steps_are_still_quick_to_place() -> None:
    places, weights = points("gauss-legendre", MAX_STEPS)
    assert (weights * places**5).sum() == pytest.approx(1 / 6, rel=1e-10)


# Closed forms: F = sum of c x^p over the embeddings, so score_i = sum over d of c (x^p - b^p)


@pytest.mark.parametrize("quadrature", sorted(QUADRATURES))
@pytest.mark.parametrize("steps", [2, 5])
def test_a_linear_function_gets_its_own_terms(lm: Any, quadrature: str, steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    c = torch.randn(5, 32, generator=generator, dtype=DOUBLE)
    question = asked_formula(lm, lambda x: (c[: x.shape[1]] * x).sum((1, 2)))
    x = embedded(lm, question)
    baseline = torch.randn(x.shape, generator=generator, dtype=DOUBLE)
    path = path_of(question, baseline, steps, quadrature)
    np.testing.assert_allclose(path.scores, (c * (x - baseline))[0].sum(-1).numpy(), rtol=1e-12)
    assert path.due == pytest.approx(path.scores.sum(), rel=1e-12)


@pytest.mark.parametrize(("power", "steps"), [(2, 1), (3, 2), (4, 2), (5, 3), (6, 3)])
def test_gauss_legendre_is_exact_on_powers(lm: Any, power: int, steps: int) -> None:
    question = asked_formula(lm, lambda x: (x**power).sum((1, 2)))
    x = embedded(lm, question)
    baseline = torch.full_like(x, 0.3)
    path = path_of(question, baseline, steps, "gauss-legendre")
    np.testing.assert_allclose(path.scores, (x**power - baseline**power)[0].sum(-1).numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("steps", [2, 7, 30])
def test_riemann_midpoint_and_trapezoid_err_on_powers_as_predicted(lm: Any, steps: int) -> None:
    n = steps
    square = asked_formula(lm, lambda x: (x**2).sum((1, 2)))
    cube = asked_formula(lm, lambda x: (x**3).sum((1, 2)))
    x = embedded(lm, square)
    baseline = torch.full_like(x, -0.2)
    d = x - baseline

    def error(question: Any, quadrature: str, power: int) -> Any:
        exact = (x**power - baseline**power)[0].sum(-1).numpy()
        return path_of(question, baseline, n, quadrature).scores - exact

    def summed(terms: torch.Tensor) -> Any:
        return terms[0].sum(-1).numpy()

    close: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(error(square, "riemann", 2), summed(d**2 / n), **close)
    np.testing.assert_allclose(error(square, "midpoint", 2), 0, atol=1e-12)
    np.testing.assert_allclose(error(square, "trapezoid", 2), 0, atol=1e-12)
    np.testing.assert_allclose(error(cube, "midpoint", 3), summed(-(d**3) / (4 * n * n)), **close)
    np.testing.assert_allclose(error(cube, "trapezoid", 3), summed(d**3 / (2 * (n - 1) ** 2)), **close)


@settings(max_examples=20, deadline=None)
@given(batch_size=st.integers(1, 20), steps=st.integers(2, 20))
def test_every_point_is_counted_once_whatever_the_batch(lm: Any, batch_size: int, steps: int) -> None:
    question = asked_formula(lm, lambda x: (x**2).sum((1, 2)))
    x = embedded(lm, question)
    told: list[int] = []
    path = integrate(
        question, torch.zeros_like(x), steps=steps, quadrature="midpoint", batch_size=batch_size, advance=told.append
    )
    np.testing.assert_allclose(path.scores, (x**2)[0].sum(-1).numpy(), rtol=1e-12)
    assert told == [min(start + batch_size, steps) for start in range(0, steps, batch_size)]
    assert path.batch_size == batch_size


# The real models


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("target", "foil"),
    [(None, None), (" Canberra", " Sydney"), (" Canberra and not", None), (" Paris", " not Sydney.")],
)
def test_gradients_agree_with_finite_differences(family: str, target: str | None, foil: str | None) -> None:
    """One step of the right-hand sum is gradient times difference at the prompt itself."""
    question = asked(make_lm(family, dtype=DOUBLE), PROMPT, target, foil)
    x = embedded(question.lm, question)
    baseline = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=DOUBLE) * 0.1
    scores = path_of(question, baseline, 1, "riemann").scores
    # GPT-J's attention and every RMSNorm of transformers compute in float32 whatever the model's dtype: there
    # differences need a longer step and are less sharp.
    h, close = (1e-5, 1e-7) if family in ("gpt2", "gpt_neox") else (3e-3, 1e-3)
    scale = np.abs(scores).max()
    with torch.no_grad():
        for i in range(x.shape[1]):
            along = torch.zeros_like(x)
            along[:, i] = (x - baseline)[:, i]
            slope = (question.values(x + h * along) - question.values(x - h * along)) / (2 * h)
            assert scores[i] == pytest.approx(float(slope[0]), abs=close * scale)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_embeddings_are_what_the_model_itself_uses(family: str) -> None:
    """Also Gemma's scale: the number at the embeddings is the plain model's logit."""
    lm = make_lm(family, dtype=DOUBLE)
    question = asked(lm)
    with torch.no_grad():
        logits = lm.model(input_ids=torch.as_tensor(question.prompt.ids)[None]).logits[0, -1]
        value = float(question.values(embedded(lm, question))[0])
    assert value == pytest.approx(float(logits.max()), rel=1e-12)
    assert question.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_plain_loop_over_the_hugging_face_model_gives_the_same(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    result = by_path(lm, PROMPT, " Canberra", quadrature="riemann", steps=13)
    baseline = torch.zeros(1, len(result.tokens), 32, dtype=DOUBLE)
    expected = plain_loop(lm.model, result.token_ids, baseline, int(result.target_ids[0]), 13)
    np.testing.assert_allclose(result.scores, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("family", ["gpt2", "qwen3", "gemma3_text"])
@pytest.mark.parametrize("quadrature", sorted(QUADRATURES))
def test_the_batch_size_does_not_matter(family: str, quadrature: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    runs = [by_path(lm, LONG, baseline="eos", quadrature=quadrature, batch_size=b) for b in (1, 7, 50)]
    scale = np.abs(runs[0].scores).max()
    for run in runs[1:]:
        assert np.abs(run.scores - runs[0].scores).max() <= 1e-12 * scale
    assert [run.provenance.batch_size for run in runs] == [1, 7, 50]


@pytest.mark.parametrize("family", FAMILIES)
def test_checkpoints_change_nothing(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    kept, again = (by_path(lm, LONG, " warm and", " Paris", checkpoint=c) for c in (False, True))
    np.testing.assert_allclose(again.scores, kept.scores, rtol=1e-12, atol=1e-14)
    assert again.provenance.notes == ("with activation checkpoints",)
    assert kept.provenance.notes == ()
    assert not any("forward" in vars(layer) for layer in lm.architecture.layers)


@pytest.mark.parametrize("family", ["gpt2", "gptj", "gpt_neox"])
def test_completeness_converges_where_the_function_is_smooth(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    errors = []
    for steps in (4, 16, 200):
        diagnostics = by_path(lm, PROMPT, " Canberra", baseline="eos", steps=steps).diagnostics
        errors.append(diagnostics["completeness_error"])
        assert abs(diagnostics["sum"] - diagnostics["due"]) <= errors[-1] * 10
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-6


def test_due_is_the_difference_that_the_plain_model_makes() -> None:
    lm = make_lm("gpt_neox", dtype=DOUBLE)
    result = by_path(lm, PROMPT, " Canberra", " Sydney", baseline="eos")
    target, foil = int(result.target_ids[0]), int(result.foil_ids[0])
    with torch.no_grad():
        rows = torch.stack([torch.tensor(result.token_ids), torch.full((len(result.tokens),), 1)])
        logits = lm.model(input_ids=rows).logits[:, -1]
    odds = logits[:, target] - logits[:, foil]
    assert result.diagnostics["due"] == pytest.approx(float(odds[0] - odds[1]), rel=1e-10)


# Baselines


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "gemma3_text"])
def test_zero_mean_and_eos_in_the_units_of_the_first_layer(family: str) -> None:
    lm = make_lm(family, dtype=DOUBLE)
    weight = lm.model.get_input_embeddings().weight.detach()
    scale = 32**0.5 if family.startswith("gemma") else 1.0
    zero, mean, eos = (baseline_embeds(lm, 4, name)[0] for name in ("zero", "mean", "eos"))
    assert zero.shape == mean.shape == eos.shape == (1, 4, 32)
    assert not zero.any()
    torch.testing.assert_close(mean[0, 2], weight.mean(0) * scale, rtol=1e-6, atol=1e-9)  # a float32 root
    torch.testing.assert_close(eos[0, 3], weight[1] * scale, rtol=1e-6, atol=1e-9)


def test_without_end_of_text_the_padding_token_stands_in() -> None:
    lm = make_lm("llama")
    lm.tokenizer.eos_token = None
    with pytest.raises(iw.errors.ArgumentError, match="neither an end-of-text nor a padding token"):
        by_path(lm, PROMPT, baseline="eos")
    lm.tokenizer.pad_token = "<s>"
    assert torch.equal(baseline_embeds(lm, 2, "eos")[0], lm.embed(torch.tensor([[0, 0]])))


@pytest.mark.parametrize("bos", [False, True])
def test_a_text_is_repeated_or_cut_and_says_so(bos: bool) -> None:
    lm = make_lm("llama", bos=bos)
    ids = lm.encode("the city").ids.tolist()
    front, body = ids[: int(bos)], ids[int(bos) :]
    longer, note = baseline_embeds(lm, len(ids) + len(body) + 1, "text:the city")
    assert note == f"baseline text of {len(ids)} tokens repeated to {len(ids) + len(body) + 1}"
    assert torch.equal(longer, lm.embed(torch.tensor([front + body + body + body[:1]])))
    shorter, note = baseline_embeds(lm, len(ids) - 1, "text:the city")
    assert note == f"baseline text of {len(ids)} tokens cut to {len(ids) - 1}"
    assert torch.equal(shorter, lm.embed(torch.tensor([ids[:-1]])))
    assert baseline_embeds(lm, len(ids), "text:the city")[1] is None


def test_the_note_of_the_baseline_reaches_the_provenance() -> None:
    result = by_path(make_lm("llama"), PROMPT, baseline="text:room")
    assert any(note.startswith("baseline text of ") for note in result.provenance.notes)
    assert result.settings["baseline"] == "text:room"


def test_a_baseline_equal_to_the_prompt_gives_zeros() -> None:
    result = by_path(make_lm("llama", dtype=DOUBLE), PROMPT, baseline=f"text:{PROMPT}")
    assert not result.scores.any()
    assert result.diagnostics["due"] == pytest.approx(0, abs=1e-12)


# Interventions, and the rest of the house


def test_active_interventions_are_seen_and_named() -> None:
    lm = make_lm("llama", dtype=DOUBLE)
    before = by_path(lm, PROMPT, " Canberra", quadrature="riemann", steps=7)
    vector = np.random.default_rng(0).normal(size=32)
    lm.ledger.add(AddedVector(vector, layer=1), name="push")
    with lm.using(Ablation(layer=2, site="mlp_out")):
        during = by_path(lm, PROMPT, " Canberra", quadrature="riemann", steps=7)
    assert before.provenance.interventions == ()
    assert during.provenance.interventions == ("push", "ablate mlp_out of layer 2")
    lm.ledger.clear()

    # The same two changes by hooks of our own.
    layers = lm.model.model.layers
    added = torch.as_tensor(vector)
    handles = [
        layers[1].register_forward_hook(lambda module, inputs, output: output + added),
        layers[2].mlp.register_forward_hook(lambda module, inputs, output: torch.zeros_like(output)),
    ]
    baseline = torch.zeros(1, len(before.tokens), 32, dtype=DOUBLE)
    expected = plain_loop(lm.model, before.token_ids, baseline, int(before.target_ids[0]), 7)
    for handle in handles:
        handle.remove()
    np.testing.assert_allclose(during.scores, expected, rtol=1e-10, atol=1e-13)
    after = by_path(lm, PROMPT, " Canberra", quadrature="riemann", steps=7)
    assert np.array_equal(after.scores, before.scores)


def test_nothing_is_left_on_the_parameters() -> None:
    lm = make_lm("gpt2")
    before = lm.state_hash()
    by_path(lm, PROMPT)
    assert lm.state_hash() == before
    assert all(parameter.grad is None for parameter in lm.model.parameters())
    assert all(parameter.requires_grad for parameter in lm.model.parameters())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_callers_grad_mode_does_not_matter(mode: Any) -> None:
    lm = make_lm("llama")
    expected = by_path(lm, PROMPT).scores
    with mode():
        assert np.array_equal(by_path(lm, PROMPT).scores, expected)


def test_bfloat16_follows_float32() -> None:
    models = [make_model("gpt_neox", dtype=dtype) for dtype in (torch.float32, torch.bfloat16)]
    full, half = (by_path(iw.LanguageModel(m, make_tokenizer()), PROMPT, " Canberra") for m in models)
    assert half.provenance.dtype == "bfloat16"
    assert half.scores.dtype == np.float64
    assert np.abs(half.scores - full.scores).max() < 0.1 * np.abs(full.scores).max()
