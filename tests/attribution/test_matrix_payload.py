"""The matrix as data: rows by box, confidence, scales, partial pictures, and limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interp_widgets.attribution import matrix_payload as module
from interp_widgets.attribution.matrix import MatrixResult, Said
from interp_widgets.attribution.matrix_payload import matrix_payload
from interp_widgets.errors import NonFiniteError
from tests.builders import make_matrix, spans_of

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"


def emoji() -> MatrixResult:
    """ "Hi" and then a waving hand, of which three tokens are explained, and "!"."""
    tokens = ("Hi", " ⟨F0 9F⟩", "⟨91⟩", "⟨8B⟩", "!")
    scores = np.full((4, 5), np.nan)
    scores[0, 0], scores[1, :2], scores[2, :3] = 0.5, [0.25, 9.0], [0.125, 9.0, 9.0]
    scores[3, :4] = [-1.0, 0.5, 0.25, 0.25]
    said = tuple(Said(token, i, 0.5, 1.0 + i, "\n", 0.25) for i, token in enumerate(tokens[1:]))
    return make_matrix(
        text="Hi 👋!", tokens=tokens, token_ids=np.arange(5), prompt_tokens=1, positions=np.arange(1, 5), said=said,
        spans=np.array([[0, 2], [2, 4], [3, 4], [3, 4], [4, 5]]), scores=scores,
    )  # fmt: skip


def test_rows_hold_a_number_for_each_box_before_them() -> None:
    result = make_matrix()
    payload = matrix_payload(result)
    assert payload["prompt"] == 5
    assert [row["box"] for row in payload["rows"]] == [5, 6, 7, 8, 9]
    assert [len(row["scores"]) for row in payload["rows"]] == [5, 6, 7, 8, 9]
    for row, scores in zip(payload["rows"], result.scores, strict=True):
        np.testing.assert_allclose(row["scores"], scores[: row["box"]], rtol=6e-3)
    assert payload["rows"][0]["labels"] == ["+0.96", "+0.52", "−0.69", "−0.88", "+0.21"]
    assert payload["rows"][0]["scale"] == {"max": 0.964, "label": "0.96", "unit": "log-probability"}
    assert payload["scale"]["label"] == "5.00"


def test_what_the_model_thought_of_each() -> None:
    row = matrix_payload(make_matrix())["rows"][0]
    assert (row["probability"], row["label"], row["entropy"]) == (0.9, "0.90", "0.40 nats")
    assert row["runner"] == {"name": "·Sydney", "label": "0.10"}


def test_tokens_that_share_a_character_are_one_box_and_one_row() -> None:
    payload = matrix_payload(emoji())
    assert [box["name"] for box in payload["boxes"]] == ["Hi", "·👋", "!"]
    assert payload["boxes"][1]["parts"] == ["·⟨F0 9F⟩", "⟨91⟩", "⟨8B⟩"]
    hand, mark = payload["rows"]
    assert (hand["box"], hand["labels"]) == (1, ["+0.88"])  # what the hand's own bytes give each other is no source
    assert hand["probability"] == 0.125
    assert hand["entropy"] == "1.00 nats"
    assert hand["runner"]["name"] == "⏎"
    assert mark["labels"] == ["−1.00", "+1.00"]


def test_a_partial_result_says_so() -> None:
    payload = matrix_payload(make_matrix(rows=2))
    assert payload["complete"] is False
    assert payload["amount"] == "2 tokens explained; not all of them yet"
    assert matrix_payload(make_matrix())["amount"] == "5 tokens explained"
    assert matrix_payload(make_matrix(rows=0))["rows"] == []


def test_a_row_is_written_once_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    memo: module.Memo = {}
    first = matrix_payload(make_matrix(rows=2), memo)
    later = matrix_payload(make_matrix(), memo)
    assert [row is before for row, before in zip(later["rows"], first["rows"], strict=False)] == [True, True]
    assert later == matrix_payload(make_matrix())


def test_before_the_first_row_there_is_a_picture_that_waits() -> None:
    payload = matrix_payload(None)
    assert payload["title"] == matrix_payload(make_matrix())["title"]
    assert payload.keys() == matrix_payload(make_matrix()).keys()
    assert json.dumps(payload)


def test_of_a_long_text_the_first_rows_are_drawn_and_the_rest_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 12)
    payload = matrix_payload(make_matrix())
    assert len(payload["rows"]) == 2
    assert payload["rest"] == "The first 2 of 5 explained tokens are drawn; `result.scores` holds all."
    assert payload["amount"] == "5 tokens explained"


def test_it_stays_small() -> None:
    prompt, written = [f" w{i}" for i in range(400)], [f" g{i}" for i in range(100)]
    payload = matrix_payload(make_matrix(prompt_pieces=prompt, generated=written))
    assert sum(len(row["scores"]) for row in payload["rows"]) <= module.MOST
    assert len(json.dumps(payload, ensure_ascii=False).encode()) < 500_000


def test_the_call_that_made_it() -> None:
    result = make_matrix(provenance={"seed": 2})
    assert matrix_payload(result)["code"] == (
        "iw.attribute(lm, 'The capital of Australia is', iw.Continuation(text=' Canberra, of course.'), "
        "method='leave_one_out', delete='eos', seed=2)"
    )
    part = make_matrix(
        positions=np.array([6, 7]), said=result.said[1:3], scores=result.scores[1:3], settings={}, complete=True
    )
    assert "text=' Canberra, of course.', start=1, stop=3)" in matrix_payload(part)["code"]


def test_nan_has_no_picture() -> None:
    scores = make_matrix().scores.copy()
    scores[1, 0] = np.nan
    with pytest.raises(NonFiniteError):
        matrix_payload(make_matrix(scores=scores))


def test_the_view_is_tested_with_it() -> None:
    """The fixture of the browser side is what Python makes today."""
    held = json.loads((FIXTURES / "matrix.json").read_text("utf-8"))
    assert held == matrix_payload(make_matrix())


def test_spans_of_the_builder_cover_the_text() -> None:
    assert spans_of(["a", "bc"]).tolist() == [[0, 1], [1, 3]]
