"""Tables of cosines, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.steering import cosines, layer_cosines
from tests.steering.test_measures import PAIRS
from tests.tiny import make_lm


@pytest.fixture(scope="module")
def vectors() -> Any:
    lm = make_lm("llama")
    return [iw.control_vector(lm, *PAIRS, method=method, name="mood") for method in ("mean", "logistic")]


def cosine(one: Any, other: Any) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_methods_at_one_layer_and_at_each(vectors: Any) -> None:
    mean, logistic = vectors
    table = cosines(vectors, 1)
    assert list(table.index) == list(table.columns) == ["mood, mean", "mood, logistic"]
    expected = cosine(mean.directions[1], logistic.directions[1])
    assert table.iloc[0, 1] == pytest.approx(expected, abs=1e-6)
    assert table.iloc[1, 0] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(np.diag(table), 1, atol=1e-6)
    each = cosines(vectors, "each")
    assert list(each.index.get_level_values("layer").unique()) == [0, 1, 2]
    np.testing.assert_allclose(each.loc[1], table)
    np.testing.assert_allclose(cosines(vectors), cosines(vectors, mean.best_layer))


def test_layers_against_layers(vectors: Any) -> None:
    mean, logistic = vectors
    table = layer_cosines(mean)
    np.testing.assert_allclose(np.diag(table), 1, atol=1e-6)
    assert table.loc[0, 2] == pytest.approx(cosine(mean.directions[0], mean.directions[2]), abs=1e-6)
    assert layer_cosines(mean, logistic).loc[0, 2] == pytest.approx(
        cosine(mean.directions[0], logistic.directions[2]), abs=1e-6
    )


def test_bad_input(vectors: Any) -> None:
    with pytest.raises(ArgumentError, match="vectors is empty"):
        cosines([])
    with pytest.raises(ArgumentError, match="layer='all'"):
        cosines(vectors, "all")
    with pytest.raises(OutOfRangeError, match="9"):
        cosines(vectors, 9)
