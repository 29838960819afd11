"""The second moment of keys against the plain sum over all tokens."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import interp_widgets as iw
from interp_widgets.editing.keys_values import statistics
from interp_widgets.editing.keys_values.statistics import KeyStatistics, estimate_key_statistics, key_statistics
from interp_widgets.errors import ArgumentError, Cancelled, NonFiniteError, OutOfRangeError
from tests.tiny import CORPUS, make_lm


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "cache_dir", lambda: tmp_path / "cache")


def keys_of(lm: Any, layer: int, text: str) -> Any:
    """(tokens, keys), float64, with a hook of torch."""
    kept: list[torch.Tensor] = []
    handle = lm.architecture.down_projection(layer).register_forward_pre_hook(
        lambda module, inputs: kept.append(inputs[0][0].double())
    )
    with torch.no_grad():
        lm.model(input_ids=torch.as_tensor(lm.encode(text).ids)[None])
    handle.remove()
    return kept[0].numpy()


@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_it_is_the_mean_of_outer_products(any_lm: Any, batch_size: int | None) -> None:
    found = key_statistics(any_lm, 1, CORPUS, batch_size=batch_size)
    keys = np.concatenate([keys_of(any_lm, 1, text) for text in CORPUS])
    assert found.tokens == len(keys)
    np.testing.assert_allclose(found.moment, keys.T @ keys / len(keys), rtol=2e-5, atol=1e-7)
    assert found.rank == min(np.linalg.matrix_rank(keys), found.moment.shape[0])


def test_it_is_kept_by_model_layer_and_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = make_lm("llama")
    first = key_statistics(lm, 1, CORPUS)
    other_layer, other_texts = key_statistics(lm, 2, CORPUS), key_statistics(lm, 1, CORPUS[:2])
    other_model = key_statistics(make_lm("llama", seed=1), 1, CORPUS)
    for other in (other_layer, other_texts, other_model):
        assert not np.allclose(first.moment, other.moment)
    monkeypatch.setattr(statistics, "in_batches", None)  # nothing may be computed now
    again = key_statistics(lm, 1, CORPUS)
    np.testing.assert_array_equal(again.moment, first.moment)
    assert (again.tokens, again.layer, again.corpus) == (first.tokens, first.layer, first.corpus)


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    lm = make_lm("llama")
    first = key_statistics(lm, 0, CORPUS)
    (file,) = (tmp_path / "cache" / "statistics").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    np.testing.assert_array_equal(key_statistics(lm, 0, CORPUS).moment, first.moment)


def test_interventions_do_not_take_part() -> None:
    lm = make_lm("gpt2")
    first = key_statistics(lm, 2, CORPUS)
    with lm.using(iw.Ablation(layer=0, site="mlp_out")):
        again = key_statistics(lm, 2, CORPUS, refit=True)
    np.testing.assert_allclose(again.moment, first.moment, rtol=1e-6)


def test_few_tokens_are_said_to_be_few() -> None:
    lm = make_lm("llama")
    few = key_statistics(lm, 1, CORPUS[:1])
    assert few.rank == few.tokens < len(few.moment)
    assert few.condition == float("inf")
    assert f"rank {few.rank} of {len(few.moment)}" in repr(few)
    key = np.random.default_rng(0).normal(size=(len(few.moment), 1))
    solved = few.solve(key)
    np.testing.assert_allclose(few.regularised() @ solved, key, atol=1e-6)
    broken = KeyStatistics(-np.eye(3), 5, 0, "", "")
    with pytest.raises(NonFiniteError, match="cannot be inverted"):
        broken.solve(np.ones((3, 1)))


@pytest.mark.parametrize(
    ("layer", "texts", "told", "kind"),
    [
        (0, [], "texts is empty", ArgumentError),
        (0, "one text", "give a list", ArgumentError),
        (7, CORPUS, "layers 0 to 2", OutOfRangeError),
    ],
)
def test_bad_input_is_told(layer: int, texts: Any, told: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=told):
        key_statistics(make_lm("llama"), layer, texts)


def test_cancel_confirm_and_estimate(tmp_path: Path) -> None:
    lm = make_lm("llama")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        key_statistics(lm, 1, CORPUS, cancel=stop)
    with pytest.raises(Cancelled, match="not confirmed"):
        key_statistics(lm, 1, CORPUS, confirm=lambda cost: False)
    assert not (tmp_path / "cache" / "statistics").exists()
    cost = estimate_key_statistics(lm, 1, CORPUS)
    assert cost.forward_passes == len(CORPUS)
    assert cost.seconds > 0
