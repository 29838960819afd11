"""Erasers here against those of concept-erasure on the same states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.erasure import Eraser
from tests.erasure.made_states import make_states

theirs: Any = pytest.importorskip(
    "concept_erasure", reason="concept-erasure is not installed: make peers", exc_type=ImportError
)

pytestmark = pytest.mark.peers


def one_hot(labels: Any) -> torch.Tensor:
    return torch.from_numpy((labels[:, None] == np.unique(labels)).astype(float))


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shrinkage", [True, False])
@pytest.mark.parametrize(("n", "width", "classes"), [(500, 12, 2), (2000, 64, 2), (800, 30, 5), (150, 64, 3)])
def test_the_same_leace(n: int, width: int, classes: int, shrinkage: bool, affine: bool, record_property: Any) -> None:
    states, labels = make_states(n, width, classes)
    tensor = torch.from_numpy(states)
    settings: dict[str, Any] = {"shrinkage": shrinkage, "affine": affine}
    other = theirs.LeaceEraser.fit(tensor, one_hot(labels), svd_tol=1e-9, **settings)
    mine = Eraser.fit(states, labels, **settings)
    record_property("largest difference", float(np.abs(mine.projection - other.P.numpy()).max()))
    np.testing.assert_allclose(mine.projection, other.P.numpy(), atol=1e-6)
    np.testing.assert_allclose(mine.transform(states), other(tensor).numpy(), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_same_leace_with_their_own_tolerance(classes: int) -> None:
    states, labels = make_states(2000, 40, classes)
    other = theirs.LeaceEraser.fit(torch.from_numpy(states), one_hot(labels))
    np.testing.assert_allclose(Eraser.fit(states, labels).projection, other.P.numpy(), atol=1e-6)
    coarse = Eraser.fit(states, labels, tolerance=0.01)
    np.testing.assert_allclose(coarse.projection, other.P.numpy(), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_mean_difference_is_their_orthogonal_method(classes: int) -> None:
    states, labels = make_states(2000, 40, classes)
    other = theirs.LeaceEraser.fit(torch.from_numpy(states), one_hot(labels), method="orth", svd_tol=1e-9)
    np.testing.assert_allclose(Eraser.fit(states, labels, "mean_difference").projection, other.P.numpy(), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_same_oracle(classes: int) -> None:
    states, labels = make_states(2000, 40, classes)
    tensor = torch.from_numpy(states)
    other = theirs.OracleEraser.fit(tensor, one_hot(labels))(tensor, one_hot(labels))
    mine = Eraser.fit(states, labels, "oracle").transform(states, labels)
    np.testing.assert_allclose(mine, other.numpy(), atol=1e-6)


@pytest.mark.parametrize("shrinkage", [True, False])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_quadratic(classes: int, shrinkage: bool) -> None:
    """On classes of equal size: theirs moves onto the mean of the classes' means, ours onto that of the states."""
    states, _ = make_states(1800, 10, classes)
    labels = np.arange(1800) % classes
    states[labels == 0] *= np.linspace(0.5, 2, 10)
    tensor, of = torch.from_numpy(states), torch.from_numpy(labels)
    fitter = theirs.QuadraticFitter.fit(tensor, of, shrinkage=shrinkage)
    mine = Eraser.fit(states, labels, "quadratic", shrinkage=shrinkage)
    np.testing.assert_allclose(mine.transform(states, labels), fitter.eraser(tensor, of).numpy(), atol=1e-6)


def test_their_trace_constraint_never_binds() -> None:
    """LEACE's covariance afterwards is Sxx - W+ U U^T W+, so there is nothing here to constrain."""
    for seed in range(5):
        states, labels = make_states(300, 24, 3, seed=seed)
        tensor = torch.from_numpy(states)
        free, bound = (
            theirs.LeaceEraser.fit(tensor, one_hot(labels), constrain_cov_trace=on).P for on in (False, True)
        )
        torch.testing.assert_close(free, bound)
