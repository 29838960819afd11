"""Closed forms against what they are the answer to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interp_widgets.editing.editors.rome import solve
from interp_widgets.editing.editors.updates import NullSpace, alphaedit_update, emmet_update, memit_update
from interp_widgets.editing.keys_values.statistics import KeyStatistics
from interp_widgets.errors import ArgumentError

D, W, N = 12, 5, 3


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def made_up(draw: Any) -> tuple[Any, Any, KeyStatistics]:
    root = draw.normal(size=(D, 60))
    found = KeyStatistics(root @ root.T / 60, 60, 0, "", "")
    return draw.normal(size=(W, N)), draw.normal(size=(D, N)), found


def test_memit_is_the_least_squares_answer(draw: Any) -> None:
    """The slope of |D K - R|^2 + w tr(D C D^T) is zero there, and nowhere else: the problem is convex."""
    missing, keys, found = made_up(draw)
    update = memit_update(missing, keys, found, weight=7.0, ridge=1e-12).dense()
    slope = 2 * (update @ keys - missing) @ keys.T + 2 * 7.0 * update @ found.moment
    np.testing.assert_allclose(slope, 0, atol=1e-8)
    direct = missing @ keys.T @ np.linalg.inv(7.0 * found.moment + keys @ keys.T)
    np.testing.assert_allclose(update, direct, atol=1e-8)


def test_emmet_holds_exactly_and_is_rome_for_one_fact(draw: Any) -> None:
    missing, keys, found = made_up(draw)
    exact = emmet_update(missing, keys, found, gamma=0.0).dense()
    np.testing.assert_allclose(exact @ keys, missing, atol=1e-9)
    other = exact + draw.normal(size=(W, D)) @ (np.eye(D) - keys @ np.linalg.pinv(keys))  # holds too
    np.testing.assert_allclose(other @ keys, missing, atol=1e-9)

    def harm(change: Any) -> float:
        return float(np.trace(change @ found.moment @ change.T))

    assert harm(exact) < harm(other)
    softened = emmet_update(missing, keys, found).dense()
    assert 0 < np.abs(softened @ keys - missing).max() < np.abs(missing).max()
    one = emmet_update(missing[:, :1], keys[:, :1], found).dense()
    left, right, _ = solve(missing[:, 0], keys[:, 0], keys[:, 0], found)
    np.testing.assert_allclose(one, np.outer(left, right), atol=1e-12)


def test_alphaedit_leaves_the_known_directions_and_earlier_keys(draw: Any) -> None:
    missing, keys, _ = made_up(draw)
    known = draw.normal(size=(D, 4))
    found = KeyStatistics(known @ known.T, 4, 0, "", "")
    space = NullSpace.of(found)
    assert space.basis.shape == (D, D - 4)
    update = alphaedit_update(missing, keys, space, penalty=1e-8).dense()
    np.testing.assert_allclose(update @ known, 0, atol=1e-9)  # what the statistics saw gets what it got
    np.testing.assert_allclose(update @ keys, missing, atol=1e-5)
    earlier = draw.normal(size=(D, 2))
    later = alphaedit_update(missing, keys, space, earlier=earlier, penalty=1e-8).dense()
    np.testing.assert_allclose(later @ earlier, 0, atol=1e-5)
    assert np.abs(update @ earlier).max() > 0.1
    projector = space.basis @ space.basis.T
    direct = (
        missing
        @ np.linalg.solve(projector @ (keys @ keys.T + earlier @ earlier.T) + 10 * np.eye(D), projector @ keys).T
    )
    np.testing.assert_allclose(alphaedit_update(missing, keys, space, earlier=earlier).dense(), direct, atol=1e-10)


def test_bad_input_is_told(draw: Any) -> None:
    missing, keys, found = made_up(draw)
    with pytest.raises(ArgumentError, match="weight=0"):
        memit_update(missing, keys, found, weight=0)
    with pytest.raises(ArgumentError, match="penalty=0"):
        alphaedit_update(missing, keys, NullSpace(np.eye(D), 1.0), penalty=0)
    with pytest.raises(ArgumentError, match="no direction is left"):
        NullSpace.of(found, threshold=1e-9)
