"""Directions here against those of steering-vectors for the same pairs; its mean is not scaled to unit length."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from tests.tiny import FAMILIES, make_lm

theirs: Any = pytest.importorskip(
    "steering_vectors", reason="steering-vectors is not installed: make peers", exc_type=ImportError
)

pytestmark = pytest.mark.peers

TOPICS = ("the train", "a long day", "my neighbour", "the film", "rain", "our garden", "the office", "lunch", "them")
GLAD = [f"I am delighted about {topic} and" for topic in TOPICS]
SAD = [f"I am upset about {topic} and" for topic in TOPICS]
AGGREGATORS = {"mean": "mean_aggregator", "pca_uncentred": "pca_aggregator"}


def compared(lm: Any, method: str) -> list[float]:
    tokenizer = copy.deepcopy(lm.tokenizer)  # it sets a padding token on what it gets
    aggregator = getattr(theirs, AGGREGATORS[method])()
    pairs = list(zip(GLAD, SAD, strict=True))
    other = theirs.train_steering_vector(lm.model, tokenizer, pairs, aggregator=aggregator, batch_size=4)
    mine = iw.control_vector(lm, GLAD, SAD, method).directions
    assert sorted(other.layer_activations) == sorted(mine)
    rows = {layer: row.double().numpy() for layer, row in other.layer_activations.items()}
    return [float(mine[layer] @ rows[layer] / np.linalg.norm(rows[layer])) for layer in mine]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", sorted(AGGREGATORS))
def test_the_same_directions_at_every_layer(family: str, method: str) -> None:
    assert min(compared(make_lm(family), method)) > 0.9999


@pytest.mark.default_model
@pytest.mark.parametrize("method", sorted(AGGREGATORS))
def test_the_same_directions_on_the_default_model(default_lm: Any, method: str, record_property: Any) -> None:
    found = compared(default_lm, method)
    record_property("least cosine", min(found))
    print(f"{method} and {AGGREGATORS[method]}, {len(found)} layers: cosine at least {min(found):.6f}")
    assert min(found) > 0.999
