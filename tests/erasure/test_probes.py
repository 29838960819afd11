"""Probes on made-up states whose answer is known, on parts that share nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.erasure import Eraser, probe
from interp_widgets.erasure.payload import MIME_TYPE
from interp_widgets.erasure.probes import control_accuracy, interval, predictions
from interp_widgets.errors import ArgumentError
from tests.erasure.made_states import make_states


def apart(n: int = 6000, width: int = 10, *, seed: int = 0, shift: float = 3.0) -> tuple[Any, Any]:
    """Two classes that a line tells apart."""
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    states = chance.normal(size=(n, width))
    states[:, 0] += shift * labels
    return states, labels


def test_a_line_is_gone_and_nothing_else() -> None:
    found = probe(*apart(), templates=np.arange(6000) // 10)
    assert found.of("linear", "before")[0, 0] > 0.9
    assert found.of("linear")[0, 1] <= found.majority <= found.of("linear")[0, 2] + 0.01
    assert found.at_chance("linear").all()
    assert found.at_chance("mlp").all()
    assert found.of("linear", "random")[0, 0] > 0.85
    assert found.verdict.word == "trust"
    assert "no linear classifier on the 3000 states" in found.verdict.why[0]
    assert (found.clusters, found.cluster) == (150, "template")
    assert found.counts.tolist() == [3000, 1500, 1500]
    assert 0.1 < found.change[0, 0] < 1


def test_what_only_a_curve_sees_is_said() -> None:
    """One class around the other: no line tells them apart after the means are equal, an MLP does."""
    chance = np.random.default_rng(0)
    labels = np.arange(4000) % 2
    states = chance.normal(size=(4000, 3)) * np.where(labels == 1, 4.0, 0.5)[:, None] + labels[:, None]
    found = probe(states, labels)
    assert found.at_chance("linear").all()
    assert found.of("mlp")[0, 1] > 0.8
    assert found.verdict.word == "caution"
    assert any("a nonlinear probe (MLP) is right in" in line for line in found.verdict.why)
    alone = probe(states, labels, probes=["linear"])
    assert alone.verdict.word == "trust"
    assert alone.accuracy.shape == (1, 1, 3, 3)
    assert probe(states, labels, method="quadratic", shrinkage=False).of("mlp")[0, 0] < 0.6


def test_a_probe_on_the_erasers_own_states_is_at_chance_by_construction() -> None:
    """And a fresh one is not, where the eraser had too few: which is what the three parts are for."""
    states, labels = apart(1200, 60, shift=1.0)
    few = Eraser.fit(states[:80], labels[:80])
    own = few.transform(states[:80])
    assert (predictions("linear", own, labels[:80], own, l2=1.0) == labels[:80]).mean() < 0.6
    train, test = few.transform(states[80:800]), few.transform(states[800:])
    assert (predictions("linear", train, labels[80:800], test) == labels[800:]).mean() > 0.57
    with pytest.warns(iw.erasure.ErasureWarning):
        found = probe(states, labels, shares=(0.04, 0.56, 0.4), probes=["linear"])
    assert found.verdict.word == "do not trust"
    assert any("fitted on 48 states of 60 dimensions" in line for line in found.verdict.why)


def test_nothing_to_erase_is_said() -> None:
    states, labels = apart(shift=0.0)
    found = probe(states, labels, probes=["linear"])
    assert found.verdict.word == "caution"
    assert any("nothing to erase" in line for line in found.verdict.why)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_the_same_seed_gives_the_same_probe(kind: str) -> None:
    states, labels = make_states(300)
    one, other = (predictions(kind, states[:200], labels[:200], states[200:]) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_the_control_task_is_learned_from_words_alone() -> None:
    chance = np.random.default_rng(0)
    words = chance.integers(0, 20, 3000)
    known = chance.normal(size=(20, 40))[words] + 0.1 * chance.normal(size=(3000, 40))
    assert control_accuracy(known[:2000], known[2000:], words[:2000], words[2000:], 2) > 0.95
    noise = chance.normal(size=(3000, 40))
    assert control_accuracy(noise[:2000], noise[2000:], words[:2000], words[2000:], 2) < 0.6
    # Words that were not in training have no label that could be known.
    assert np.isnan(control_accuracy(noise[:2000], noise[2000:], words[:2000], words[2000:] + 100, 2))


def test_the_interval_counts_clusters_not_states() -> None:
    chance = np.random.default_rng(0)
    right = np.repeat(chance.random(50) < 0.7, 40)
    together = interval(right, np.repeat(np.arange(50), 40), 0)
    alone = interval(right, np.arange(2000), 0)
    assert together[0] == alone[0] == right.mean()
    assert together[2] - together[1] > 4 * (alone[2] - alone[1])
    assert together[1] < right.mean() < together[2]


def test_inlp_has_its_rounds_and_more_rank() -> None:
    states, labels = apart(2000)
    found = probe(states, labels, method="inlp", probes=["linear"])
    assert len(found.rounds) >= 2
    assert "promises nothing" in found.verdict.why[0]


def test_inlp_beside_leace() -> None:
    states, labels = apart(2000)
    found = probe(states, labels, probes=["linear"], inlp=3)
    assert found.method == "leace"
    assert found.rounds[:2, 0].tolist() == [0, 1]
    assert found.rounds[0, 1] > 0.9
    assert len(found.rounds) <= 4


def test_many_classes() -> None:
    states, labels = make_states(3000, 12, 4)
    names = np.asarray(["n", "e", "s", "w"])[labels]
    found = probe(states, names, words=labels, concept="direction")
    assert found.classes == ("e", "n", "s", "w")
    assert found.ranks.tolist() == [3]
    assert found.at_chance("linear").all()
    assert found.control.shape == (1, 3)
    assert np.isnan(found.control[0, 2])
    np.testing.assert_allclose(found.selectivity[0, 0], found.of("linear", "before")[0, 0] - found.control[0, 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"templates": [1, 2]}, "templates has 2 entries, there are 400 states"),
        ({"words": [1, 2]}, "words has 2 entries"),
        ({"templates": [0] * 400}, "1 templates are too few for 3 parts"),
        ({"probes": ["tree"]}, "probes='tree': one of linear, mlp"),
        ({"probes": ["mlp"]}, "the verdict is about the linear one"),
        ({"probes": []}, "the verdict is about the linear one"),
        ({"shares": (0.5, 0.5)}, "three parts"),
        ({"method": "lace"}, "Did you mean 'leace'"),
    ],
)
def test_what_cannot_be_probed(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        probe(*make_states(), **change)


def test_it_is_shown_saved_and_loaded(tmp_path: Path) -> None:
    found = probe(*make_states(900, 12, 3), words=np.arange(900) % 7, concept="<b>shape</b>")
    again = iw.load_result(found.save(tmp_path / "result.safetensors"))
    assert isinstance(again, iw.ErasureResult)
    assert str(again) == str(found)
    assert repr(again) == repr(found)
    np.testing.assert_array_equal(again.accuracy, found.accuracy)
    page = found.to_html(tmp_path / "result.html")
    assert (tmp_path / "result.html").read_text("utf-8") == page
    assert "<b>shape</b>" not in page
    assert "&lt;b&gt;shape" in page
    shown = found._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html", MIME_TYPE}
    assert f"{100 * found.of('linear')[0, 0]:.1f} %" in shown["text/plain"]
    frame = found.to_frame()
    assert len(frame) == 2 * 3
    assert frame.accuracy[1] == found.accuracy[0, 0, 1, 0]
    assert len(found.plot().axes) == 2


def test_points_stand_apart_on_the_concepts_axis_before_and_together_after() -> None:
    states, labels = apart(seed=3)
    found = probe(states, labels, probes=["linear"], method="mean_difference")
    assert found.points.shape == (400, 2, 3)
    assert np.bincount(found.point_class).tolist() == [200, 200]
    means = np.stack([found.points[found.point_class == c].mean(0) for c in (0, 1)])
    assert abs(means[0, 0, 2] - means[1, 0, 2]) == pytest.approx(3.0, abs=0.5)
    assert abs(means[0, 1, 2] - means[1, 1, 2]) < 0.2
    assert found.axes.shape == (3,)
    narrow = probe(states[:, :1], labels, probes=["linear"])
    assert narrow.points.shape == (400, 2, 3)  # the second principal axis of one number is empty
    assert (narrow.points[:, :, 1] == 0).all()
