"""Presets: what a person may write into the file, what is refused, and what acts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError, OutOfRangeError
from interp_widgets.steering.presets import Presets, Setting
from interp_widgets.steering.vector import Bounds, SteeringWarning
from tests.interventions.state import IDS, count_hooks, logits
from tests.tiny import make_lm

TEXT = """{
  "version": 1,
  "presets": {
    "support-de": {"formality": 0.08, "honesty": {"strength": 0.05, "layers": [0, 2]}},
    "support-en": {"formality": {"strength": -0.02, "positions": "generated", "keep_norm": true}},
    "plain": {"formality": 0}
  }
}"""


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def vectors(lm: Any) -> Any:
    return [
        iw.control_vector(lm, ["Dear Sir, the", "We regret"], ["Hey, the", "Oops"], name="formality"),
        iw.control_vector(lm, ["The truth is", "I did it"], ["I never lie", "It was she"], name="honesty"),
    ]


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    (tmp_path / "presets.json").write_text(TEXT)
    return Presets.load(tmp_path / "presets.json")


def test_a_file_that_a_person_wrote(presets: Presets) -> None:
    assert list(presets) == ["support-de", "support-en", "plain"]
    assert presets["support-de"] == {"formality": Setting(0.08), "honesty": Setting(0.05, layers=(0, 2))}
    assert presets["support-en"]["formality"] == Setting(-0.02, positions="generated", keep_norm=True)


def test_saved_it_comes_back_and_reads_the_same(presets: Presets, tmp_path: Path) -> None:
    path = presets.save(tmp_path / "new" / "again.json")
    assert Presets.load(path) == presets
    assert json.loads(path.read_text()) == json.loads(TEXT)
    assert [file.name for file in path.parent.iterdir()] == ["again.json"]


SETTINGS = st.builds(
    Setting,
    strength=st.floats(-10, 10),
    layers=st.none() | st.lists(st.integers(0, 80), min_size=1, max_size=4, unique=True).map(tuple),
    positions=st.sampled_from(["all", "prompt", "generated", "last", (0, -1)]),
    keep_norm=st.booleans(),
)
NAMES = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()) and text.isprintable())


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, SETTINGS, min_size=1, max_size=3), max_size=3))
def test_any_presets_come_back(tmp_path_factory: pytest.TempPathFactory, given: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    presets = Presets(given)
    presets.save(path)
    assert Presets.load(path) == presets


def test_one_more_leaves_the_old_ones_alone(presets: Presets) -> None:
    more = presets.having("kind", {"honesty": 0.1})
    assert "kind" in more
    assert "kind" not in presets
    assert more["support-de"] == presets["support-de"]


def test_it_acts_as_its_vectors_do(lm: Any, vectors: Any, presets: Presets) -> None:
    formality, honesty = vectors
    with presets.apply(lm, vectors, "support-de"):
        on = logits(lm)
    with lm.steered(formality, strength=0.08), lm.steered(honesty, strength=0.05, layers=[0, 2]):
        assert torch.equal(logits(lm), on)
    with presets.apply(lm, {"formality": honesty}, "support-en"):
        on = lm.generate("The city", max_new_tokens=5)
    with lm.steered(honesty, strength=-0.02, positions="generated", keep_norm=True):
        assert lm.generate("The city", max_new_tokens=5) == on


def test_strength_0_is_nothing(lm: Any, vectors: Any, presets: Presets) -> None:
    plain = lm.next_logits(IDS)
    with presets.apply(lm, vectors, "plain"):
        assert count_hooks(lm.model) == 0
        assert torch.equal(lm.next_logits(IDS), plain)


def test_what_is_missing_is_named(lm: Any, vectors: Any, presets: Presets) -> None:
    with pytest.raises(ArgumentError, match=r"name='support-dk': one of .*Did you mean 'support-de'"):
        presets.apply(lm, vectors, "support-dk")
    with pytest.raises(ArgumentError, match="'support-de' needs a vector named 'honesty'; vectors has formality"):
        presets.apply(lm, vectors[:1], "support-de")
    other = make_lm("llama", seed=1)
    with pytest.raises(FingerprintMismatchError):
        presets.apply(other, vectors, "support-de")
    with pytest.raises(OutOfRangeError, match="layers=\\[9\\]"):
        presets.having("deep", {"honesty": {"strength": 0.1, "layers": [9]}}).apply(lm, vectors, "deep")


def test_past_the_bounds_it_warns(lm: Any, vectors: Any) -> None:
    v = vectors[0]
    v = v.with_bounds(Bounds((v.best_layer,), -0.05, 0.05, 1.25, ((0.05, 1.2), (0.1, 2.0))))
    with pytest.warns(SteeringWarning, match="2.00 times"):
        Presets({"loud": {"formality": 0.1}}).apply(lm, [v], "loud")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "presets=.*: a mapping"),
        ({"": {"v": 1}}, "preset name ''"),
        ({"a": {}}, "preset 'a': {} is no mapping"),
        ({"a": {" ": 1}}, "vector name ' '"),
        ({"a": 3}, "preset 'a': 3 is no mapping"),
        ({"a": {"v": "much"}}, "preset 'a', vector 'v': strength='much'"),
        ({"a": {"v": True}}, "strength=True"),
        ({"a": {"v": None}}, "strength=None"),
        ({"a": {"v": float("nan")}}, "strength=nan"),
        ({"a": {"v": {"layers": [1]}}}, "strength is missing"),
        ({"a": {"v": {"strength": 1, "layer": 3}}}, "setting='layer': .*Did you mean 'layers'"),
        ({"a": {"v": {"strength": 1, "layers": []}}}, r"layers=\[\]"),
        ({"a": {"v": {"strength": 1, "layers": [1.5]}}}, r"layers=\[1.5\]"),
        ({"a": {"v": {"strength": 1, "layers": [-1]}}}, r"layers=\[-1\]"),
        ({"a": {"v": {"strength": 1, "layers": "all"}}}, "layers='all'"),
        ({"a": {"v": {"strength": 1, "positions": "first"}}}, "positions='first'"),
        ({"a": {"v": {"strength": 1, "keep_norm": "yes"}}}, "keep_norm='yes'"),
    ],
)
def test_what_cannot_work_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Presets(given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no steering presets"),
        ("[1]", 'an object with "version" and "presets"'),
        ('{"version": 2, "presets": {}}', "its version is 2; this package reads 1"),
        ('{"version": 1, "presets": {"a": {"v": NaN}}}', "NaN is no strength"),
        ('{"version": 1, "presets": {"a": {"v": 1, "v": 2}}}', "'v' stands twice"),
        ('{"version": 1, "presets": {"a": {"v": 1}}, "more": 1}', 'an object with "version" and "presets"'),
        ('{"version": 1, "presets": {"a": {"v": 1e999}}}', "strength=inf"),
        ("[" * 100_000, "holds no steering presets"),
    ],
)
def test_a_file_that_cannot_work_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FileFormatError, match=said):
        Presets.load(tmp_path / "x.json")
    with pytest.raises(FileNotFoundError):
        Presets.load(tmp_path / "none.json")
