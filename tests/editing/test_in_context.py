"""The fact in the prompt: judged like an edit, and no part of a ledger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import interp_widgets as iw
from interp_widgets.editing.editors.in_context import InContext
from interp_widgets.editing.evaluating.evaluation import estimate_evaluate_edit
from interp_widgets.errors import ArgumentError
from interp_widgets.models.answers import score_answers
from tests.editing.test_evaluation import FACTS
from tests.tiny import make_lm


def test_the_facts_stand_ahead() -> None:
    told = InContext(FACTS)
    assert told.before("He lives in") == (
        "New fact: The capital of Australia is Canberra. New fact: The Eiffel Tower is located in the room. He lives in"
    )
    alone = InContext(FACTS[0])  # type: ignore[arg-type]  # one fact need not be in a list, as in iw.edit
    assert (told.name, alone.name) == ("in context, 2 facts", "in context, Australia: ·Canberra")
    assert InContext(FACTS[:1], mark="").told == "The capital of Australia is Canberra. "


def test_it_is_judged_like_an_edit_and_changes_nothing() -> None:
    lm = make_lm("llama")
    state = lm.state_hash()
    told = InContext(FACTS)
    found = iw.evaluate_edit(lm, told)
    assert (found.edit, found.method, found.subjects) == (told.name, "in context", ("Australia", "The Eiffel Tower"))
    plain = score_answers(lm, list(zip(found.prompts, found.wanted, strict=True)))
    ahead = score_answers(
        lm, [(told.before(prompt), wanted) for prompt, wanted in zip(found.prompts, found.wanted, strict=True)]
    )
    np.testing.assert_allclose(found.before[:, 0], plain.mean, atol=1e-5)
    np.testing.assert_allclose(found.after[:, 0], ahead.mean, atol=1e-5)
    assert not np.allclose(found.after, found.before, equal_nan=True)
    assert found.perplexity is not None
    assert found.perplexity[0] != pytest.approx(found.perplexity[1], rel=1e-6)
    assert lm.state_hash() == state
    assert not lm.ledger
    assert estimate_evaluate_edit(lm, told).seconds > estimate_evaluate_edit(lm, InContext(FACTS[:1]), FACTS).seconds


@pytest.mark.parametrize("facts", [[], "Canberra", ["Canberra"]])
def test_bad_input_is_told(facts: Any) -> None:
    with pytest.raises(ArgumentError, match=r"give an iw\.Fact"):
        InContext(facts)


def test_it_has_no_place_in_a_ledger() -> None:
    lm = make_lm("llama")
    with pytest.raises(ArgumentError, match=r"told in the prompt, nothing is changed.*is not an intervention"):
        lm.ledger.add(InContext(FACTS))  # type: ignore[arg-type]  # what is tested
