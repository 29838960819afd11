"""`ControlVector`: its algebra, its units, its files, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError, OutOfRangeError
from interp_widgets.steering.similarity import cosines
from interp_widgets.steering.vector import Bounds, SteeringWarning
from tests.tiny import make_lm

GLAD = ["I love this day", "The food was wonderful", "She smiled with joy", "What a lovely morning it is"]
SAD = ["I hate this day", "The food was terrible", "She cried with grief", "What a dreadful morning it is"]
SHORT = ["Yes", "No", "Go on", "It is"]
LONG = ["Yes, because the", "No, although it", "Go on, and then the", "It is, as they said, the"]


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def mood(lm: Any) -> Any:
    return iw.control_vector(lm, GLAD, SAD, name="mood")


@pytest.fixture(scope="module")
def length(lm: Any) -> Any:
    return iw.control_vector(lm, LONG, SHORT, name="length")


def logits(lm: Any, text: str = "The city of Paris is") -> Any:
    return lm.next_logits(torch.as_tensor(lm.encode(text).ids)[None])


# Algebra


def test_sums_differences_and_multiples(mood: Any, length: Any) -> None:
    np.testing.assert_allclose((mood + length).matrix, mood.matrix + length.matrix)
    np.testing.assert_allclose((mood - length).matrix, mood.matrix - length.matrix)
    np.testing.assert_allclose((2.5 * mood).matrix, 2.5 * mood.matrix, rtol=1e-6)
    np.testing.assert_allclose((mood * 0.5).matrix, (0.5 * mood).matrix)
    np.testing.assert_allclose((-mood).matrix, -mood.matrix)
    assert (mood + length).name == "mood + length"
    assert (0.5 * mood).name == "0.5 * mood"
    assert (-mood).poles == ("negative", "positive")


def test_what_is_made_of_vectors_has_no_scores_of_theirs(mood: Any, length: Any) -> None:
    made = mood.with_bounds(Bounds((1,), -0.1, 0.1, 1.1, ((0.1, 1.1),))) + length
    assert made.bounds is None
    for field in ("middle", "half_gap", "accuracy", "separation"):
        assert np.isnan(getattr(made, field)).all()
    with pytest.raises(ArgumentError, match="has no scale of scores"):
        made.condition()


def test_adding_two_steers_as_both_do(lm: Any, mood: Any, length: Any) -> None:
    with lm.steered(mood + length, layers=[1], alpha=0.4):
        one = logits(lm)
    with lm.steered(mood, layers=[1], alpha=0.4), lm.steered(length, layers=[1], alpha=0.4):
        torch.testing.assert_close(logits(lm), one, atol=1e-5, rtol=1e-5)


def test_without_is_orthogonal_and_keeps_the_rest(mood: Any, length: Any) -> None:
    left = mood.without(length)
    assert max(abs(c) for c in left.cosine(length).values()) < 1e-6
    for layer, row in left.directions.items():
        one, other = mood.directions[layer].astype(np.float64), length.directions[layer].astype(np.float64)
        np.testing.assert_allclose(row, one - (one @ other) * other, atol=1e-6)
    again = left.without(length)
    np.testing.assert_allclose(again.matrix, left.matrix, atol=1e-6)


def test_without_takes_the_other_at_any_length(mood: Any, length: Any) -> None:
    np.testing.assert_allclose(mood.without(3 * length).matrix, mood.without(length).matrix, atol=1e-6)


def test_cosines_are_symmetric_and_1_with_itself(mood: Any, length: Any) -> None:
    assert mood.cosine(length) == pytest.approx(length.cosine(mood))
    assert all(c == pytest.approx(1) for c in mood.cosine(4 * mood).values())
    assert all(c == pytest.approx(-1) for c in mood.cosine(-mood).values())
    table = cosines([mood, length, replace(mood, method="pca_centred")], layer=1)
    assert list(table.columns) == ["mood, mean", "length", "mood, pca_centred"]
    np.testing.assert_allclose(table, table.T)
    np.testing.assert_allclose(np.diag(table), 1)
    assert table.loc["length", "mood, mean"] == pytest.approx(mood.cosine(length)[1])


def test_only_common_layers_are_combined(lm: Any, mood: Any) -> None:
    some = iw.control_vector(lm, LONG, SHORT, layers=[0, 2])
    assert (mood + some).layers == (0, 2)
    assert set(some.cosine(mood)) == {0, 2}
    one = iw.control_vector(lm, LONG, SHORT, layers=[1])
    with pytest.raises(ArgumentError, match="no layer in common"):
        _ = some + one
    with pytest.raises(OutOfRangeError, match="layers=\\[1\\]"):
        cosines([mood, some], layer=1)
    with pytest.raises(ArgumentError, match="vectors is empty"):
        cosines([])


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), "much"])
def test_a_factor_is_a_finite_number(mood: Any, factor: Any) -> None:
    with pytest.raises(ArgumentError, match="factor="):
        _ = mood * factor


def test_what_is_no_vector_is_refused(mood: Any) -> None:
    with pytest.raises(ArgumentError, match="1 is not a ControlVector"):
        _ = mood + 1


def test_arrays_cannot_be_written_to_and_hold_no_nan(mood: Any) -> None:
    with pytest.raises(ValueError, match="read-only"):
        mood.matrix[0, 0] = 1
    broken = mood.matrix.copy()
    broken[1, 3] = np.nan
    with pytest.raises(ArgumentError, match="directions of 'mood' hold NaN or infinity"):
        replace(mood, matrix=broken)


# Steering


def test_a_strength_is_a_multiple_of_the_mean_residual_norm(mood: Any) -> None:
    for strength in (0.05, -0.1):
        act = mood.steer(layers=[0, 2], strength=strength)
        np.testing.assert_allclose(act.amounts, strength * mood.norm[[0, 2]], rtol=1e-6)
        np.testing.assert_array_equal(act.directions, mood.matrix[[0, 2]])
    np.testing.assert_allclose(mood.steer(alpha=0.7).amounts, [0.7])
    assert mood.steer(alpha=1).layers == (mood.best_layer,)
    assert mood.steer(layers=1, alpha=1).layers == mood.steer(layers=np.int64(1), alpha=1).layers == (1,)
    rows = mood.steer(layers=[0, 1], strength=[0.1, -0.2, 0.0])
    np.testing.assert_allclose(rows.amounts, np.outer([0.1, -0.2, 0.0], mood.norm[:2]), rtol=1e-6)


@pytest.mark.parametrize(
    "given",
    [{}, {"strength": 0.1, "alpha": 1.0}, {"strength": float("nan")}, {"alpha": "x"}, {"strength": []},
     {"strength": [[0.1]]}, {"strength": [0.1, float("inf")]}],
)  # fmt: skip
def test_a_strength_that_is_none_is_refused(mood: Any, given: Any) -> None:
    with pytest.raises(ArgumentError, match=r"strength|alpha"):
        mood.steer(**given)


@pytest.mark.parametrize("layers", [3, [0, 3], -1, []])
def test_a_layer_that_it_does_not_have_is_refused(mood: Any, layers: Any) -> None:
    with pytest.raises(OutOfRangeError, match="'mood' has layers 0 to 2"):
        mood.steer(layers=layers, strength=0.1)


def test_a_layer_twice_is_refused(mood: Any) -> None:
    with pytest.raises(ArgumentError, match="each once"):
        mood.steer(layers=[1, 1], strength=0.1)


def test_another_models_vector_is_refused_with_both_fingerprints(mood: Any) -> None:
    for other in (make_lm("llama", seed=1), make_lm("gpt2", n_embd=64)):
        both = rf"{mood.fingerprint[:12]} and width 32.*{other.fingerprint[:12]} and width {other.architecture.width}"
        with pytest.raises(FingerprintMismatchError, match=both):
            other.steered(mood, strength=0.1)
        with pytest.raises(FingerprintMismatchError if other.architecture.width == 32 else ArgumentError):
            other.ledger.add(mood.steer(strength=0.1))
        theirs = iw.control_vector(other, GLAD, SAD)
        with pytest.raises(FingerprintMismatchError, match=rf"{mood.fingerprint[:12]}.*{other.fingerprint[:12]}"):
            _ = mood + theirs


def test_past_the_bounds_it_warns_with_the_measured_damage(lm: Any, mood: Any) -> None:
    measured = ((-0.2, 1.4), (-0.1, 1.05), (0.0, 1.0), (0.1, 1.08), (0.2, 1.61))
    bounded = mood.with_bounds(Bounds((1,), -0.1, 0.1, 1.25, measured))
    bounded.steer(layers=1, strength=0.1)
    with pytest.warns(SteeringWarning, match=r"strength=0.18 .*-0.1 to 0.1 .*at 0.2 the perplexity .* 1.61 times"):
        bounded.steer(layers=1, strength=0.18)
    with pytest.warns(SteeringWarning, match=r"at -0.2 the perplexity .* 1.40 times"):
        lm.steered(bounded, layers=[1], strength=[0.1, -0.3])
    with pytest.warns(SteeringWarning, match="past the recommended"):
        bounded.steer(layers=1, alpha=0.5 * float(mood.norm[1]))
    bounded.steer(layers=2, strength=0.5)  # nothing was measured there
    assert bounded.with_bounds(None).steer(layers=1, strength=9).layers == (1,)


def test_the_best_layer_can_be_set(mood: Any) -> None:
    assert mood.with_best_layer(2).steer(strength=0.1).layers == (2,)
    with pytest.raises(OutOfRangeError, match="layers=\\[7\\]"):
        mood.with_best_layer(7)


# Files


def test_it_comes_back_from_its_file_as_it_was(lm: Any, mood: Any, tmp_path: Path) -> None:
    bounds = Bounds((1,), -0.1, 0.1, 1.25, ((0.0, 1.0), (0.1, 1.1)))
    saved = mood.with_bounds(bounds)
    v = iw.ControlVector.load(saved.save(tmp_path / "mood.safetensors"))
    for name in ("name", "poles", "method", "pairs", "layers", "best_layer", "model", "model_type", "fingerprint"):
        assert getattr(v, name) == getattr(mood, name), name
    for name in ("matrix", "norm", "middle", "half_gap", "accuracy", "separation"):
        np.testing.assert_array_equal(getattr(v, name), getattr(mood, name))
    assert v.bounds == bounds
    with lm.steered(mood, layers=1, strength=0.1):
        one = logits(lm)
    with lm.steered(v, layers=1, strength=0.1):
        assert torch.equal(logits(lm), one)


def test_a_file_of_another_kind_is_refused(lm: Any, mood: Any, tmp_path: Path) -> None:
    x = lm.ledger.add(mood.steer(strength=0.1))
    x.save(tmp_path / "x.safetensors")
    lm.ledger.clear()
    with pytest.raises(FileFormatError, match="holds a saved interventions, not a saved control vector"):
        iw.ControlVector.load(tmp_path / "x.safetensors")
    with pytest.raises(FileNotFoundError):
        iw.ControlVector.load(tmp_path / "none.safetensors")
    (tmp_path / "cut").write_bytes(mood.save(tmp_path / "v").read_bytes()[:300])
    with pytest.raises(FileFormatError, match="cut off"):
        iw.ControlVector.load(tmp_path / "cut")
