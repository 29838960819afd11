"""The layer to edit: traced once for a model, and what is done where a model knows too little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interp_widgets.editing.keys_values import where
from interp_widgets.editing.keys_values.where import editing_layer, late_layer, traced_range
from interp_widgets.editing.published import MODELS, published, published_for
from interp_widgets.editing.registry import editing_methods, editor_of
from tests.tiny import make_lm


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "cache_dir", lambda: tmp_path / "cache")


def test_a_model_that_knows_no_fact_is_edited_a_sixth_of_the_way_up() -> None:
    lm = make_lm("llama", num_hidden_layers=12)
    found = editing_layer(lm)
    assert (found.layer, found.facts) == (2, 0)
    assert traced_range(lm) == (0, 1, 2, 3, 4)
    assert late_layer(lm) == (9,)
    assert traced_range(make_lm("llama")) == (0, 1, 2)


@pytest.mark.default_model
def test_known_facts_are_traced_once(default_lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "FACTS", 3)
    monkeypatch.setattr(where, "FEWEST", 3)
    lm = default_lm
    found = editing_layer(lm)
    assert found.facts == 3
    assert found.effects.shape == found.layers.shape == (30,)
    assert found.layer == found.layers[found.effects.argmax()]
    # Restored early at the subject's last token, MLP outputs bring the answer back; late ones do not.
    assert found.layer < 10
    assert found.effects[:6].mean() > 5 * abs(found.effects[20:].mean())
    monkeypatch.setattr("interp_widgets.locate.tracing.causal_trace", None)  # the second time nothing is traced
    again = editing_layer(lm)
    np.testing.assert_array_equal(again.effects, found.effects)
    assert (again.layer, again.facts) == (found.layer, 3)


def test_published_settings_fit_their_editors() -> None:
    known = 0
    for name in MODELS:
        for one in editing_methods():
            found = published_for(name, one["name"])
            if found is None:
                continue
            known += 1
            assert isinstance(found.settings, editor_of(one["name"]).settings)
            assert all(layer < MODELS[name][1] for layer in found.layers)
            assert len(found.layers) <= 1 or editor_of(one["name"]).several
    assert known >= 15
    xl = published_for("gpt2-xl", "rome")
    assert xl is not None
    assert (xl.layers, xl.settings.value.clamp, xl.settings.value.decay) == ((17,), 4.0, 0.5)


def test_a_model_is_known_by_its_sizes() -> None:
    assert published(make_lm("gpt2"), "rome") is None
    small = make_lm("gpt2", n_layer=12, n_embd=768, n_head=12)
    assert published(small, "rome") == published_for("gpt2", "rome")
    assert published(small, "memit") is None
    found = published(make_lm("llama"), "memit")
    assert found is not None
    assert found.layers == ()  # of another size: the layers are traced, the settings are those of its kind
    assert found.settings.value.decay == 1e-3
