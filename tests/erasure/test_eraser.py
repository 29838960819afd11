"""Erasers on arrays against what their formulas promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.erasure import Eraser, EraserFitter
from interp_widgets.erasure.closed_forms import transport_map
from interp_widgets.errors import ArgumentError, FileFormatError
from tests.erasure.made_states import cross_covariance, make_states

LINEAR = ("leace", "mean_difference")
GUARDED = (*LINEAR, "oracle", "quadratic")
ALL = (*GUARDED, "inlp", "random")


@pytest.mark.parametrize("shrinkage", [True, False])
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("method", GUARDED)
def test_no_covariance_with_the_label_is_left(method: str, classes: int, shrinkage: bool) -> None:
    states, labels = make_states(classes=classes)
    settings = {"shrinkage": shrinkage} if method in ("leace", "quadratic") else {}
    clean = Eraser.fit(states, labels, method, **settings).transform(states, labels)
    assert np.abs(cross_covariance(states, labels)).max() > 0.1
    assert np.abs(cross_covariance(clean, labels)).max() < 1e-8


@given(
    n=st.integers(30, 120),
    width=st.integers(1, 20),
    classes=st.integers(2, 4),
    seed=st.integers(0, 2**16),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_no_covariance_is_left_whatever_the_states(n: int, width: int, classes: int, seed: int, scale: float) -> None:
    states, labels = make_states(n, width, classes, seed=seed)
    states *= scale
    eraser = Eraser.fit(states, labels)
    assert eraser.rank <= min(classes - 1, width)
    clean = eraser.transform(states)
    assert np.abs(cross_covariance(clean, labels)).max() < 1e-8 * scale
    np.testing.assert_allclose(clean.mean(0), states.mean(0), atol=1e-9 * scale)
    # A projection: nothing is left to take a second time.
    np.testing.assert_allclose(eraser.transform(clean), clean, atol=1e-8 * scale)


@given(classes=st.integers(2, 4), seed=st.integers(0, 2**16))
def test_leace_changes_the_states_least(classes: int, seed: int) -> None:
    """Of three maps that leave no linear trace; and of random oblique ones with the same kernel (theorem 4.3)."""
    states, labels = make_states(classes=classes, seed=seed)
    leace = Eraser.fit(states, labels, shrinkage=False)
    size = float(((leace.transform(states) - states) ** 2).sum())
    other = Eraser.fit(states, labels, "mean_difference")
    assert size <= float(((other.transform(states) - states) ** 2).sum()) * (1 + 1e-9)
    chance = np.random.default_rng(seed)
    for _ in range(5):  # I - L (R L)^-1 R removes the span of L, whatever R is
        rows = leace.right + 0.1 * chance.normal(size=leace.right.shape) * np.abs(leace.right).mean()
        moved = (states - leace.mean) @ rows.T @ np.linalg.inv(rows @ leace.left).T @ leace.left.T
        assert np.abs(cross_covariance(states - moved, labels)).max() < 1e-7
        assert size <= float((moved**2).sum()) * (1 + 1e-9)


def test_leace_is_the_formula() -> None:
    states, labels = make_states(classes=3)
    sigma = np.cov(states.T)
    values, vectors = np.linalg.eigh(sigma)
    whiten, back = (vectors * values**-0.5) @ vectors.T, (vectors * values**0.5) @ vectors.T
    u = np.linalg.svd(whiten @ cross_covariance(states, labels))[0][:, :2]
    projection = np.eye(12) - back @ u @ u.T @ whiten
    eraser = Eraser.fit(states, labels, shrinkage=False)
    np.testing.assert_allclose(eraser.projection, projection, atol=1e-10)
    mean = states.mean(0)
    np.testing.assert_allclose(eraser.transform(states), (states - mean) @ projection.T + mean, atol=1e-10)


def test_the_variance_grows_in_no_direction() -> None:
    states, labels = make_states(classes=4)
    sigma = np.cov(states.T)
    after = np.cov(Eraser.fit(states, labels, shrinkage=False).transform(states).T)
    assert np.linalg.eigvalsh(sigma - after).min() > -1e-10


def test_oracle_moves_each_class_onto_the_common_mean() -> None:
    states, labels = make_states(classes=3)
    clean = Eraser.fit(states, labels, "oracle").transform(states, labels)
    for c in range(3):
        moved = states[labels == c].mean(0) - states.mean(0)
        np.testing.assert_allclose(clean[labels == c], states[labels == c] - moved, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_quadratic_gives_all_classes_one_covariance(classes: int) -> None:
    states, labels = make_states(900, 6, classes)
    states[labels == 0] *= np.linspace(0.5, 2, 6)
    clean = Eraser.fit(states, labels, "quadratic", shrinkage=False).transform(states, labels)
    covariances = [np.cov(clean[labels == c].T) for c in range(classes)]
    for own in covariances[1:]:
        np.testing.assert_allclose(own, covariances[0], rtol=1e-6, atol=1e-6 * np.abs(own).max())
    linear = Eraser.fit(states, labels).transform(states)
    apart = np.abs(np.cov(linear[labels == 0].T) - np.cov(linear[labels == 1].T)).max()
    assert apart > 0.1  # which LEACE does not touch


def test_a_transport_map_carries_one_covariance_to_the_other() -> None:
    chance = np.random.default_rng(1)
    one, other = (a @ a.T for a in chance.normal(size=(2, 7, 7)))
    found = transport_map(one, other)
    np.testing.assert_allclose(found @ one @ found, other, atol=1e-8)
    np.testing.assert_allclose(found, found.T, atol=1e-8)


@pytest.mark.parametrize("method", ALL)
def test_batches_give_what_one_piece_gives(method: str) -> None:
    states, labels = make_states(classes=3)
    whole = Eraser.fit(states, labels, method)
    fitter = EraserFitter(12, method)
    order = np.argsort(labels, kind="stable") if method != "inlp" else np.arange(len(labels))
    for part in np.array_split(order, 7):  # some batches hold one class only
        fitter.update(states[part], labels[part])
    streamed = fitter.eraser()
    assert streamed.counts.tolist() == np.bincount(labels).tolist()
    np.testing.assert_allclose(streamed.mean, whole.mean, atol=1e-12)
    np.testing.assert_allclose(
        streamed.transform(states, labels), whole.transform(states, labels), atol=1e-5 if method == "inlp" else 1e-8
    )


def test_a_stream_may_go_on_after_an_eraser_was_taken() -> None:
    states, labels = make_states()
    fitter = EraserFitter(12).update(states[:200], labels[:200])
    early = fitter.eraser()
    late = fitter.update(states[200:], labels[200:]).eraser()
    assert (early.samples, late.samples) == (200, 400)
    np.testing.assert_allclose(late.projection, Eraser.fit(states, labels).projection, atol=1e-10)


def test_names_numbers_and_truth_values_are_labels() -> None:
    states, labels = make_states()
    plain = Eraser.fit(states, labels)
    for given_labels in (
        np.where(labels == 0, "feminine", "masculine"),
        np.where(labels == 0, "feminine", "masculine").tolist(),
        labels.astype(bool),
        labels.astype(float),
        torch.from_numpy(labels),
        (labels + 7).tolist(),
        pd.Series(np.where(labels == 0, "feminine", "masculine")),
        pd.Series(np.where(labels == 0, "feminine", "masculine"), dtype="category").astype(object),
    ):
        found = Eraser.fit(states, given_labels)
        np.testing.assert_allclose(found.projection, plain.projection, atol=1e-12)
    assert Eraser.fit(states, np.where(labels == 0, "b", "a")).classes == ("a", "b")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_comes_out_is_of_the_kind_that_went_in(dtype: torch.dtype) -> None:
    states, labels = make_states()
    tensor = torch.from_numpy(states).to(dtype)
    eraser = Eraser.fit(tensor, labels)
    clean = eraser.transform(tensor)
    assert clean.dtype == dtype
    reference = eraser.transform(tensor.double().numpy())
    assert reference.dtype == np.float64
    torch.testing.assert_close(clean, torch.from_numpy(reference).to(dtype))
    assert eraser.transform(states.astype(np.float32)).dtype == np.float32
    assert eraser.transform(states.astype(int)).dtype == np.float64


def test_nothing_that_was_given_is_changed() -> None:
    states, labels = make_states()
    before = states.copy()
    for method in ALL:
        Eraser.fit(states, labels, method).transform(states, labels)
    np.testing.assert_array_equal(states, before)


def test_random_takes_the_rank_that_is_asked_for() -> None:
    states, labels = make_states(classes=3)
    assert Eraser.fit(states, labels, "random").rank == 2
    eraser = Eraser.fit(states, labels, "random", rank=5, seed=3)
    np.testing.assert_allclose(eraser.right @ eraser.left, np.eye(5), atol=1e-12)
    other = Eraser.fit(states, labels, "random", rank=5, seed=4)
    assert np.abs(eraser.left - other.left).max() > 0.01
    assert np.abs(cross_covariance(eraser.transform(states), labels)).max() > 0.1


def test_a_rare_class_is_erased_unless_the_tolerance_says_otherwise() -> None:
    states, _ = make_states(4000)
    labels = np.zeros(4000, int)
    labels[:2] = 1
    states[:2] += 0.3
    assert np.abs(cross_covariance(Eraser.fit(states, labels).transform(states), labels)).max() < 1e-10
    coarse = Eraser.fit(states, labels, tolerance=0.1)
    assert coarse.rank == 0
    np.testing.assert_array_equal(coarse.transform(states), states)


def test_without_the_affine_part_the_projection_is_about_zero() -> None:
    states, labels = make_states()
    eraser = Eraser.fit(states, labels, affine=False)
    np.testing.assert_allclose(eraser.transform(states), states @ eraser.projection.T, atol=1e-10)


@pytest.mark.parametrize("method", ALL)
def test_a_saved_eraser_is_the_same(method: str, tmp_path: Path) -> None:
    states, labels = make_states(classes=3)
    eraser = Eraser.fit(states, np.asarray(["x", "y", "z"])[labels], method)
    again = Eraser.load(eraser.save(tmp_path / "eraser.safetensors"))
    names = np.asarray(["x", "y", "z"])[labels]
    np.testing.assert_array_equal(again.transform(states, names), eraser.transform(states, names))
    assert (again.method, again.classes, again.settings) == (eraser.method, eraser.classes, eraser.settings)
    assert repr(again) == repr(eraser)
    np.testing.assert_array_equal(again.rounds, eraser.rounds)
    with pytest.raises(FileFormatError, match="cut off"):
        (tmp_path / "cut").write_bytes((tmp_path / "eraser.safetensors").read_bytes()[:200])
        Eraser.load(tmp_path / "cut")


def test_its_arrays_cannot_be_changed() -> None:
    eraser = Eraser.fit(*make_states())
    with pytest.raises(ValueError, match="read-only"):
        eraser.left[0, 0] = 1.0


def test_inlp_takes_one_round_for_each_direction_that_tells() -> None:
    """Two directions tell the classes apart, one much more plainly: LEACE takes one, INLP goes on."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 2, 3000)
    states = chance.normal(size=(3000, 8))
    states[:, 0] += 3 * labels
    states[:, 1] += 1.5 * labels * (states[:, 2] > 0)
    found = Eraser.fit(states, labels, "inlp")
    ranks, accuracy = found.rounds.T
    assert ranks.tolist() == list(range(len(ranks)))
    assert found.rank == ranks[-1] >= 2
    assert accuracy[0] > 0.9
    assert accuracy[-1] < 0.56
    np.testing.assert_allclose(found.right @ found.left, np.eye(found.rank), atol=1e-10)
    assert Eraser.fit(states, labels).rank == 1


def test_inlp_of_three_classes_takes_two_a_round() -> None:
    states, labels = make_states(900, 12, 3, shift=1.0)
    found: Any = Eraser.fit(states, labels, "inlp", rounds=2, margin=0.0)
    assert found.rounds[:, 0].tolist()[:2] == [0, 2]
    one = Eraser.fit(states, labels, "inlp", rounds=1)
    assert one.rank == 2
    # The span of the rows, whole: P W^T = 0 for every classifier that was found.
    assert np.abs(found.projection @ one.left).max() < 1e-6


def opposed(n: int = 4000) -> Any:
    """Two kinds of states, the rarer one with the label the other way round and more plainly: together their means are
    nearly equal, and yet a line that goes by the commoner kind is right in three states of four."""
    chance = np.random.default_rng(0)
    labels, kinds = np.arange(n) % 2, (np.arange(n) // 2) % 4 == 0
    states = chance.normal(size=(n, 6))
    states[:, 0] += np.where(kinds, -9.0, 3.0) * (labels - 0.5) * 2
    states[:, 1] += 2 * labels
    return states, labels, kinds


def test_strata_erase_the_label_in_each_kind_of_states() -> None:
    states, labels, kinds = opposed()
    plain, within = Eraser.fit(states, labels), Eraser.fit(states, labels, strata=kinds)
    assert np.abs(cross_covariance(plain.transform(states), labels)).max() < 1e-8
    for kind in (False, True):
        own = kinds == kind
        assert np.abs(cross_covariance(plain.transform(states)[own], labels[own])).max() > 0.1
        assert np.abs(cross_covariance(within.transform(states)[own], labels[own])).max() < 1e-8
    assert within.rank == 2
    assert within.classes == plain.classes
    assert within.counts.tolist() == plain.counts.tolist()
    assert within.settings["strata"] == 2
    right = ((plain.transform(states)[:, 0] > 0) == labels).mean()
    assert max(right, 1 - right) > 0.7  # no line has a lower loss than a constant, and yet
    fitter = EraserFitter(6)
    for part in np.array_split(np.argsort(kinds, kind="stable"), 5):
        fitter.update(states[part], labels[part], kinds[part])
    np.testing.assert_allclose(fitter.eraser().projection, within.projection, atol=1e-10)


def test_strata_that_cannot_be() -> None:
    states, labels, kinds = opposed(40)
    with pytest.raises(ArgumentError, match="strata has 39 entries"):
        Eraser.fit(states, labels, strata=kinds[1:])
    with pytest.raises(ArgumentError, match="not for inlp"):
        Eraser.fit(states, labels, "inlp", strata=kinds)
    with pytest.raises(ArgumentError, match="no stratum holds two classes"):
        Eraser.fit(states, labels, strata=labels)
    with pytest.raises(ArgumentError, match="for all batches, or for none"):
        EraserFitter(6).update(states, labels).update(states, labels, kinds)
