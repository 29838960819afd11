"""The model's own text: sampled once, the same again, and long enough for key statistics."""

from __future__ import annotations

from pathlib import Path

import pytest

from interp_widgets.editing.keys_values import samples, statistics
from interp_widgets.editing.keys_values.samples import own_samples
from interp_widgets.editing.keys_values.statistics import key_statistics
from interp_widgets.errors import ArgumentError
from interp_widgets.models.generation_batch import generate_batch
from tests.tiny import make_lm


def test_texts_are_written_once_and_make_statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (samples, statistics):
        monkeypatch.setattr(module, "cache_dir", lambda: tmp_path)
    lm = make_lm("llama")
    told: list[tuple[int, int]] = []
    texts = own_samples(lm, tokens=3000, progress=lambda done, total, text: told.append((done, total)))
    assert told[-1] == (3000, 3000)
    assert len(set(texts)) > 0.9 * len(texts)
    found = key_statistics(lm, 1, texts)
    assert found.rank == 48
    monkeypatch.setattr(samples, "generate_batch", None)  # the second time nothing is written
    assert own_samples(lm, tokens=3000) == texts
    monkeypatch.setattr(samples, "generate_batch", generate_batch)
    assert own_samples(lm, tokens=3000, seed=1) != texts
    with pytest.raises(ArgumentError, match="tokens=0"):
        own_samples(lm, tokens=0)
