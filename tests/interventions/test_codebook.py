"""A codebook answers inside its balls, and leaves everything else to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.interventions.codebook import Codebook
from interp_widgets.models.architectures import Site
from interp_widgets.models.generation_batch import generate_batch
from tests.tiny import make_lm

LAYER = 1
TEXT = "The capital of Australia is"


def seen(lm: Any, text: str = TEXT) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values of the layer, (tokens, ...)."""
    sites = [Site("mlp_key", LAYER), Site("mlp_value", LAYER)]
    with torch.no_grad(), lm.run(capture=sites) as run:
        lm.hidden(torch.as_tensor(lm.encode(text).ids)[None])
    return run.captured[sites[0]][0], run.captured[sites[1]][0]


def test_it_answers_within_its_ball_and_nowhere_else(any_lm: Any) -> None:
    keys, values = seen(any_lm)
    width = any_lm.architecture.width
    value = torch.arange(width, dtype=torch.float32) / width
    others = torch.cdist(keys[-1:], keys[:-1]).min()
    book = Codebook(keys[-1:], value[None], [float(others) / 2], layer=LAYER)
    with any_lm.using(book):
        _, found = seen(any_lm)
    torch.testing.assert_close(found[-1], value)
    assert torch.equal(found[:-1], values[:-1])
    far = Codebook(keys[-1:] + others, value[None], [float(others) / 4], layer=LAYER)
    ids = torch.as_tensor(any_lm.encode(TEXT).ids)[None]
    plain = any_lm.next_logits(ids)
    with any_lm.using(far):
        assert torch.equal(any_lm.next_logits(ids), plain)


def test_the_nearest_entry_decides() -> None:
    lm = make_lm("llama")
    keys, values = seen(lm)
    book = Codebook(
        torch.stack([keys[-1] + 0.01, keys[-1] + 0.02]), torch.stack([values[0], values[1]]), [0.0, 100.0], layer=LAYER
    )
    with lm.using(book):
        _, found = seen(lm)
    # The nearest one's ball is too small, so it does not answer, though the other's would reach.
    assert torch.equal(found[-1], values[-1])


def test_generation_is_the_same_with_and_without_a_cache() -> None:
    lm = make_lm("llama")
    keys, _ = seen(lm)
    values = torch.randn(len(keys), 32, generator=torch.Generator().manual_seed(0))
    book = Codebook(keys, 9 * values, [1.0] * len(keys), layer=LAYER)
    start = lm.encode(TEXT).ids.tolist()
    with lm.using(book):
        ids = list(start)
        for _ in range(4):
            ids.append(int(lm.next_logits(torch.tensor([ids])).argmax()))
        (cached,) = generate_batch(lm, [TEXT], max_new_tokens=4).ids
    assert cached == tuple(ids[len(start) :])
    (plain,) = generate_batch(lm, [TEXT], max_new_tokens=4).ids
    assert plain != cached


def test_which_tokens_ask() -> None:
    lm = make_lm("llama")
    keys, values = seen(lm)
    asked = {"all": [True] * len(keys), "last": [False] * (len(keys) - 1) + [True], "generated": [False] * len(keys)}
    for positions, hit in asked.items():
        book = Codebook(keys, values + 1, [0.1] * len(keys), layer=LAYER, positions=positions)
        with lm.using(book):
            _, found = seen(lm)
        assert (found != values).any(-1).tolist() == hit


def test_it_is_saved_and_found_again(tmp_path: Any) -> None:
    lm = make_lm("gpt2")
    keys, values = seen(lm)
    lm.ledger.add(Codebook(keys, values + 1, np.ones(len(keys)), layer=LAYER, positions=[-1]), name="book")
    ids = torch.as_tensor(lm.encode(TEXT).ids)[None]
    edited = lm.next_logits(ids)
    lm.ledger.save(tmp_path / "book.safetensors")
    lm.ledger.clear()
    lm.ledger.load(tmp_path / "book.safetensors")
    assert torch.equal(lm.next_logits(ids), edited)
    assert lm.ledger["book"].document() == {"layer": LAYER, "positions": [-1]}


def test_bad_input_is_named() -> None:
    lm = make_lm("llama")
    width, keys = lm.architecture.weight_shape(LAYER)
    with pytest.raises(ArgumentError, match="radii: the smallest is -1"):
        Codebook(np.zeros((1, keys)), np.zeros((1, width)), [-1.0], layer=0)
    with pytest.raises(ArgumentError, match="values"):
        Codebook(np.zeros((2, keys)), np.zeros((1, width)), [1.0, 1.0], layer=0)
    with pytest.raises(ArgumentError, match="this model has keys of 48 and values of 32"):
        lm.ledger.add(Codebook(np.zeros((1, 5)), np.zeros((1, width)), [1.0], layer=0))
    with pytest.raises(OutOfRangeError):
        lm.ledger.add(Codebook(np.zeros((1, keys)), np.zeros((1, width)), [1.0], layer=7))
