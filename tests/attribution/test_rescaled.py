"""Rescaled integrated gradients keep completeness everywhere; two-sided occlusion is what its formula says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.attribution.perturbation import random_tokens
from interp_widgets.attribution.rescaled import shared
from tests.tiny import FAMILIES, make_lm

PROMPT = "The capital of Australia is"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("baseline", ["zero", "eos", "mean"])
def test_completeness_holds_on_every_architecture(family: str, baseline: str) -> None:
    lm = make_lm(family)
    result = iw.attribute(lm, PROMPT, method="rescaled_gradients", baseline=baseline, steps=7)
    assert result.scores.sum() == pytest.approx(result.diagnostics["due"], abs=1e-4)
    assert result.diagnostics["completeness_error"] < 1e-2


def test_each_step_is_shared_by_size() -> None:
    steps = np.asarray([[1.0, -3.0], [0.0, 0.0], [2.0, 2.0]])
    found = shared(np.asarray([8.0, 1.0, -4.0]), steps)
    np.testing.assert_allclose(found, [8 / 4 + 0.5 - 2, 8 * 3 / 4 + 0.5 - 2])


def test_a_linear_function_of_one_sign_gives_plain_integrated_gradients() -> None:
    """Where the gradient is the same all along and no contribution is negative, sharing changes nothing."""
    contributions = np.tile([[0.5, 1.5, 2.0]], (4, 1)) / 4
    np.testing.assert_allclose(shared(contributions.sum(1), contributions), contributions.sum(0))


@pytest.mark.default_model
def test_the_default_model_keeps_the_promise(default_lm: Any) -> None:
    """Where the textbook's integral is off by a factor."""
    plain = iw.attribute(default_lm, PROMPT, " Canberra", method="integrated_gradients", steps=20)
    mended = iw.attribute(default_lm, PROMPT, " Canberra", method="rescaled_gradients", steps=20)
    assert plain.diagnostics["completeness_error"] > 0.2
    assert mended.diagnostics["completeness_error"] < 1e-3
    assert mended.diagnostics["due"] == pytest.approx(plain.diagnostics["due"], rel=1e-3)


def test_coming_alone_is_measured_with_random_tokens() -> None:
    """The second term from the model itself: one token of the prompt among the random ones, and none of them."""
    lm = make_lm("llama")
    ids = lm.encode(PROMPT).ids
    target = int(lm.next_logits(torch.as_tensor(ids)[None])[0].argmax())
    others = random_tokens(lm, len(ids), 4 * 1009)
    rows = np.tile(others, (len(ids) + 1, 1))
    rows[np.arange(len(ids)), np.arange(len(ids))] = ids
    answers = lm.next_logits(torch.as_tensor(rows)).log_softmax(-1)[:, target].double().numpy()
    result = iw.attribute(lm, PROMPT, target, method="two_sided_occlusion", seed=4)
    leaving = [
        iw.attribute(lm, PROMPT, target, method="leave_one_out", delete=way, seed=4).scores for way in ("eos", "random")
    ]
    np.testing.assert_allclose(result.scores - np.mean(leaving, axis=0), answers[:-1] - answers[-1], atol=1e-4)
