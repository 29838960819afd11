"""evaluate_steering: what it measures against plain runs, and what it concludes from numbers that are known."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, FingerprintMismatchError, OutOfRangeError
from interp_widgets.steering.evaluation_result import best_of, bounds_of, judge
from interp_widgets.steering.measures import read
from tests.steering.test_measures import PAIRS, TEXTS
from tests.tiny import make_lm

FEW: dict[str, Any] = {"prompts": ["The room", "She opened the"], "neutral": TEXTS, "max_new_tokens": 4}
HELD_OUT = iw.ContrastPairs(("The window was warm and", "Paris and"), ("The window was not", "Not Paris but"))


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def vector(lm: Any) -> Any:
    return iw.control_vector(lm, *PAIRS, name="warmth")


@pytest.fixture(scope="module")
def found(lm: Any, vector: Any) -> Any:
    return iw.evaluate_steering(
        lm, vector, HELD_OUT, [-0.4, 0.4, 0.8], layers=[1, [1, 2]], concept="length", limit=50.0, full=True, **FEW
    )


def test_perplexity_is_that_of_plain_steered_runs(lm: Any, vector: Any, found: Any) -> None:
    before = read(lm, TEXTS).perplexity
    assert found.base_perplexity == pytest.approx(before)
    assert found.strengths.tolist() == [-0.4, 0.0, 0.4, 0.8]
    for c, layers in enumerate(found.layers):
        for s, strength in enumerate(found.strengths):
            with lm.steered(vector, layers=layers, strength=float(strength)):
                ratio = read(lm, TEXTS).perplexity / before
            assert found.perplexity[c, s, 0] == pytest.approx(ratio, rel=1e-4)
    assert (found.perplexity[..., 1] <= found.perplexity[..., 0]).all()
    assert (found.perplexity[..., 0] <= found.perplexity[..., 2]).all()


def test_texts_are_those_of_plain_steered_generation(lm: Any, vector: Any) -> None:
    found = iw.evaluate_steering(
        lm, vector, strengths=[-0.4, 0.8], layers=[1], concept="length", limit=50.0, temperature=0.0, full=True, **FEW
    )
    for s, strength in enumerate(found.strengths):
        with lm.steered(vector, layers=1, strength=float(strength)):
            for prompt, text in zip(FEW["prompts"], found.texts[0][s], strict=True):
                assert text == lm.generate(prompt, max_new_tokens=4)


def test_only_the_best_candidate_is_written_out(lm: Any, vector: Any) -> None:
    few = iw.evaluate_steering(
        lm, vector, strengths=[-0.8, -0.4, 0.4, 0.8], layers=[0, 1], concept="length", limit=50.0, **FEW
    )
    other = 1 - few.best
    assert np.isfinite(few.concept[few.best]).all()
    assert np.isfinite(few.concept[other, [0, 2, 4]]).all()
    assert np.isnan(few.concept[other, [1, 3]]).all()
    full = iw.evaluate_steering(
        lm, vector, strengths=[-0.8, -0.4, 0.4, 0.8], layers=[0, 1], concept="length", limit=50.0, full=True, **FEW
    )
    known = np.isfinite(few.concept)
    assert few.best == full.best
    np.testing.assert_array_equal(few.concept[known], full.concept[known])
    assert few.forward_passes < full.forward_passes


def test_held_out_accuracy_is_counted_by_hand(lm: Any, vector: Any, found: Any) -> None:
    from interp_widgets.steering.reading import token_scores

    for layer, share in zip(vector.layers, found.accuracy, strict=True):
        up = [scores[-1] for scores in token_scores(lm, vector, HELD_OUT.positive, layer=layer)]
        down = [scores[-1] for scores in token_scores(lm, vector, HELD_OUT.negative, layer=layer)]
        assert share == np.mean(np.asarray(up) > np.asarray(down))


def test_it_leaves_the_model_as_it_was_and_counts_what_it_did(lm: Any, vector: Any, found: Any) -> None:
    assert not lm.ledger.active
    assert not [hook for module in lm.model.modules() for hook in module._forward_hooks]
    texts, strengths, candidates = len(TEXTS), 3, 2
    read_rows = texts * (1 + candidates * strengths)
    written = 2 * 4 * (1 + candidates * strengths)
    assert read_rows < found.forward_passes <= read_rows + written + 2 * len(HELD_OUT)
    cost = iw.estimate(
        iw.evaluate_steering, lm, vector, HELD_OUT, [-0.4, 0.4, 0.8], layers=[1, [1, 2]], full=True, **FEW
    )
    assert cost.forward_passes == read_rows + written


def test_round_trip_and_forms(found: Any, tmp_path: Path) -> None:
    path = found.save(tmp_path / "found.safetensors")
    again = iw.load_result(path)
    assert isinstance(again, iw.SteeringEvaluation)
    assert again.bounds == found.bounds
    assert again.texts == found.texts
    np.testing.assert_array_equal(again.concept, found.concept)
    frame = again.to_frame()
    assert len(frame) == 2 * 4
    assert str(again) == str(found)
    page = found.to_html(tmp_path / "page.html")
    assert page == (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    bundle = found._repr_mimebundle_()
    for s in range(4):  # the numbers of the table are those of the text
        assert f"{found.perplexity[found.best, s, 0]:.2f}" in bundle["text/plain"]
        assert f"{found.perplexity[found.best, s, 0]:.2f}" in bundle["text/html"]
    figure = found.plot()
    above, _ = figure.axes
    lines = [line for line in above.get_lines() if "best" in str(line.get_label())]
    np.testing.assert_allclose(lines[0].get_ydata(), found.concept[found.best, :, 0])
    assert found.verdict.word in figure.get_suptitle()


def test_text_is_escaped_in_the_twin(lm: Any, vector: Any) -> None:
    prompt = "<img src=x onerror=alert(1)>"
    found = iw.evaluate_steering(
        lm, vector, strengths=[0.4], layers=[1], concept="length", prompts=[prompt], neutral=TEXTS, max_new_tokens=2
    )
    assert "<img" not in found.to_html()
    assert "&lt;img" in found.to_html()


# Bounds and verdict


STRENGTHS = np.asarray([-0.2, -0.1, 0.0, 0.1, 0.2])


@pytest.mark.parametrize(
    ("ratio", "ends"),
    [
        ([1.0, 1.0, 1.0, 1.0, 1.0], (0, 4)),
        ([1.3, 1.1, 1.0, 1.1, 1.3], (1, 3)),
        ([1.1, 1.3, 1.0, 1.1, 1.2], (2, 4)),  # fluent again further out does not count
        ([1.3, 1.3, 1.0, 1.3, 1.3], (2, 2)),
    ],
)
def test_bounds_end_where_the_damage_first_passes_the_limit(ratio: list[float], ends: tuple[int, int]) -> None:
    assert bounds_of(STRENGTHS, np.asarray(ratio), 1.25) == ends


def test_the_best_candidate_moves_furthest_within_its_bounds() -> None:
    values = np.zeros((2, 5, 3))
    values[0, 4] = 5.0  # further, but outside its bounds
    values[1, 3] = 1.0
    assert best_of(values, [(1, 3), (1, 3)]) == 1


@pytest.mark.parametrize(
    ("moved", "accuracy", "ratio", "word", "said"),
    [
        (0.8, 0.95, 1.1, "trust", "orders 95% of the held-out pairs right"),
        (0.8, 0.7, 1.1, "caution", "orders 70%"),
        (0.8, np.nan, 1.1, "caution", "no held-out pairs were given"),
        (0.0, 0.95, 1.1, "do not trust", "no more than by chance"),
        (-0.8, 0.95, 1.1, "do not trust", "no more than by chance"),
        (0.8, 0.95, 2.0, "do not trust", "already the smallest strength"),
    ],
)
def test_the_verdict_follows_from_the_numbers(
    vector: Any, moved: float, accuracy: float, ratio: float, word: str, said: str
) -> None:
    chance = np.random.default_rng(0)
    values = np.linspace(-moved / 2, moved / 2, 5)[:, None] + chance.normal(0, 0.05, (5, 30))
    ratios = np.asarray([ratio, ratio, 1.0, ratio, ratio])
    ends = bounds_of(STRENGTHS, ratios, 1.25)
    bounds, span, verdict = judge(vector, (1,), STRENGTHS, ends, values, ratios, 1.25, np.full(3, accuracy), chance)
    assert verdict.word == word
    assert said in verdict.sentence
    assert span[1] <= span[0] <= span[2]
    assert (bounds.low, bounds.high) == ((-0.2, 0.2) if ratio < 1.25 else (0.0, 0.0))


def test_bounds_make_the_vector_warn(found: Any, vector: Any) -> None:
    from interp_widgets.steering.vector import SteeringWarning

    careful = vector.with_bounds(found.bounds)
    careful.steer(layers=found.best_layers, strength=found.bounds.high)
    with pytest.warns(SteeringWarning, match=r"strength=9 is past the recommended .* perplexity"):
        careful.steer(layers=found.best_layers, strength=9.0)


def test_the_layer_that_was_measured_becomes_the_best_one(lm: Any, vector: Any, found: Any) -> None:
    from dataclasses import replace

    assert vector.with_bounds(replace(found.bounds, layers=(2,))).best_layer == 2
    assert vector.with_bounds(replace(found.bounds, layers=(1, 2))).best_layer == vector.best_layer
    assert vector.with_bounds(None).best_layer == vector.best_layer


# Bad input


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"strengths": []}, ArgumentError, "strengths=\\[\\]"),
        ({"strengths": [0.1, float("nan")]}, ArgumentError, "strengths=nan"),
        ({"layers": []}, ArgumentError, "layers is empty"),
        ({"layers": [99]}, OutOfRangeError, r"layers=\[99\]"),
        ({"prompts": []}, ArgumentError, "at least one of each"),
        ({"samples": 0}, ArgumentError, "samples=0"),
        ({"limit": 1.0}, ArgumentError, "limit=1.0"),
        ({"concept": "mood"}, ArgumentError, "concept='mood'"),
    ],
)
def test_bad_input_is_named(lm: Any, vector: Any, change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        iw.evaluate_steering(lm, vector, **{**FEW, "concept": "length", **change})


def test_another_models_vector_is_refused(vector: Any) -> None:
    with pytest.raises(FingerprintMismatchError, match=vector.fingerprint[:12]):
        iw.evaluate_steering(make_lm("gpt2"), vector)


def test_it_can_be_cancelled_and_refused(lm: Any, vector: Any) -> None:
    flag = threading.Event()
    flag.set()
    with pytest.raises(Cancelled):
        iw.evaluate_steering(lm, vector, concept="length", cancel=flag, **FEW)
    with pytest.raises(Cancelled, match="not confirmed"):
        iw.evaluate_steering(lm, vector, concept="length", confirm=lambda cost: cost.forward_passes < 1, **FEW)
    assert not lm.ledger.active


def test_progress_ends_at_its_total(lm: Any, vector: Any) -> None:
    told: list[tuple[int, int]] = []
    iw.evaluate_steering(
        lm, vector, strengths=[0.4], layers=[1], concept="length", **FEW,
        progress=lambda done, total, text: told.append((done, total)),
    )  # fmt: skip
    assert told[-1][0] == told[-1][1]
    assert all(0 <= done <= total for done, total in told)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.default_model
def test_sentiment_moves_what_the_default_model_writes(default_lm: Any) -> None:
    pairs = iw.steering.pair_set("sentiment")
    vector = iw.control_vector(default_lm, pairs.fitting, layers=[18])
    found = iw.evaluate_steering(
        default_lm, vector, pairs.held_out, [-0.15, 0.15], concept="sentiment", max_new_tokens=20,
        prompts=["Yesterday afternoon I went to the", "My neighbour told me that the", "The new manager of the shop",
                 "For dinner we had", "Last week we tried the", "I asked my friend about the book, and he"],
    )  # fmt: skip
    assert found.span[0] > 0.3
    assert found.perplexity[0, :, 0].max() < 1.25
    assert found.accuracy[0] >= 0.9
