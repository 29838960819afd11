"""Checks written for capitals and landmarks: of every kind, true, and none where nothing is known."""

from __future__ import annotations

import dataclasses
import json

import pytest

import interp_widgets as iw
from benchmarks.well_known_facts import LIST, candidates, well_known_facts
from interp_widgets.editing.evaluating.places import bare, places
from interp_widgets.editing.evaluating.ripple import (
    KINDS,
    capital_fact,
    kinds_of,
    landmark_fact,
    relation_of,
    ripple_of,
    with_checks,
)
from interp_widgets.errors import ArgumentError


def test_the_issues_own_case() -> None:
    plain = iw.Fact("The capital of {} is", subject="Australia", target=" Canberra", original=" Sydney")
    fact = with_checks(plain)
    assert ("The parliament of Australia sits in the city of", " Canberra", " Sydney") in fact.ripple
    assert ("The capital of the Commonwealth of Australia is", " Canberra", " Sydney") in fact.ripple
    assert ("Canberra is the capital city of", " Australia") in fact.ripple  # true before the edit too
    assert len(fact.paraphrases) >= 5
    assert len(set(fact.paraphrases)) == len(fact.paraphrases)
    assert ("Australia is a country on the continent of", " Oceania") in fact.neighbours
    assert all("Australia" in prompt for prompt in fact.paraphrases)
    own = dataclasses.replace(plain, paraphrases=["Who rules Australia sits in"], ripple=[("He sits in", " Rome")])
    kept = with_checks(own)
    assert kept.paraphrases == ("Who rules Australia sits in",)
    assert kept.ripple == (("He sits in", " Rome"),)
    assert kept.neighbours


def test_every_kind_is_asked_and_nothing_follows_from_itself() -> None:
    facts = list(candidates())
    for fact in facts:
        rows = ripple_of(fact)
        kinds = {row[0] for row in rows}
        assert kinds >= {"alias", "composition", "reversed"}
        assert all(new.strip() and new != old for _, _, new, old in rows)
        assert len({row[1] for row in rows}) == len(rows)
        assert not any(prompt == fact.prompt for _, prompt, *_ in rows)
        assert not any(answer == fact.target for _, answer in fact.neighbour_answers())
        assert len(fact.neighbours) >= 5
    assert set(kinds_of(facts).values()) == set(KINDS)


def test_answers_are_those_of_the_table() -> None:
    fact = capital_fact("the Czech Republic", "Rome")
    assert fact.prompt == "The capital of the Czech Republic is"
    rows = {prompt: (new, old) for _, prompt, new, old in ripple_of(fact)}
    assert rows["Czechia has its capital in the city of"] == (" Rome", " Prague")
    assert rows["Rome is the capital city of"] == (" the Czech Republic", " Italy")
    river = "The river that flows through the capital of the Czech Republic is the"
    assert rows[river] == (" Tiber", " Vltava")
    tower = landmark_fact("the Eiffel Tower", "Vienna")
    rows = {prompt: (new, old) for _, prompt, new, old in ripple_of(tower)}
    assert rows["The people who live near the Eiffel Tower mostly speak"] == (" German", " French")
    assert rows["The Eiffel Tower stands in the country of"] == (" Austria", " France")
    # Somewhere in the same country, so what follows from the country is no ripple.
    at_home = landmark_fact("Big Ben", "London's East End")
    assert "Big Ben stands in the country of" not in {prompt for _, prompt, *_ in ripple_of(at_home)}


@pytest.mark.parametrize(
    ("template", "relation"),
    [
        ("The capital of {} is", "capital"),
        ("The capital city of the {} is called", "capital"),
        ("{}'s capital is", "capital"),
        ("The {} is located in", "city"),
        ("{} can be found in the city of", "city"),
        ("The official language of {} is", None),
        ("{} was born in", None),
    ],
)
def test_relations_are_known_by_their_words(template: str, relation: str | None) -> None:
    fact = iw.Fact(template, subject="Georgia", target=" Rome", original=" Tbilisi")
    assert relation_of(fact) == relation
    assert bool(ripple_of(fact)) == (relation is not None)
    if relation is None:
        with pytest.raises(ArgumentError, match="checks are written for capitals"):
            with_checks(fact)


def test_what_is_not_in_the_table_is_told() -> None:
    with pytest.raises(ArgumentError, match="country='Atlantis'"):
        capital_fact("Atlantis", "Rome")
    with pytest.raises(ArgumentError, match="landmark='The Big Hole'"):
        landmark_fact("The Big Hole", "Rome")
    unknown = iw.Fact("The capital of {} is", subject="Atlantis", target=" Rome", original=" Poseidonia")
    assert {kind for kind, *_ in ripple_of(unknown)} >= {"composition", "reversed"}
    assert "alias" not in {kind for kind, *_ in ripple_of(unknown)}


def test_the_table_agrees_with_itself() -> None:
    known = places()
    assert len({bare(one.name) for one in known.countries}) == len(known.countries)
    assert len({one.name for one in known.landmarks}) == len(known.landmarks)
    assert set(known.rivers) <= set(known.governed_from)
    assert all(len(known.sights(one.city)) >= 1 for one in known.landmarks)


def test_the_committed_list_is_what_the_script_makes() -> None:
    listed = well_known_facts()
    assert len(listed) >= 50
    made = {fact.prompt: fact for fact in candidates()}
    for fact in listed:
        assert fact == made[fact.prompt]
        assert len(fact.paraphrases) >= 5
        assert len(fact.ripple) >= 4
    assert len({json.dumps(line) for line in LIST.read_text("utf-8").splitlines()}) == len(listed)


@pytest.mark.default_model
def test_the_default_model_knows_the_listed_facts(default_lm: iw.LanguageModel) -> None:
    from interp_widgets.models.answers import score_answers

    assert score_answers(default_lm, [(fact.prompt, fact.original) for fact in well_known_facts()]).first.all()
