"""The calibrated lens: the closed form against least squares by numpy, what it is worth, and its place in the cache."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled, FingerprintMismatchError
from interp_widgets.locate import calibration
from interp_widgets.locate.calibration_file import find
from interp_widgets.models import reference_text
from interp_widgets.models.architectures import Site
from tests.tiny import make_lm

WORDS = (
    *("the", "cat", "sat", "on", "a", "mat", "and", "looked", "at", "one", "big"),
    *("red", "dog", "that", "ran", "over", "green", "hills", "to", "find", "old", "bones"),
)
TEXTS = [
    " ".join(np.random.default_rng(i).permutation(WORDS)[: 6 + i % 7]) + "." for i in range(60)
]  # too few to fit well: what is tested is the arithmetic


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERP_WIDGETS_CACHE", str(tmp_path / "cache"))


def states_of(lm: Any, texts: list[str], layer: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Normed states after a layer and those that the head gets, one text at a time, first tokens left out."""
    x, y = [], []
    with torch.no_grad():
        for text in texts:
            with lm.run(capture=[Site("resid_post", layer)]) as run:
                last = lm.hidden(torch.as_tensor(lm.encode(text).ids)[None])[0]
                own = lm.architecture.final_norm(run.captured[Site("resid_post", layer)])[0]
            x.append(own[1:].double().numpy())
            y.append(last[1:].double().numpy())
    return np.concatenate(x), np.concatenate(y)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma3_text"])
def test_the_map_is_ridge_regression(family: str) -> None:
    lm = make_lm(family)
    found = iw.calibrate_lens(lm, TEXTS, ridge=0.01)
    fitting = [text for i, text in enumerate(TEXTS) if i % calibration.HELD_OUT]
    x, y = states_of(lm, fitting, 0)
    centred, aim = x - x.mean(0), y - y.mean(0)
    penalty = 0.01 * (centred**2).mean(0).mean()
    # As plain least squares with a row for each penalised number.
    rows = np.concatenate([centred, np.sqrt(penalty * len(x)) * np.eye(x.shape[1])])
    expected = np.linalg.lstsq(rows, np.concatenate([aim, np.zeros((x.shape[1], y.shape[1]))]), rcond=None)[0].T
    weight, bias = found.layer(0)
    np.testing.assert_allclose(weight, expected, atol=1e-3)
    np.testing.assert_allclose(bias, y.mean(0) - expected @ x.mean(0), atol=1e-3)
    assert found.tokens == len(x)


def test_what_is_measured_is_what_the_lens_says_on_held_out_text() -> None:
    lm = make_lm("llama")
    found = iw.calibrate_lens(lm, TEXTS, ridge=0.01)
    held = [text for i, text in enumerate(TEXTS) if i % calibration.HELD_OUT == 0]
    for lens, measured in ((False, found.plain), (found, found.calibrated)):
        read = [iw.logit_lens(lm, text, calibrated=lens, positions=range(1, len(lm.encode(text)))) for text in held]
        divergence = np.concatenate([one.divergence for one in read])
        right = np.concatenate([one.top_ids[..., 0] == one.top_ids[:, -1:, 0] for one in read])
        np.testing.assert_allclose(measured.divergence, divergence.mean(0), atol=1e-4)
        np.testing.assert_allclose(measured.agreement, right.mean(0), atol=1e-9)
        assert found.tested == len(divergence)
    assert (found.nothing.divergence == found.nothing.divergence[0]).all()
    assert found.calibrated.divergence[-1] == found.plain.divergence[-1] == pytest.approx(0, abs=1e-6)


def test_it_is_kept_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    first = iw.calibrate_lens(lm, TEXTS)
    monkeypatch.setattr(calibration, "_fit", lambda *_: pytest.fail("fitted again"))
    again = iw.calibrate_lens(lm, TEXTS)
    np.testing.assert_array_equal(again.layer(1)[0], first.layer(1)[0])
    assert (again.tokens, again.tested, again.seconds) == (first.tokens, first.tested, first.seconds)
    with pytest.raises(pytest.fail.Exception):
        iw.calibrate_lens(lm, TEXTS, ridge=0.5)
    with pytest.raises(pytest.fail.Exception):
        iw.calibrate_lens(lm, TEXTS[:-1])
    with pytest.raises(pytest.fail.Exception):
        iw.calibrate_lens(lm, TEXTS, refit=True)


def test_a_file_that_is_cut_off_is_fitted_anew() -> None:
    lm = make_lm("llama")
    path = iw.calibrate_lens(lm, TEXTS).path
    path.write_bytes(path.read_bytes()[:1000])
    assert find(path) is None
    assert iw.calibrate_lens(lm, TEXTS).layer(0)[0].shape == (32, 32)


def test_interventions_take_no_part_in_the_fit() -> None:
    lm = make_lm("llama")
    plain = iw.calibrate_lens(lm, TEXTS)
    with lm.using(iw.Ablation(layer=1, site="attn_out")):
        changed = iw.calibrate_lens(lm, TEXTS, refit=True)
        read = iw.logit_lens(lm, TEXTS[0], calibrated=changed)
    np.testing.assert_array_equal(changed.layer(0)[0], plain.layer(0)[0])
    np.testing.assert_array_equal(changed.plain.divergence, plain.plain.divergence)
    assert read.verdict.word != "trust"
    assert "fitted without these interventions" in " ".join(read.provenance.notes)


def test_groups_of_layers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("gpt2")
    whole = iw.calibrate_lens(lm, TEXTS)
    monkeypatch.setattr(calibration, "available_bytes", lambda device: 1)
    parts = iw.calibrate_lens(lm, TEXTS, refit=True)
    for layer in range(3):
        np.testing.assert_allclose(parts.layer(layer)[0], whole.layer(layer)[0], atol=1e-6)


def test_bad_input_and_cancel() -> None:
    lm, flag = make_lm("llama"), threading.Event()
    with pytest.raises(ArgumentError, match="texts has 3 texts; a lens is fitted on at least 20"):
        iw.calibrate_lens(lm, TEXTS[:3])
    with pytest.raises(ArgumentError, match="ridge=0"):
        iw.calibrate_lens(lm, TEXTS, ridge=0)
    with pytest.raises(Cancelled, match="not confirmed"):
        iw.calibrate_lens(lm, TEXTS, confirm=lambda cost: cost.forward_passes < 60)
    flag.set()
    with pytest.raises(Cancelled):
        iw.calibrate_lens(lm, TEXTS, cancel=flag)
    fitted = iw.calibrate_lens(lm, TEXTS)
    with pytest.raises(ArgumentError, match="its maps are from the state after a layer"):
        iw.logit_lens(lm, TEXTS[0], sites="mlp_out", calibrated=True)
    with pytest.raises(FingerprintMismatchError, match="other weights"):
        iw.logit_lens(make_lm("gpt2"), TEXTS[0], calibrated=fitted)
    assert iw.estimate(iw.calibrate_lens, lm, TEXTS).forward_passes == 60


def test_by_name_it_takes_the_reference_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """`calibrated=True` fits when it must, the estimate counts the fit, and the plain lens learns what it is worth."""
    monkeypatch.setattr(reference_text, "sentences", lambda: tuple(TEXTS))
    lm = make_lm("llama")
    assert iw.logit_lens(lm, TEXTS[0]).held_out is None
    before = iw.estimate(iw.logit_lens, lm, TEXTS[0], calibrated=True)
    assert before.forward_passes == 1 + len(TEXTS)
    read = iw.logit_lens(lm, TEXTS[0], calibrated=True)
    assert (read.lens, read.provenance.forward_passes) == ("calibrated", 1)
    assert iw.estimate(iw.logit_lens, lm, TEXTS[0], calibrated=True).forward_passes == 1
    plain = iw.logit_lens(lm, TEXTS[0])
    assert plain.held_out is not None
    assert read.held_out is not None
    assert plain.held_out.divergence != read.held_out.divergence


@pytest.mark.default_model
def test_on_the_default_model_it_reads_what_the_plain_lens_does_not(
    default_lm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a tenth of the reference text, which is enough to see it."""
    monkeypatch.setattr(calibration, "MEASURED", 40)
    texts = reference_text.sentences()[:100]
    found = iw.calibrate_lens(default_lm, texts, ridge=1.0)
    early = slice(0, 29)
    assert (found.calibrated.divergence[early] < found.plain.divergence[early]).all()
    assert (found.calibrated.agreement[:20] > found.plain.agreement[:20]).all()
    assert (found.calibrated.divergence < found.nothing.divergence).all()
    assert found.plain.divergence[5] > found.nothing.divergence[5]
