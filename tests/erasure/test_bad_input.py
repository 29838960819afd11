"""What cannot be erased is refused by name, and what is doubtful is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.erasure import Eraser, EraserFitter, ErasureWarning
from interp_widgets.errors import ArgumentError, NonFiniteError
from tests.erasure.made_states import cross_covariance, make_states

STATES, LABELS = make_states()


def with_one(value: float) -> Any:
    states = STATES.copy()
    states[17, 3] = value
    return states


@pytest.mark.parametrize(
    ("states", "labels", "said"),
    [
        (STATES, np.zeros(400, int), r"only 0 was seen"),
        (STATES, ["a"] * 400, r"only 'a' was seen"),
        (STATES, LABELS[:-1], r"labels has 399 entries, there are 400 states"),
        (STATES, np.stack([LABELS, LABELS]), r"labels has shape \(2, 400\)"),
        (STATES, LABELS + 0.5, r"labels holds fractions"),
        (STATES, [None] * 400, r"labels holds object"),
        (STATES, [*LABELS[:-1].tolist(), "a"], r"labels mixes types: \['int', 'str'\]"),
        (STATES, "feminine", r"labels is one string"),
        (STATES[0], LABELS, r"states has shape \(12,\)"),
        (STATES[:0], LABELS[:0], r"states has shape \(0, 12\)"),
        (STATES[:, :0], LABELS, r"states has shape \(400, 0\)"),
        ([["a", "b"]] * 400, LABELS, r"states is not an array of numbers"),
        ([[1.0, 2.0], [3.0]], [0, 1], r"states is not an array of numbers"),
    ],
)
def test_what_cannot_be_fitted(states: Any, labels: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Eraser.fit(states, labels)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(value: float) -> None:
    with pytest.raises(NonFiniteError, match=r"in 1 of 400 rows, first in 17"):
        Eraser.fit(with_one(value), LABELS)
    eraser = Eraser.fit(STATES, LABELS)
    with pytest.raises(NonFiniteError, match="first in 17"):
        eraser.transform(torch.from_numpy(with_one(value)))
    labels = LABELS.astype(float)
    labels[3] = value
    with pytest.raises(NonFiniteError, match="labels holds NaN or infinity"):
        Eraser.fit(STATES, labels)


def test_large_numbers_are_numbers() -> None:
    states = STATES.copy()
    states[:, 0] *= 1e150
    assert np.isfinite(Eraser.fit(states, LABELS, "mean_difference").transform(states)).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "lace"}, r"method='lace': one of .*Did you mean 'leace'"),
        ({"tolerance": -0.1}, r"tolerance=-0.1"),
        ({"rank": 2}, r"rank=2: for method='random' only"),
        ({"method": "random", "rank": 13}, r"rank=13: .*1 to 12"),
        ({"method": "inlp", "rounds": 0}, r"rounds=0"),
        ({"method": "inlp", "l2": 0.0}, r"l2=0.0"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Eraser.fit(STATES, LABELS, **settings)


def test_a_width_of_its_own() -> None:
    eraser = Eraser.fit(STATES, LABELS)
    with pytest.raises(ArgumentError, match=r"width 11; this eraser was fitted on 12"):
        eraser.transform(STATES[:, 1:])
    with pytest.raises(ArgumentError, match=r"width 11; this fitter was made for 12"):
        EraserFitter(12).update(STATES[:, 1:], LABELS)
    with pytest.raises(ArgumentError, match="width=0"):
        EraserFitter(0)


def test_a_stream_of_nothing_and_of_two_kinds_of_label() -> None:
    with pytest.raises(ArgumentError, match="none was seen"):
        EraserFitter(12).eraser()
    fitter = EraserFitter(12).update(STATES, LABELS)
    with pytest.raises(ArgumentError, match="'a'; those before were of type int"):
        fitter.update(STATES, ["a"] * 400)


@pytest.mark.parametrize("method", ["oracle", "quadratic"])
def test_labels_where_they_are_needed(method: str) -> None:
    eraser = Eraser.fit(STATES, LABELS, method)
    with pytest.raises(ArgumentError, match=r"labels is missing.*method='leace'"):
        eraser.transform(STATES)
    with pytest.raises(ArgumentError, match=r"labels=5: one of 0, 1"):
        eraser.transform(STATES, np.full(400, 5))
    with pytest.raises(ArgumentError, match="no single projection"):
        _ = eraser.projection
    with pytest.raises(ArgumentError, match="cannot run inside a model"):
        eraser.at(1)


@pytest.mark.parametrize("method", ["quadratic", "inlp"])
def test_a_class_of_one_state(method: str) -> None:
    labels = LABELS.copy()
    labels[0] = 9
    with pytest.raises(ArgumentError, match="class 9 has one state"):
        Eraser.fit(STATES, labels, method)


@pytest.mark.parametrize("shrinkage", [True, False])
def test_fewer_states_than_dimensions_are_said(shrinkage: bool) -> None:
    states, labels = make_states(30, 50)
    with pytest.warns(ErasureWarning, match=r"fitted on 30 states of 50 dimensions.*Fit on 500 or more") as seen:
        eraser = Eraser.fit(states, labels, shrinkage=shrinkage)
    assert ("multiple of the identity (shrinkage)" in str(seen[0].message)) == shrinkage
    assert "fresh states will still show" in eraser.notes[-1]
    assert np.abs(cross_covariance(eraser.transform(states), labels)).max() < 1e-8
    fresh, of = make_states(4000, 50)
    assert np.abs(cross_covariance(eraser.transform(fresh), of)).max() > 0.01


def test_few_states_are_noted_and_enough_are_not() -> None:
    few, of = make_states(60)
    assert any("fitted on 60 states of 12" in note for note in Eraser.fit(few, of).notes)
    assert Eraser.fit(STATES, LABELS).notes == ()


@pytest.mark.parametrize("shrinkage", [True, False])
@pytest.mark.parametrize("method", ["leace", "inlp", "mean_difference", "oracle", "quadratic"])
def test_constant_numbers_are_left_alone(method: str, shrinkage: bool) -> None:
    states = STATES.copy()
    states[:, 2], states[:, 5] = 0.0, -7.25
    settings = {"shrinkage": shrinkage} if method in ("leace", "quadratic") else {}
    eraser = Eraser.fit(states, LABELS, method, **settings)
    assert eraser.notes == ("2 of 12 numbers are the same in every state; nothing is erased from them",)
    clean = eraser.transform(states, LABELS)
    np.testing.assert_allclose(clean[:, [2, 5]], states[:, [2, 5]], atol=1e-9)
    if method != "inlp":
        assert np.abs(cross_covariance(clean, LABELS)).max() < 1e-8


def test_states_without_any_spread() -> None:
    eraser = Eraser.fit(np.ones((400, 12)), LABELS)
    assert eraser.rank == 0
    np.testing.assert_array_equal(eraser.transform(STATES), STATES)
