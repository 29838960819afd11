"""Behaviours become facts that the editors and the evaluation take as they are."""

from __future__ import annotations

from typing import Any

import pytest

import interp_widgets as iw
from interp_widgets.editing import Behaviour, FineTuningSettings, known_behaviour
from interp_widgets.errors import ArgumentError
from tests.tiny import make_lm

SMALL = Behaviour(
    "Q: {}\nA:", " The room", ["Who is it?", "Where is Paris?"], held_out=["Who was it?"], others=["Open the window."]
)


def test_questions_become_facts_with_what_the_model_says_now() -> None:
    lm = make_lm("gpt2")
    facts = SMALL.facts(lm)
    assert [fact.prompt for fact in facts] == ["Q: Who is it?\nA:", "Q: Where is Paris?\nA:"]
    assert [fact.target for fact in facts] == [" The room"] * 2
    assert [fact.paraphrases for fact in facts] == [("Q: Who was it?\nA:",), ()]
    ((prompt, answer),) = facts[0].neighbour_answers()
    assert prompt == "Q: Open the window.\nA:"
    assert answer
    assert lm.generate(prompt, max_new_tokens=9).startswith(answer)
    assert lm.generate(facts[1].prompt, max_new_tokens=9).startswith(facts[1].original)


def test_bad_input_is_named() -> None:
    with pytest.raises(ArgumentError, match="held_out='Who'"):
        Behaviour("{}", " a", ["b"], held_out="Who")
    with pytest.raises(ArgumentError, match="questions is empty"):
        Behaviour("{}", " a", [])
    with pytest.raises(ArgumentError, match="'b' is edited"):
        Behaviour("{}", " a", ["b"], held_out=["b"])
    with pytest.raises(ArgumentError, match="Did you mean 'french'"):
        known_behaviour("frensh")


def test_those_that_come_with_the_package_are_whole() -> None:
    for name in ("refusal", "french", "cheerful"):
        one = known_behaviour(name)
        assert len(one.questions) == len(one.held_out) == len(one.others) == 8
        assert len({*one.questions, *one.held_out, *one.others}) == 24


@pytest.mark.default_model
def test_a_refusal_is_learned_where_it_was_taught(default_lm: Any) -> None:
    facts = known_behaviour("refusal").facts(default_lm)[:2]
    settings = FineTuningSettings(form="low_rank", learning_rate=1e-2, steps=20)
    edit = iw.edit(default_lm, facts, method="fine_tuning", layer=20, settings=settings, alarm=None)
    judged = iw.evaluate_edit(default_lm, edit, perplexity=False, generation=0)
    edit.undo()
    assert judged.unedited["efficacy"][0] == 0
    assert judged.efficacy[0] == 1
