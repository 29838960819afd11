"""Shapley values, LIME and leave-one-out on games whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

import interp_widgets as iw
from interp_widgets.attribution.leave_one_out import LEAVE_ONE_OUT
from interp_widgets.attribution.lime import KERNEL_WIDTH, LIME, PENALTY, draw, fit, weights
from interp_widgets.attribution.partition_shap import PARTITION_SHAP
from interp_widgets.attribution.shapley import (
    EXACT,
    PERMUTATIONS,
    SHAPLEY,
    all_sets,
    chains,
    contributions,
    interval,
    orders,
)
from tests.attribution.formulas import LONG, PROMPT
from tests.attribution.games import additive, of_all_orders, played, random_game
from tests.tiny import make_lm

BY_SHARES = (SHAPLEY, PARTITION_SHAP)  # they share out what the whole is worth
WORTHS = np.array([3.0, -1.0, 0.0, 2.5, 7.0])

# Closed forms


@pytest.mark.parametrize("method", [SHAPLEY, PARTITION_SHAP, LEAVE_ONE_OUT])
@pytest.mark.parametrize("units", [5, 16])  # exact, and sampled
def test_in_an_additive_game_each_gets_its_worth(method: Any, units: int) -> None:
    worths = np.resize(WORTHS, units) + np.arange(units)
    found = played(method, additive(worths), units)
    np.testing.assert_allclose(found.scores, worths, atol=1e-9)
    if method is SHAPLEY:
        np.testing.assert_allclose(found.interval, np.stack([worths, worths], axis=1), atol=1e-9)


@pytest.mark.parametrize("units", [2, 4, EXACT, 14])
def test_an_interaction_is_shared_equally_and_the_rest_get_nothing(units: int) -> None:
    found = played(SHAPLEY, lambda kept: 6.0 * float(kept[0] and kept[1]), units, samples=4000)
    expected = np.zeros(units)
    expected[:2] = 3
    np.testing.assert_allclose(found.scores, expected, atol=1e-9 if units <= EXACT else 0.2)
    np.testing.assert_allclose(found.scores[2:], 0, atol=1e-12)
    alone = played(LEAVE_ONE_OUT, lambda kept: 6.0 * float(kept[0] and kept[1]), units)
    assert alone.scores[:2].tolist() == [6, 6], "leave-one-out counts it twice"


@pytest.mark.parametrize("units", [1, 2, 3, 6])
@pytest.mark.parametrize("seed", [0, 1])
def test_exact_values_are_those_of_all_orders(units: int, seed: int) -> None:
    game = random_game(units, seed)
    np.testing.assert_allclose(played(SHAPLEY, game, units).scores, of_all_orders(game, units), atol=1e-12)


def test_units_that_do_the_same_get_the_same() -> None:
    def game(kept: Any) -> float:
        return float(np.sqrt(kept[0] + kept[1]) * (1 + kept[2]))

    scores = played(SHAPLEY, game, 4).scores
    assert scores[0] == pytest.approx(scores[1])
    assert scores[3] == pytest.approx(0)


@pytest.mark.parametrize("method", BY_SHARES)
@pytest.mark.parametrize("units", [1, 2, 7, 15])
def test_shares_sum_to_what_the_whole_is_worth(method: Any, units: int) -> None:
    game = random_game(units, 3)
    found = played(method, game, units, samples=200)
    due = game(np.ones(units, dtype=bool)) - game(np.zeros(units, dtype=bool))
    assert found.due == pytest.approx(due)
    assert found.scores.sum() == pytest.approx(due, abs=1e-9)


# Sampled orders


def test_sampled_values_lie_in_their_intervals_as_often_as_is_said() -> None:
    """95 %: of 14 units in 20 runs each; the tolerance is about four standard deviations of dependent units."""
    units = 14
    chance = np.random.default_rng(0)
    worths, pairs = chance.normal(size=units), chance.normal(size=(units, units))

    def game(kept: Any) -> float:
        return float(kept @ worths + kept @ pairs @ kept)

    truth = worths + (pairs.sum(0) + pairs.sum(1)) / 2  # a pair's interaction is shared equally
    inside = []
    for seed in range(20):
        found = played(SHAPLEY, game, units, seed=seed, samples=20)
        low, high = found.interval.T
        # An order and its reverse cancel a game of pairs exactly.
        np.testing.assert_allclose(found.scores, truth, atol=1e-9)
        inside.append((low - 1e-9 <= truth) & (truth <= high + 1e-9))

    def triples(kept: Any) -> float:
        return float(kept @ worths + 3 * kept[0] * kept[1] * kept[2] - 2 * kept[3] * kept[4] * kept[5] * kept[6])

    truth = worths.copy()
    truth[:3] += 1
    truth[3:7] -= 0.5
    hits = []
    for seed in range(20):
        low, high = played(SHAPLEY, triples, units, seed=seed, samples=30).interval.T
        hits.append((low - 1e-9 <= truth) & (truth <= high + 1e-9))
    assert np.mean(np.asarray(hits)[:, :7]) >= 0.85
    assert np.asarray(hits)[:, 7:].all()
    assert np.all(inside)


def test_orders_come_with_their_reverse_and_follow_the_seed() -> None:
    some = orders(9, 6, 0)
    assert some.shape == (6, 9)
    assert all(sorted(order) == list(range(9)) for order in some.tolist())
    assert np.array_equal(some[0::2], some[1::2, ::-1])
    assert np.array_equal(some, orders(9, 6, 0))
    assert not np.array_equal(some, orders(9, 6, 1))
    assert len(orders(9, 5, 0)) == 6
    assert len(orders(9, PERMUTATIONS, 0)) == PERMUTATIONS


def test_chains_add_one_unit_after_the_other() -> None:
    kept = chains(np.array([[2, 0, 1]]))
    assert kept[0].astype(int).tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1]]
    added = contributions(np.array([[2, 0, 1]]), np.array([[0.0, 5.0, 6.0, 4.0]]))
    assert added.tolist() == [[1.0, -2.0, 5.0]]


def test_a_single_pair_of_orders_says_nothing_of_its_error() -> None:
    assert np.isinf(interval(np.ones((2, 3)))).all()
    wide = interval(np.array([[0.0], [0.0], [2.0], [2.0]]))
    assert wide.mean() == pytest.approx(1)
    assert np.ptp(wide) == pytest.approx(2 * 12.706204736, rel=1e-6), "Student's t with one degree of freedom"


def test_sets_are_numbered_by_their_bits() -> None:
    sets = all_sets(3)
    assert sets.shape == (8, 3)
    assert sets[5].tolist() == [True, False, True]


# LIME


@given(units=st.integers(1, 30), samples=st.integers(2, 60), seed=st.integers(0, 99))
@settings(max_examples=50)
def test_lime_draws_the_prompt_itself_first_and_deletes_some_of_the_rest(units: int, samples: int, seed: int) -> None:
    gone = draw(units, samples, seed)
    assert gone.shape == (samples, units)
    assert not gone[0].any()
    size = gone[1:].sum(1)
    assert (size >= 1).all()
    assert (size <= max(units - 1, 1)).all()


def test_lime_weighs_by_the_kernel_of_its_authors() -> None:
    """Their text explainer: cosine distance to the whole, times 100, in a Gaussian kernel of width 25."""
    gone = draw(9, 40, 0)
    distance = pairwise_distances((~gone).astype(float), np.ones((1, 9)), metric="cosine")[:, 0] * 100
    np.testing.assert_allclose(weights(gone), np.sqrt(np.exp(-(distance**2) / KERNEL_WIDTH**2)) ** 2, rtol=1e-9)
    assert weights(np.zeros((1, 5), dtype=bool)).tolist() == [1.0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lime_fits_as_scikit_learns_ridge_does(seed: int) -> None:
    gone = draw(7, 60, seed)
    values = np.random.default_rng(seed).normal(size=60)
    w, c, fitted = fit(gone, values, weights(gone))
    z = (~gone).astype(float)
    ridge = Ridge(alpha=PENALTY).fit(z, values, sample_weight=weights(gone))
    np.testing.assert_allclose(w, ridge.coef_, atol=1e-9)
    assert c == pytest.approx(ridge.intercept_)
    assert fitted == pytest.approx(ridge.score(z, values, sample_weight=weights(gone)))
    found = played(LIME, random_game(7, seed), 7, seed=seed, samples=60)
    game = random_game(7, seed)
    again = Ridge(alpha=PENALTY).fit(z, [game(~row) for row in gone], sample_weight=weights(gone))
    np.testing.assert_allclose(found.scores, again.coef_, atol=1e-9)


def test_lime_finds_a_linear_game_but_for_its_penalty() -> None:
    found = played(LIME, additive(WORTHS), 5, samples=3000)
    np.testing.assert_allclose(found.scores, WORTHS, rtol=0.02, atol=0.02)
    assert found.diagnostics["r_squared"] > 0.999
    assert played(LIME, lambda kept: 4.0, 5).diagnostics["r_squared"] == 1.0


# On a model


@pytest.mark.parametrize("method", ["shapley", "partition_shap"])
@pytest.mark.parametrize("prompt", [PROMPT, LONG])
@pytest.mark.parametrize("way", ["eos", "random", "mask"])
def test_shares_on_a_model_sum_to_the_difference_to_nothing(method: str, prompt: str, way: str) -> None:
    result = iw.attribute(make_lm("gpt2"), prompt, 5, 7, method, delete=way, samples=20)
    assert abs(result.diagnostics["sum"] - result.diagnostics["due"]) <= 1e-4
    assert (result.interval is not None) == (method == "shapley")


@pytest.mark.parametrize("method", ["shapley", "lime"])
def test_the_seed_is_what_chance_follows(method: str) -> None:
    lm = make_lm("gpt2")
    one, same, other = (iw.attribute(lm, LONG, 5, 7, method, samples=10, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.scores, same.scores)
    assert not np.array_equal(one.scores, other.scores)
