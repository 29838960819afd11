"""Results are frozen, and what is saved comes back the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from interp_widgets import storage
from interp_widgets.attribution.result import AttributionResult
from interp_widgets.errors import FileFormatError
from interp_widgets.results.base import Result, load_result
from tests.builders import make_chat_result, make_emoji_result, make_result


def same(a: AttributionResult, b: AttributionResult) -> bool:
    for field in dataclasses.fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray):
            if x.dtype != y.dtype or not np.array_equal(x, y):
                return False
        elif x != y:
            return False
    return True


@pytest.mark.parametrize("make", [make_result, make_chat_result, make_emoji_result])
def test_round_trip(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # three builders of one kind
    result = make()
    path = result.save(tmp_path / "result.safetensors")
    for load in (AttributionResult.load, Result.load, load_result):
        loaded = load(path)
        assert isinstance(loaded, AttributionResult)
        assert same(result, loaded)


def test_a_loaded_result_draws_the_same_picture(tmp_path: Path) -> None:
    result = make_chat_result()
    loaded = AttributionResult.load(result.save(tmp_path / "r"))
    assert loaded._repr_mimebundle_() == result._repr_mimebundle_()


def test_results_are_frozen() -> None:
    scores = np.ones(5)
    result = make_result(scores=scores)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.scores = scores  # type: ignore[misc]  # that it cannot be set is the point
    for array in (result.scores, result.spans, result.token_ids):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    scores[0] = 7
    assert result.scores[0] == 1


def test_cost_is_read_from_the_provenance() -> None:
    assert (make_result().forward_passes, make_result().seconds) == (52, 0.91)


def test_other_files_are_refused(tmp_path: Path) -> None:
    foreign, other, cut, damaged = (tmp_path / name for name in ("foreign", "other", "cut", "damaged"))
    save_file({"x": np.zeros(2)}, foreign)
    storage.write_bundle(other, "ledger", 1, {}, {})
    cut.write_bytes(make_result().save(tmp_path / "whole").read_bytes()[:100])
    storage.write_bundle(damaged, "attribution result", 1, {"text": "x"}, {})
    for path, words in ((foreign, "nothing that this package saved"), (other, "a saved ledger"), (cut, "cut off")):
        with pytest.raises(FileFormatError, match=words):
            load_result(path)
    with pytest.raises(FileFormatError, match="damaged"):
        AttributionResult.load(damaged)
    with pytest.raises(FileNotFoundError):
        load_result(tmp_path / "missing")
