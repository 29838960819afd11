"""A causal trace as data: rows, sheets, what each cell says, the call that repeats it, limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.locate import trace_payload as module
from interp_widgets.locate.trace_payload import asked, trace_payload
from tests.locate.made import PIECES, make_trace

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def test_rows_are_positions_and_the_subject_is_marked() -> None:
    payload = trace_payload(make_trace())
    assert [row["name"] for row in payload["rows"]] == ["The", "·E", "iffel", "·Tower", "·is", "·in"]
    assert [row["mark"] for row in payload["rows"]] == [None, *["subject"] * 3, None, None]
    assert [row["position"] for row in payload["rows"]] == list(range(6))
    assert payload["columns"] == ["0", "1", "2", "3", "4", "5"]
    assert "".join(part["text"] for part in payload["title"]) == "Where is Eiffel Tower → ·Paris stored?"


def test_a_cell_is_its_effect_what_it_restores_and_the_interval() -> None:
    result = make_trace()
    payload = trace_payload(result)
    for kind, sheet in zip(result.kinds, payload["sheets"], strict=True):
        np.testing.assert_allclose(sheet["values"], result.effects_of(kind), rtol=6e-3, atol=1e-12)
    hidden = payload["sheets"][0]
    assert hidden["labels"][2] == ["+0.50", "+0.41", "+0.32", "+0.23", "+0.14", "+0.05"]
    assert hidden["reads"][2][0] == "0.52"  # 0.02 and 0.50
    cell = result.cell(2, 0)
    assert hidden["spreads"][2][0] == f"{cell.high - cell.effect:.2f}"
    assert (payload["clean"], payload["corrupted"], payload["samples"]) == ("0.70", "0.02", "3 samples")
    assert payload["scale"] == {"max": 0.6, "label": "0.60", "unit": "probability of ·Paris"}


def test_below_zero_has_a_sign_and_zero_has_none() -> None:
    labels = trace_payload(make_trace())["sheets"][0]["labels"]
    assert labels[5][0] == "−0.01"
    assert set(labels[0]) == {"0.00"}
    tiny = trace_payload(make_trace(restored=make_trace().corrupted[None, :, None, None] - np.full((2, 3, 6, 6), 1e-9)))
    assert tiny["sheets"][0]["values"][0][0] < 0


def test_next_tokens_are_places_in_one_list_of_words() -> None:
    payload = trace_payload(make_trace())
    after = payload["sheets"][0]["after"]
    assert [payload["words"][i] for i in after[2][0][::2]] == ["·Paris", "·London", "·the"]
    assert after[2][0][1::2] == ["0.50", "0.25", "< 0.0001"]
    assert after[0] == [None] * 6  # before the subject it is the corrupted run
    assert payload["tops"][0] == {"name": "clean", "items": [["·Paris", "0.70"], ["·London", "0.05"]]}


def test_kinds_that_were_not_traced_are_named() -> None:
    payload = trace_payload(make_trace(kinds=("mlp",)))
    assert [one["key"] for one in payload["missing"]] == ["hidden", "attn", "hidden_mlp_severed", "hidden_attn_severed"]
    assert payload["sheets"][0]["words"] == "MLP outputs in a window of 4 layers"


def test_a_single_sample_has_no_interval() -> None:
    assert trace_payload(make_trace(samples=1))["sheets"][0]["spreads"] is None


def test_the_call_traces_the_same_again() -> None:
    result = make_trace(kinds=("hidden",), provenance={"seed": 3})
    assert trace_payload(result)["code"] == (
        "iw.causal_trace(lm, 'The Eiffel Tower is in', subject='Eiffel Tower', kind='hidden', samples=3, window=4,"
        " seed=3)"
    )
    forced = trace_payload(make_trace(target="Paris", target_ids=np.array([9]), answer=" the"))["code"]
    assert forced.startswith("# The target 9 is 'Paris'.\n")
    assert "target=9, force=True" in forced
    some = make_trace(positions=np.array([2, 3]), layers=np.array([4, 5]), restored=np.zeros((2, 3, 2, 2)),
                      top_ids=np.full((2, 2, 2, 1), 11), top_probability=np.zeros((2, 2, 2, 1)))  # fmt: skip
    assert asked(some) == {"subject": "Eiffel Tower", "samples": 3, "window": 4, "positions": [2, 3], "layers": [4, 5]}


def test_of_a_subject_that_stands_there_twice_the_place_is_told() -> None:
    pieces = ("Rome", " is", " Rome", "!")
    result = make_trace(pieces=pieces, subject="Rome", subject_tokens=(2, 2))
    assert asked(result)["occurrence"] == 1
    assert asked(make_trace(pieces=pieces, subject="Rome", subject_tokens=(0, 0)))["occurrence"] == 0
    assert "occurrence" not in asked(make_trace())


def test_of_too_many_cells_the_subject_the_end_and_the_largest_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2 * 6 * 4)
    payload = trace_payload(make_trace())
    assert [row["name"] for row in payload["rows"]] == ["·E", "iffel", "·Tower", "·in"]
    assert payload["rest"] == (
        "The subject, the last token and the largest effects, 4 of 6 positions, are drawn; to_frame() holds all."
    )
    assert payload["sheets"][0]["labels"][3][5] == "+0.60"
    assert len(payload["sheets"][1]["reads"]) == 4


def test_a_picture_stays_small() -> None:
    pieces = (*PIECES, *[f" w{i}" for i in range(34)])
    payload = trace_payload(make_trace(pieces=pieces, kinds=("hidden", "mlp", "attn"), n_layers=30))
    assert len(json.dumps(payload)) < 300_000


def test_the_fixture_is_what_python_makes() -> None:
    file = FIXTURES / "trace.json"
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(trace_payload(make_trace())))
