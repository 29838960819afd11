"""The sources of each token of a continuation, and of a span as one number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"
TEXT = " Canberra, not Sydney"


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


def matrix(lm: Any, target: iw.Continuation, **settings: Any) -> iw.MatrixResult:
    found = iw.attribute(lm, PROMPT, target, **settings)
    assert isinstance(found, iw.MatrixResult)
    return found


def test_every_row_is_a_question_of_its_own(lm: Any) -> None:
    found = matrix(lm, iw.Continuation(text=TEXT))
    for position, row in zip(found.positions, found.scores, strict=True):
        alone = iw.attribute(
            lm, found.token_ids[:position].tolist(), int(found.token_ids[position]), method="leave_one_out"
        )
        np.testing.assert_allclose(row[:position], alone.scores, atol=1e-4)
        assert np.isnan(row[position:]).all()


@pytest.mark.parametrize("way", ["random", "mask"])
def test_other_ways_of_deleting(lm: Any, way: str) -> None:
    found = matrix(lm, iw.Continuation(text=TEXT, start=1, stop=3), delete=way)
    assert found.settings == {"delete": way}
    assert found.scores.shape == (2, len(found.tokens))
    assert np.isfinite(found.scores[0, : found.positions[0]]).all()


def test_methods_that_answer_row_by_row(lm: Any) -> None:
    found = matrix(lm, iw.Continuation(text=TEXT, stop=2), method="gradient_x_input")
    shorter = matrix(lm, iw.Continuation(text=TEXT, stop=1), method="gradient_x_input")
    assert found.forward_passes > shorter.forward_passes, "each row's own passes count"
    position = int(found.positions[1])
    alone = iw.attribute(
        lm, found.token_ids[:position].tolist(), int(found.token_ids[position]), method="gradient_x_input",
        function="log-probability",
    )  # fmt: skip
    np.testing.assert_allclose(found.scores[1, :position], alone.scores, atol=1e-6)


def test_the_span_as_one_number(lm: Any) -> None:
    """Its scores are the sums of the rows, because log-probabilities add up."""
    rows = matrix(lm, iw.Continuation(text=TEXT))
    one = iw.attribute(lm, PROMPT, iw.Continuation(text=TEXT, each=False), method="leave_one_out")
    assert isinstance(one, iw.AttributionResult)
    n = rows.prompt_tokens
    np.testing.assert_allclose(one.scores, rows.scores[:, :n].sum(0), atol=1e-4)


def test_what_the_model_says_itself(lm: Any) -> None:
    found = matrix(lm, iw.Continuation(tokens=4))
    steps = list(lm.stream(PROMPT, max_new_tokens=4))
    assert [said.id for said in found.said] == [step.id for step in steps][: len(found.said)]
    for said, step in zip(found.said, steps, strict=False):
        assert said.probability == pytest.approx(step.probability, rel=1e-4)
        assert said.entropy == pytest.approx(step.entropy, rel=1e-4)


def test_it_is_saved_and_shown(lm: Any, tmp_path: Path) -> None:
    found = matrix(lm, iw.Continuation(text=TEXT))
    again = iw.load_result(found.save(tmp_path / "matrix.safetensors"))
    assert isinstance(again, iw.MatrixResult)
    np.testing.assert_array_equal(again.scores, found.scores)
    assert again.said == found.said
    frame = found.to_frame()
    assert len(frame) == int(np.isfinite(found.scores).sum())


def test_what_it_refuses(lm: Any) -> None:
    with pytest.raises(ArgumentError, match="nothing of a continuation"):
        iw.attribute(lm, PROMPT, iw.Continuation(text=TEXT, start=90))
    with pytest.raises(ArgumentError, match="foil=' Sydney'"):
        iw.attribute(lm, PROMPT, iw.Continuation(text=TEXT), " Sydney")
