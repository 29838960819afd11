"""Generation with sources: each row is what leave-one-out says of that token, and nothing is lost on the way."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.errors import ArgumentError, Cancelled
from tests.tiny import make_lm

PROMPT = "The capital of Australia is"


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("llama")


def test_the_rows_are_those_of_leave_one_out(lm: Any) -> None:
    live = lm.stream(PROMPT, max_new_tokens=6, attribute="leave_one_out")
    steps = list(live)
    found = live.result(test=True)
    plain = iw.attribute(lm, PROMPT, iw.Continuation(tokens=6), method="leave_one_out")
    assert isinstance(plain, iw.MatrixResult)
    rows = min(len(plain.scores), len(found.scores))
    assert rows >= 5
    np.testing.assert_allclose(found.scores[:rows, : plain.scores.shape[1]], plain.scores[:rows], atol=1e-4)
    assert [step.id for step in steps] == found.token_ids[found.prompt_tokens :].tolist()
    assert found.complete
    assert "quality" in found.diagnostics


def test_each_row_alone(lm: Any) -> None:
    """The third token's sources, asked as a question of its own."""
    steps = list(lm.stream(PROMPT, max_new_tokens=3, attribute=True))
    ids = [*lm.encode(PROMPT).ids.tolist(), steps[0].id, steps[1].id]
    alone = iw.attribute(lm, ids, steps[2].id, method="leave_one_out", function="log-probability")
    np.testing.assert_allclose(steps[2].sources, alone.scores, atol=1e-4)


def test_the_text_is_that_of_the_plain_stream(lm: Any) -> None:
    for temperature in (0.0, 1.0):
        plain = [step.id for step in lm.stream(PROMPT, max_new_tokens=5, temperature=temperature, seed=3)]
        live = [
            step.id for step in lm.stream(PROMPT, max_new_tokens=5, temperature=temperature, seed=3, attribute=True)
        ]
        assert live == plain


def test_interventions_hold_in_every_row(lm: Any) -> None:
    with lm.using(iw.Ablation(layer=1, site="mlp_out")):
        steps = list(lm.stream(PROMPT, max_new_tokens=2, attribute="leave_one_out"))
        ids = [*lm.encode(PROMPT).ids.tolist(), steps[0].id]
        alone = iw.attribute(lm, ids, steps[1].id, method="leave_one_out")
    np.testing.assert_allclose(steps[1].sources, alone.scores, atol=1e-4)


def test_other_methods_answer_token_by_token(lm: Any) -> None:
    live = lm.stream(PROMPT, max_new_tokens=2, attribute="relevance")
    steps = list(live)
    assert [len(step.sources) for step in steps] == [len(lm.encode(PROMPT)), len(lm.encode(PROMPT)) + 1]
    assert live.result().method == "relevance"


def test_cancel_keeps_the_rows_so_far(lm: Any) -> None:
    flag = threading.Event()
    live = lm.stream(PROMPT, max_new_tokens=6, attribute=True, cancel=flag)
    next(live)
    flag.set()
    with pytest.raises(Cancelled):
        next(live)
    assert len(live.result().scores) == 1
    assert not live.result().complete


def test_partial_results_come_row_by_row(lm: Any) -> None:
    live = lm.stream(PROMPT, max_new_tokens=3, attribute=True)
    seen: list[int] = []
    done = live.run(threading.Event(), lambda *told: None, lambda result: seen.append(len(result.scores)))
    assert seen[: len(done.scores)] == list(range(1, len(done.scores) + 1))
    assert done.complete


def test_what_it_refuses(lm: Any) -> None:
    with pytest.raises(ArgumentError, match="nothing was generated"):
        lm.stream(PROMPT, attribute=True).result()
    with pytest.raises(ArgumentError, match="up to 128"):
        lm.stream(PROMPT * 20, max_new_tokens=30, attribute="leave_one_out")
    with pytest.raises(ArgumentError, match="method='leav_one_out'"):
        lm.stream(PROMPT, attribute="leav_one_out")
