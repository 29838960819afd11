"""Directions on states made by hand: what each method finds, its sign, and where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.errors import ArgumentError
from interp_widgets.steering.directions import (
    METHODS,
    check_method,
    cross_validated,
    direction,
    ordered,
    separation,
)

WIDTH, PAIRS = 12, 40


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows)


def planted(
    seed: int = 0, *, gap: float = 2.0, spread: float = 0.0, noise: float = 0.05, common: float = 3.0
) -> tuple[Any, Any, Any]:
    """(direction, positive, negative): pairs that share a topic (`common`), and differ along one direction by `gap`,
    give or take `spread`, and by noise."""
    chance = np.random.default_rng(seed)
    u = unit(chance.normal(size=WIDTH))
    topics = common * chance.normal(size=(PAIRS, WIDTH))
    gaps = (gap + spread * chance.normal(size=PAIRS))[:, None] * u
    states = [topics + side * gaps / 2 + noise * chance.normal(size=(PAIRS, WIDTH)) for side in (1, -1)]
    return u, states[0], states[1]


@pytest.mark.parametrize("method", ["mean", "pca_uncentred"])
def test_a_planted_direction_is_found(method: str) -> None:
    u, positive, negative = planted()
    assert direction(method, positive, negative) @ u > 0.999


def test_logistic_finds_it_where_topics_do_not_drown_it() -> None:
    u, positive, negative = planted(common=0.3)
    assert direction("logistic", positive, negative) @ u > 0.9


def test_the_mean_is_the_mean_of_differences_scaled_to_one() -> None:
    _, positive, negative = planted(noise=1.0)
    np.testing.assert_allclose(direction("mean", positive, negative), unit((positive - negative).mean(0)), atol=1e-14)


@pytest.mark.parametrize("method", ["pca_uncentred", "pca_centred"])
@pytest.mark.parametrize("pairs", [PAIRS, WIDTH - 4])
def test_pca_is_the_first_singular_vector(method: str, pairs: int) -> None:
    """Through either of the two Gram matrices: more rows than columns, and fewer."""
    _, positive, negative = planted(noise=1.0)
    positive, negative = positive[:pairs], negative[:pairs]
    d = positive - negative
    rows = d if method == "pca_uncentred" else d - d.mean(0)
    found = direction(method, positive, negative)
    assert abs(found @ np.linalg.svd(rows)[2][0]) == pytest.approx(1, abs=1e-9)


def test_centring_throws_the_trait_away() -> None:
    """Where every pair differs alike along u and by chance along w, the centred component is w: u was the mean."""
    u, positive, negative = planted(noise=0.01)
    w = unit(np.random.default_rng(7).normal(size=WIDTH))
    w = unit(w - (w @ u) * u)
    positive = positive + 0.5 * np.random.default_rng(8).normal(size=(PAIRS, 1)) * w
    assert direction("pca_uncentred", positive, negative) @ u > 0.99
    centred = direction("pca_centred", positive, negative)
    assert abs(centred @ u) < 0.05
    assert abs(centred @ w) > 0.99


def test_centring_keeps_what_varies_in_strength() -> None:
    u, positive, negative = planted(spread=1.0)
    assert direction("pca_centred", positive, negative) @ u > 0.99


@pytest.mark.parametrize("method", sorted(METHODS))
def test_it_is_of_unit_length_and_turns_with_the_pairs(method: str) -> None:
    _, positive, negative = planted(noise=0.5, spread=0.5)
    found = direction(method, positive, negative)
    assert found.shape == (WIDTH,)
    assert np.linalg.norm(found) == pytest.approx(1)
    np.testing.assert_allclose(direction(method, negative, positive), -found, atol=1e-6)
    assert ordered(found, positive, negative) > 0.5


@pytest.mark.parametrize("method", ["mean", "pca_uncentred", "pca_centred"])
@given(seed=st.integers(0, 1_000), scale=st.floats(1e-3, 1e3))
def test_neither_scale_nor_a_common_shift_nor_order_matters(method: str, seed: int, scale: float) -> None:
    _, positive, negative = planted(seed, noise=0.3, spread=0.6)
    found = direction(method, positive, negative)
    shift = np.random.default_rng(seed + 1).normal(size=WIDTH)
    order = np.random.default_rng(seed + 2).permutation(PAIRS)
    again = direction(method, (scale * positive + shift)[order], (scale * negative + shift)[order])
    assert abs(again @ found) == pytest.approx(1, abs=1e-6)


def test_most_pairs_decide_the_sign_not_the_mean() -> None:
    """Two of three point one way, the third far the other way: the sign follows the two."""
    d = np.array([[1.0, 0.0], [1.0, 0.0], [-9.0, 0.0]])
    found = direction("mean", d, np.zeros_like(d))
    np.testing.assert_allclose(found, [1.0, 0.0])
    assert (d.mean(0) @ found) < 0


def test_where_votes_are_even_the_mean_decides() -> None:
    d = np.array([[3.0, 0.0], [-1.0, 0.0]])
    np.testing.assert_allclose(direction("pca_uncentred", d, np.zeros_like(d)), [1.0, 0.0])
    np.testing.assert_allclose(direction("pca_uncentred", -d, np.zeros_like(d)), [-1.0, 0.0])


@pytest.mark.parametrize("method", sorted(METHODS))
def test_equal_states_have_no_direction(method: str) -> None:
    rows = np.random.default_rng(0).normal(size=(5, WIDTH))
    with pytest.raises(ArgumentError, match=rf"method='{method}' finds no direction in these 5 pairs"):
        direction(method, rows, rows.copy())


def test_centred_pca_of_equal_differences_has_none_and_says_so() -> None:
    rows = np.zeros((4, WIDTH))
    with pytest.raises(ArgumentError, match="differences are all alike"):
        direction("pca_centred", rows + 1, rows)


def test_an_unknown_method_is_named_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"method='pca_centered': one of .*Did you mean 'pca_centred'"):
        check_method("pca_centered")


def test_separation_is_d_prime() -> None:
    chance = np.random.default_rng(0)
    up, down = chance.normal(3.0, 1.0, 20_000), chance.normal(0.0, 1.0, 20_000)
    assert separation(up, down) == pytest.approx(3.0, abs=0.05)
    assert separation(np.ones(3), np.ones(3)) == 0.0


@pytest.mark.parametrize("method", sorted(METHODS))
def test_cross_validation_tells_a_trait_from_noise(method: str) -> None:
    _, positive, negative = planted(common=0.5, spread=1.0, noise=0.2, gap=3.0)
    accuracy, d_prime = cross_validated(method, positive, negative, 5)
    assert accuracy > 0.9
    assert d_prime > 1
    chance = np.random.default_rng(3)
    one, other = chance.normal(size=(2, PAIRS, WIDTH))
    accuracy, d_prime = cross_validated(method, one, other, 5)
    assert accuracy < 0.75
    assert abs(d_prime) < 1


def test_cross_validation_leaves_its_pairs_out() -> None:
    """With more dimensions than pairs any direction fits the pairs that it was fitted to; others it orders by luck."""
    chance = np.random.default_rng(0)
    positive, negative = chance.normal(size=(2, 30, 500))
    assert ordered(direction("mean", positive, negative), positive, negative) == 1.0
    assert cross_validated("mean", positive, negative, 5)[0] < 0.8


@pytest.mark.parametrize(("method", "pairs"), [("mean", 1), ("pca_centred", 1), ("pca_centred", 2)])
def test_too_few_pairs_leave_nothing_to_validate_with(method: str, pairs: int) -> None:
    _, positive, negative = planted()
    assert np.isnan(cross_validated(method, positive[:pairs], negative[:pairs], 5)).all()


@pytest.mark.parametrize("method", ["mean", "pca_centred"])
def test_a_part_that_leaves_no_direction_makes_it_unknown_not_an_error(method: str) -> None:
    """Without the odd pair, the others cancel (mean) or are all alike (centred)."""
    d = np.array([[1.0, 0], [-1.0, 0], [0.5, 2]]) if method == "mean" else np.array([[1.0, 0], [1.0, 0], [0.5, 2]])
    direction(method, d, np.zeros_like(d))
    assert np.isnan(cross_validated(method, d, np.zeros_like(d), 5)).all()
