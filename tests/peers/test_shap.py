"""Shapley values and the partition explainer here against the library shap, on the same answers of the same model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shap

import interp_widgets as iw
from interp_widgets.attribution.partition_shap import PARTITION_SHAP, Units
from interp_widgets.attribution.perturbation import Perturber
from interp_widgets.attribution.shapley import SHAPLEY
from tests.attribution.formulas import LONG, PROMPT, asked
from tests.attribution.games import played, random_game
from tests.tiny import make_lm

pytestmark = pytest.mark.peers


def theirs(explainer: Any, lm: Any, question: Any, **settings: Any) -> Any:
    """An explainer of shap on 0 and 1 for each token, the background being the empty prompt."""
    n = len(question.prompt)
    perturber = Perturber(question)

    def answer(kept: Any) -> Any:
        return perturber.without(np.asarray(kept) < 0.5, "eos")

    masker = shap.maskers.Independent(np.zeros((1, n)))
    return explainer(answer, masker)(np.ones((1, n)), **settings).values[0]


def test_exact_values_are_those_of_its_exact_explainer() -> None:
    lm = make_lm("llama")
    question = asked(lm, PROMPT, 5, 7)
    result = iw.attribute(lm, PROMPT, 5, 7, "shapley")
    assert len(result.scores) <= 12
    np.testing.assert_allclose(result.scores, theirs(shap.explainers.Exact, lm, question, silent=True), atol=1e-4)


def test_sampled_values_hold_those_of_its_permutation_explainer_in_their_intervals() -> None:
    lm = make_lm("llama")
    question = asked(lm, LONG, 5, 7)
    n = len(question.prompt)
    result = iw.attribute(lm, LONG, 5, 7, "shapley", samples=200)
    many = theirs(shap.explainers.Permutation, lm, question, max_evals=(2 * n + 1) * 500, silent=True)
    assert result.interval is not None
    half = np.ptp(result.interval, axis=1) / 2
    # Theirs is an estimate too, from two and a half times as many orders: intervals of the difference are wider.
    inside = np.abs(result.scores - many) <= half * np.sqrt(1 + 200 / 1000) + 1e-6
    assert inside.mean() >= 0.8
    assert (np.abs(result.scores - many) <= 2 * half + 1e-6).all()


@pytest.mark.parametrize("units", [3, 8, 11])
def test_a_game_played_by_both(units: int) -> None:
    game = random_game(units)

    def answer(kept: Any) -> Any:
        return np.asarray([game(np.asarray(row) > 0.5) for row in kept])

    masker = shap.maskers.Independent(np.zeros((1, units)))
    exact = shap.explainers.Exact(answer, masker)(np.ones((1, units)), silent=True).values[0]
    np.testing.assert_allclose(played(SHAPLEY, game, units).scores, exact, atol=1e-9)


class OurTokens:
    """A tokenizer in the form that shap's Text masker wants, over our units."""

    def __init__(self, lm: Any) -> None:
        self.lm = lm
        self.mask_token = lm.tokenizer.eos_token

    def __call__(self, text: str, return_offsets_mapping: bool = True) -> Any:
        encoded = self.lm.tokenizer(text, return_offsets_mapping=True)
        return {"input_ids": encoded["input_ids"], "offset_mapping": encoded["offset_mapping"]}


@pytest.mark.parametrize("prompt", [PROMPT, LONG])
@pytest.mark.parametrize("evals", [60, 500])
def test_the_partition_explainer_is_its_own_text_route(prompt: str, evals: int) -> None:
    """`shap.Explainer(f, shap.maskers.Text(...))`: the same tree of the same tokens, and the same numbers.

    Their route hands the changed *text* to the model.  Here the masks are recorded on the way and answered alike.
    """
    lm = make_lm("gpt2")
    question = asked(lm, prompt, 5, 7)
    perturber = Perturber(question)
    masker = shap.maskers.Text(OurTokens(lm), mask_token="...", collapse_mask_token=False)
    masks: list[Any] = []
    real = masker.__class__.__call__

    class Recorded(shap.maskers.Text):  # type: ignore[misc]  # shap has no types
        def __call__(self, mask: Any, text: Any) -> Any:
            masks.append(np.array(mask, dtype=bool))
            return real(self, mask, text)

    masker.__class__ = Recorded

    def answer(texts: Any) -> Any:
        kept = np.stack(masks[-len(texts) :])
        return perturber.without(~kept, "eos")

    explainer = shap.explainers.Partition(answer, masker)
    np.random.seed(0)
    explanation = explainer([prompt], max_evals=evals, batch_size=1, silent=True)
    result = iw.attribute(lm, prompt, 5, 7, "partition_shap", samples=evals)
    mine = Units(list(result.tokens)).clustering(None)
    np.testing.assert_allclose(mine, masker.clustering(prompt))
    np.testing.assert_allclose(result.scores, explanation.values[0], atol=1e-4)


def test_the_explanation_is_theirs_and_holds_our_scores() -> None:
    lm = make_lm("gpt2")
    result = iw.attribute(lm, LONG, 5, 7, "partition_shap")
    explanation = iw.shap_explanation(lm, LONG, 5, 7)
    assert isinstance(explanation, shap.Explanation)
    np.testing.assert_allclose(explanation.values[0], result.scores, atol=1e-5)
    assert list(explanation.data[0]) == list(result.tokens)
    assert float(np.ravel(explanation.base_values)[0]) + result.scores.sum() == pytest.approx(
        asked(lm, LONG, 5, 7).value, abs=1e-4
    )


def test_the_global_generator_of_numpy_is_left_as_it_was() -> None:
    np.random.seed(7)
    expected = np.random.RandomState(7).random_sample(3)
    played(PARTITION_SHAP, random_game(6), 6)
    assert np.array_equal(np.random.random_sample(3), expected)
