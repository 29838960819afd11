"""A name for a neuron against held-out texts: the area under the ROC curve, its interval and its controls."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, OutOfRangeError
from interp_widgets.locate.neuron_name_forms import name_html, name_text
from interp_widgets.locate.neuron_naming import roc_areas, score_name
from tests.locate.test_neurons import TEXTS, by_hand, plant
from tests.tiny import make_lm

WITH = [
    "in the city",
    "the room",
    "Paris the city",
    "She opened the window",
    "not the capital",
    "it is the tower",
    "the",
]
WITHOUT = ["in a city", "Paris was warm", "Sydney", "She is not warm", "It is Paris", "one Eiffel Tower", "numpy as np"]


def by_definition(positives: Any, negatives: Any) -> float:
    """The share of pairs in which the text with the concept has the larger peak; ties count half."""
    pairs = [(p > n) + 0.5 * (p == n) for p in positives for n in negatives]
    return float(np.mean(pairs))


def test_equal_to_the_definition_for_every_neuron(any_lm: Any) -> None:
    found = score_name(any_lm, WITH, WITHOUT, layer=1, neuron=3)
    first, second = (np.stack([x.max(0) for x in by_hand(any_lm, texts)]) for texts in (WITH, WITHOUT))
    np.testing.assert_allclose(found.positive_peaks, first[:, 3], atol=1e-4)
    np.testing.assert_allclose(found.negative_peaks, second[:, 3], atol=1e-4)
    expected = [by_definition(p, n) for p, n in zip(first.T, second.T, strict=True)]
    # Peaks of texts that begin alike are equal up to rounding, which decides who wins that pair.
    np.testing.assert_allclose(found.areas, expected, atol=0.5 / len(WITH) + 1e-9)
    assert found.area == pytest.approx(found.areas[3])
    assert found.low <= found.area <= found.high
    lengths = [len(any_lm.tokenizer(text)["input_ids"]) for text in (*WITH, *WITHOUT)]
    assert found.area_by_length == pytest.approx(roc_auc_score([1] * 7 + [0] * 7, lengths))


def test_areas_are_those_of_another_library() -> None:
    chance = np.random.default_rng(0)
    positives = chance.integers(0, 6, (9, 4)).astype(np.float32)  # many ties
    negatives = chance.integers(0, 6, (14, 4)).astype(np.float32)
    truth = [1] * 9 + [0] * 14
    both = np.concatenate([positives, negatives])
    expected = [roc_auc_score(truth, both[:, column]) for column in range(4)]
    np.testing.assert_allclose(roc_areas(positives, negatives), expected)


def test_a_planted_neuron_passes_and_its_name_says_so() -> None:
    lm = make_lm("llama")
    plant(lm, " the")
    spaced = [f"I see {text}" if text.startswith("the") else text for text in WITH]
    found = score_name(lm, spaced, WITHOUT, layer=0, neuron=7, name="the article", seen=["the"])
    assert (found.area, found.low, found.high, found.rank) == (1.0, 1.0, 1.0, 1)
    wrong = score_name(lm, WITHOUT, spaced, layer=0, neuron=7)
    assert wrong.area == 0.0
    assert wrong.verdict.word == "do not trust"
    assert "larger where the concept is missing" in wrong.verdict.sentence


def test_negative_activations_count_the_other_way() -> None:
    lm = make_lm("llama")
    found = score_name(lm, WITH, WITHOUT, layer=1, neuron=3, sign="negative")
    first, second = (np.stack([x.min(0) for x in by_hand(lm, texts)])[:, 3] for texts in (WITH, WITHOUT))
    np.testing.assert_allclose(found.positive_peaks, first, atol=1e-4)
    assert found.area == pytest.approx(by_definition(-first, -second), abs=0.5 / 7)


def test_the_interval_follows_the_seed_and_the_number_of_texts() -> None:
    lm = make_lm("llama")
    one, same, other = (score_name(lm, WITH, WITHOUT, layer=1, neuron=3, seed=seed) for seed in (0, 0, 1))
    assert (one.low, one.high) == (same.low, same.high)
    assert one.area == other.area
    fewer = score_name(lm, WITH[:5], WITHOUT[:5], layer=1, neuron=3)
    assert fewer.high - fewer.low > 0


@pytest.mark.parametrize(
    ("area", "low", "better", "by_length", "word", "said"),
    [
        (0.95, 0.9, 0, 0.5, "trust", "0 of the 99 other neurons"),
        (0.6, 0.45, 0, 0.5, "do not trust", "does not tell these texts apart"),
        (0.9, 0.8, 30, 0.5, "caution", "30 of the 99 other neurons of the layer do as well"),
        (0.9, 0.8, 0, 0.05, "caution", "the number of tokens alone gives 0.05"),
        (0.7, 0.6, 0, 0.5, "caution", "better than chance, not well"),
    ],
)
def test_the_verdict_follows_from_the_controls(
    area: float, low: float, better: int, by_length: float, word: str, said: str
) -> None:
    from interp_widgets.locate.neuron_naming import _judge

    areas = np.full(100, 0.5)
    areas[:better] = 0.99
    areas[99] = area
    verdict = _judge(99, area, low, 0.99, areas, by_length)
    assert verdict.word == word
    assert said in verdict.sentence


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"positives": WITH[:4]}, ArgumentError, "positives has 4 texts; give at least 5"),
        ({"negatives": [*WITHOUT, WITH[1]]}, ArgumentError, r"negatives\[7\]='the room'.*it is positives\[1\] as well"),
        ({"positives": [*WITH, WITH[0]]}, ArgumentError, r"it is positives\[0\] as well"),
        (
            {"seen": [WITHOUT[2]]},
            ArgumentError,
            r"negatives\[2\]='Sydney' cannot be in the test: the name was read off",
        ),
        ({"negatives": "Paris"}, ArgumentError, "negatives='Paris' is not a list"),
        ({"neuron": 4096}, OutOfRangeError, "neuron=4096"),
        ({"layer": 3}, OutOfRangeError, "layer=3"),
        ({"resamples": 10}, ArgumentError, "resamples=10: a whole number from 100"),
        ({"sign": "up"}, ArgumentError, "sign='up'"),
    ],
)
def test_tests_that_would_show_nothing(changes: dict[str, Any], error: type[Exception], words: str) -> None:
    asked = {"positives": WITH, "negatives": WITHOUT, "layer": 0, "neuron": 0, **changes}
    with pytest.raises(error, match=words):
        score_name(make_lm("gpt2"), **asked)


def test_the_texts_off_which_the_name_was_read_are_refused() -> None:
    lm = make_lm("gpt2")
    read_off = iw.max_activating(lm, [*TEXTS, "the room"], layer=0, neuron=0)
    with pytest.raises(ArgumentError, match=r"positives\[1\]='the room' cannot be in the test"):
        score_name(lm, WITH, WITHOUT, layer=0, neuron=0, seen=read_off)


def test_cancel_and_confirm() -> None:
    lm, flag = make_lm("gpt2"), threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        score_name(lm, WITH, WITHOUT, layer=0, neuron=0, cancel=flag)
    asked: list[Any] = []

    def refuse(cost: Any) -> bool:
        asked.append(cost)
        return False

    with pytest.raises(Cancelled):
        score_name(lm, WITH, WITHOUT, layer=0, neuron=0, confirm=refuse)
    assert asked[0].forward_passes == 14


def test_saved_and_shown(tmp_path: Path) -> None:
    lm = make_lm("gpt2")
    found = iw.locate.score_name(lm, WITH, WITHOUT, layer=0, neuron=0, name="<the>")
    loaded = iw.load_result(found.save(tmp_path / "name"))
    assert str(loaded) == str(found)
    assert repr(loaded) == repr(found)
    twin = name_html(found)
    assert "stand for &lt;the&gt;?" in twin
    for line in (f"{found.area:.2f}", f"Rank {found.rank} of 128"):
        assert line in twin
        assert line in name_text(found)
    frame = found.to_frame()
    assert frame["peak"].is_monotonic_decreasing
    assert frame["concept"].sum() == len(WITH)
    assert found._repr_mimebundle_()["text/html"] == twin
    assert "<script" not in found.to_html(tmp_path / "name.html")
    figure = found.plot()
    assert len(figure.axes) == 2
