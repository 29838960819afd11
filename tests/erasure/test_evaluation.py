"""Evaluating an eraser in a model: what it reads against plain passes, and what it refuses."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.evaluating.fluency import perplexity_of
from interp_widgets.erasure import Eraser, LabelledTexts, evaluate, labelled_set, labelled_states, scrub
from interp_widgets.erasure.damage import answered, questions, random_like
from interp_widgets.erasure.probes import predictions
from interp_widgets.errors import ArgumentError, Cancelled, FingerprintMismatchError, TooCostlyError
from interp_widgets.models.architectures import Site
from tests.erasure.test_scrubbing import states_at
from tests.interventions.state import count_hooks, logits
from tests.tiny import make_lm

FIT, TRAIN, TEST = labelled_set("grammatical_gender", each=2).split()
QUICK: dict[str, Any] = {"probes": ["linear"], "control": False}


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def eraser(lm: Any) -> Any:
    x = scrub(lm, FIT, layers=[0, 2])
    x.undo()
    return x


@pytest.fixture(scope="module")
def found(lm: Any, eraser: Any) -> Any:
    return evaluate(lm, eraser, TRAIN, TEST)


def test_the_numbers_are_those_of_plain_passes(lm: Any, eraser: Any, found: Any) -> None:
    assert found.places == ("layer 0 resid_post", "layer 2 resid_post")
    assert found.accuracy.shape == (2, 2, 3, 3)
    for stage, active in enumerate(((), (eraser,), (random_like(eraser),))):
        with lm.using(*active):
            (train, of), (test, wanted) = (states_at(lm, part, Site("resid_post", 2)) for part in (TRAIN, TEST))
            guess = predictions("linear", train, (of == "masculine").astype(np.int64), test)
            right = float((guess == (wanted == "masculine")).mean())
            assert found.accuracy[1, 0, stage, 0] == pytest.approx(right, abs=0.01)
            assert found.perplexity[stage] == pytest.approx(perplexity_of(lm), rel=1e-4)
            assert found.tasks[stage, 0] == pytest.approx(answered(lm)[0])
    assert found.counts[2] == len(test)
    assert found.counts[0] == eraser.about["samples"]


def test_the_size_of_the_change_is_that_of_plain_passes(lm: Any, eraser: Any, found: Any) -> None:
    before, _ = states_at(lm, TEST, Site("resid_post", 0))
    with lm.using(eraser):
        after, _ = states_at(lm, TEST, Site("resid_post", 0))
    size = np.linalg.norm(after - before, axis=1).mean() / np.linalg.norm(before, axis=1).mean()
    assert found.change[0, 0] == pytest.approx(size, rel=1e-3)
    assert found.change[0, 1] > 0


def test_the_points_are_test_states_of_the_plainest_place(lm: Any, eraser: Any, found: Any) -> None:
    best = int(np.argmax(found.of("linear", "before")[:, 0]))
    assert found.point_place == best
    assert found.points.shape == (len(found.point_class), 2, 3)
    assert len(found.point_text) == len(found.point_token) == len(found.point_class) <= 400
    for text, token, c in zip(found.point_text, found.point_token, found.point_class, strict=True):
        assert token in text
        assert TEST.labels[TEST.texts.index(text)] == found.classes[c]
    one, other = (found.points[found.point_class == c].mean(0)[:, 2] for c in (0, 1))
    apart = np.abs(one - other)
    assert apart[1] < 0.5 * apart[0]
    assert (found.axes >= 0).all()
    assert found.axes[0] >= found.axes[1]


def test_nothing_is_left_on_the_model(lm: Any, eraser: Any) -> None:
    before, hooks = logits(lm), count_hooks(lm.model)
    evaluate(lm, eraser, TRAIN, TEST, damage=False, **QUICK)
    assert torch.equal(logits(lm), before)
    assert count_hooks(lm.model) == hooks
    lm.ledger.add(eraser)
    active = evaluate(lm, eraser, TRAIN, TEST, damage=False, **QUICK)
    lm.ledger.clear()
    again = evaluate(lm, eraser, TRAIN, TEST, damage=False, **QUICK)
    np.testing.assert_array_equal(active.accuracy, again.accuracy)
    assert active.provenance.interventions == ()


def test_parts_may_be_left_out(lm: Any, eraser: Any) -> None:
    found = evaluate(lm, eraser, TRAIN, TEST, random=False, damage=False, **QUICK)
    assert np.isnan(found.accuracy[:, :, 2]).all()
    assert np.isnan(found.control).all()
    assert found.perplexity.shape == (0,)
    assert "Random directions" not in " ".join(found.verdict.why)
    assert found.of("linear").shape == (2, 3)
    assert found.rounds.shape == (0, 2)
    kept = evaluate(lm, eraser, TRAIN, TEST, random=False, inlp=2, **QUICK)
    assert kept.rounds.shape[1] == 2
    assert 1 <= len(kept.rounds) <= 3
    assert np.isfinite(kept.perplexity).tolist() == [True, True, False]
    for one in (found, kept):
        assert str(one)
        assert one.to_html()
        assert len(one.plot().axes) == 1


def test_every_architecture(any_lm: Any) -> None:
    x = iw.erase(any_lm, FIT, layer=1, site=["mlp_out", "resid_post"])
    found = evaluate(any_lm, x, TRAIN.take(60), TEST.take(60), random=False, damage=False, **QUICK)
    assert found.places == ("layer 1 mlp_out", "layer 1 resid_post")
    assert np.isfinite(found.accuracy[:, :, :2]).all()
    x.undo()


def test_an_eraser_from_arrays(lm: Any) -> None:
    fitted = labelled_states(lm, FIT, layer=1)
    x = Eraser.fit(fitted.states, fitted.labels).at(1)
    found = evaluate(lm, x, TRAIN, TEST, random=False, damage=False, **QUICK)
    number: Any = np.int64(1)  # as it comes out of an array
    whole = iw.erase(lm, FIT, layer=number)
    whole.undo()
    again = evaluate(lm, whole, TRAIN, TEST, random=False, damage=False, **QUICK)
    np.testing.assert_allclose(found.accuracy[..., :2, 0], again.accuracy[..., :2, 0], atol=0.01)
    assert found.counts.tolist() == again.counts.tolist()
    assert (found.method, found.ranks.tolist()) == ("leace", [1])


def test_texts_that_the_eraser_saw_are_refused(lm: Any, eraser: Any) -> None:
    with pytest.raises(ArgumentError, match=r"train shares \d+ texts and 52 templates with the eraser's texts"):
        evaluate(lm, eraser, FIT, TEST)
    with pytest.raises(ArgumentError, match=r"test shares 96 texts and \d+ templates with train"):
        evaluate(lm, eraser, TEST, TEST)
    with pytest.raises(ArgumentError, match=r"give iw\.erase"):
        evaluate(lm, Eraser.fit(np.eye(32), [0, 1] * 16), TRAIN, TEST)  # type: ignore[arg-type]
    other = LabelledTexts.of(["A b c", "A c d"], ["x", "y"])
    with pytest.raises(ArgumentError, match="train has the classes"):
        evaluate(lm, eraser, other, TEST)


def test_another_model_too_long_and_cancelled(lm: Any, eraser: Any) -> None:
    with pytest.raises(FingerprintMismatchError):
        evaluate(make_lm("llama", seed=1), eraser, TRAIN, TEST)
    slow = make_lm("llama")
    slow.seconds_per_token = 10.0
    with pytest.raises(TooCostlyError):
        evaluate(slow, eraser, TRAIN, TEST)
    assert iw.estimate(evaluate, lm, eraser, TRAIN, TEST).forward_passes == 3 * (len(TRAIN) + len(TEST))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        evaluate(lm, eraser, TRAIN, TEST, cancel=stop)


def test_it_is_saved_and_loaded(found: Any, tmp_path: Path) -> None:
    again: Any = iw.load_result(found.save(tmp_path / "result.safetensors"))
    assert str(again) == str(found)
    assert "perplexity of neutral text" in str(again)
    assert f"{len(questions())} questions about other things" in str(again)


def test_questions_are_about_other_things() -> None:
    asked = questions()
    assert len(set(asked)) == len(asked) >= 50
    told = " ".join(" ".join(one) for one in asked).lower().split()
    assert not {"he", "she", "his", "her", "man", "woman"} & set(told)


@pytest.mark.default_model
def test_the_default_model_answers_most_questions(default_lm: Any) -> None:
    share, low, high = answered(default_lm)
    print(f"questions right: {share:.1%} ({low:.1%} to {high:.1%})")
    assert share > 0.9
