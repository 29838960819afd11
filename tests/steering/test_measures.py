"""What is measured of texts and of the model, against closed forms and plain passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError
from interp_widgets.steering.measures import concept_of, damage, read, repetition
from interp_widgets.steering.reading import token_scores
from tests.tiny import make_lm

TEXTS = ("The capital of Australia is Canberra.", "She opened the window because the room was warm.")
PAIRS = (
    ["The room was warm and", "She opened the window and", "The city of Paris and", "The capital is warm and"],
    ["The room was not warm but", "She opened not a window but", "Not the city of Paris but", "The capital is not"],
)


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


@pytest.fixture(scope="module")
def vector(lm: Any) -> Any:
    return iw.control_vector(lm, *PAIRS)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0),
        ("one two three", 0),
        ("a b c d", 0),
        ("a b c a b c", 1 / 4),
        ("a a a a a", 2 / 3),
        ("A b c a B c", 1 / 4),
    ],
)
def test_repetition(text: str, share: float) -> None:
    assert repetition(text) == pytest.approx(share)


def test_reading_is_the_models_own_cross_entropy(any_lm: Any) -> None:
    found = read(any_lm, TEXTS)
    for text, loss in zip(TEXTS, found.loss, strict=True):
        ids = torch.as_tensor(any_lm.encode(text).ids)[None]
        with torch.no_grad():
            expected = any_lm.model(input_ids=ids, labels=ids).loss
        assert loss.mean() == pytest.approx(float(expected), rel=1e-5)
    assert found.perplexity == pytest.approx(np.exp(np.concatenate(found.loss).mean()))


def test_damage_of_rows_is_that_of_single_runs(lm: Any, vector: Any) -> None:
    before = read(lm, TEXTS, keep=True)
    strengths = [-0.5, 0.0, 0.8]
    with lm.steered(vector, layers=1, strength=strengths):
        losses, divergence = damage(lm, TEXTS, before, 3)
    for row, strength in enumerate(strengths):
        with lm.steered(vector, layers=1, strength=strength):
            alone = read(lm, TEXTS, keep=True)
        for one, other in zip(losses[row], alone.loss, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        parts = [
            torch.nn.functional.kl_div(after, p, log_target=True, reduction="sum")
            for after, p in zip(alone.log_probabilities, before.log_probabilities, strict=True)
        ]
        tokens = sum(len(loss) for loss in before.loss)
        assert divergence[row] == pytest.approx(float(sum(parts)) / tokens, rel=1e-3, abs=1e-6)
    assert divergence[1] == pytest.approx(0, abs=1e-6)
    assert min(divergence[0], divergence[2]) > 1e-4


def test_scores_of_tokens_are_those_of_single_passes(any_lm: Any) -> None:
    vector = iw.control_vector(any_lm, *PAIRS)
    for text, scores in zip(TEXTS, token_scores(any_lm, vector, TEXTS, layer=2), strict=True):
        ids = torch.as_tensor(any_lm.encode(text).ids)[None]
        with torch.no_grad():
            # The state after the last layer is what the final norm gets; transformers lists it only normed.
            caught: list[torch.Tensor] = []
            handle = any_lm.architecture.layers[2].register_forward_hook(
                lambda module, inputs, output: caught.append(output[0] if isinstance(output, tuple) else output)  # noqa: B023  # called at once
            )
            any_lm.model(input_ids=ids)
            handle.remove()
        states = caught[0][0].double().numpy()
        expected = (states @ vector.directions[2] - vector.middle[2]) / vector.half_gap[2]
        np.testing.assert_allclose(scores[1:], expected[1:], rtol=1e-3, atol=1e-4)
        assert scores[0] == 0


def test_the_fitting_pairs_have_mean_scores_of_plus_and_minus_one(lm: Any, vector: Any) -> None:
    for prompts, mean in zip(PAIRS, (1.0, -1.0), strict=True):
        last = [scores[-1] for scores in token_scores(lm, vector, prompts, layer=1)]
        assert np.mean(last) == pytest.approx(mean, abs=1e-3)


def test_concepts(lm: Any, vector: Any) -> None:
    texts = ["I love this wonderful place", "I hate this horrible place", ""]
    glad, sad, none = concept_of("sentiment", lm, vector)(texts)
    assert glad > 0.5 > -0.5 > sad
    assert none == 0
    assert list(concept_of("length", lm, vector)(texts)) == [5, 5, 0]
    plain, lofty, nothing = concept_of("formality", lm, vector)(
        ["We ate. It was fun. We go.", "The aforementioned documentation necessitates considerable deliberation.", ""]
    )
    assert plain < lofty
    assert nothing == 0
    projection = np.asarray(concept_of("projection", lm, vector)(texts))
    assert np.array_equal(concept_of("probe", lm, vector)(texts), projection > 0)
    assert concept_of(len, lm, vector) is len  # type: ignore[arg-type, comparison-overlap]  # any function will do


@pytest.mark.parametrize("concept", ["projection", "probe"])
def test_a_vector_made_of_others_cannot_read(lm: Any, vector: Any, concept: str) -> None:
    with pytest.raises(ArgumentError, match=f"concept='{concept}' needs a vector fitted to pairs"):
        concept_of(concept, lm, vector + vector)


def test_an_unknown_concept_names_those_there_are(lm: Any, vector: Any) -> None:
    with pytest.raises(ArgumentError, match=r"concept='sentimant': one of .* Did you mean 'sentiment'"):
        concept_of("sentimant", lm, vector)
