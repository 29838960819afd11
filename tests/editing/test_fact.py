"""What a fact is, and what is none."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError

TEMPLATE = "The capital of {} is"


def test_a_fact_of_the_front_door() -> None:
    fact = Fact(
        TEMPLATE,
        subject="Australia",
        target=" Canberra",
        original=" Sydney",
        paraphrases=["Australia is governed from"],
        neighbours=["The largest city of Australia is", ("The capital of France is", " Paris")],
        ripple=[
            ["The parliament of Australia sits in", " Canberra", " Sydney"],  # type: ignore[list-item]  # as in JSON
            ("The lake in the middle of Australia's capital is Lake", " Burley"),
        ],
    )
    assert fact.prompt == "The capital of Australia is"
    start, end = fact.subject_span
    assert fact.prompt[start:end] == "Australia"
    assert fact.neighbour_answers() == (
        ("The largest city of Australia is", " Sydney"),
        ("The capital of France is", " Paris"),
    )
    assert fact.ripple_answers() == (
        ("The parliament of Australia sits in", " Canberra", " Sydney"),
        ("The lake in the middle of Australia's capital is Lake", " Burley", ""),
    )
    assert fact == Fact(**{**vars(fact), "template": TEMPLATE})
    assert {fact}
    assert Fact.from_json(json.loads(json.dumps(dataclasses.asdict(fact)))) == fact


def test_a_damaged_document_is_told() -> None:
    with pytest.raises(ArgumentError, match="no 'subject'"):
        Fact.from_json({"template": TEMPLATE, "target": " Canberra"})
    with pytest.raises(ArgumentError, match="a field 'answer'"):
        Fact.from_json({"template": TEMPLATE, "subject": "Australia", "target": " Canberra", "answer": ""})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"template": "The capital of Australia is"}, "0 places"),
        ({"template": "{} is {}"}, "2 places"),
        ({"template": " "}, "template=' '"),
        ({"subject": ""}, "subject=''"),
        ({"subject": "Australia "}, "leave out the spaces"),
        ({"target": ""}, "target=''"),
        ({"target": " Sydney", "original": " Sydney"}, "nothing to change"),
        ({"paraphrases": "Australia's capital is"}, "give a list"),
        ({"neighbours": ["The capital of France is"]}, "`original`"),
        ({"ripple": "The parliament sits in"}, "give a list"),
        ({"ripple": ["The parliament sits in"]}, "what followed from the original"),
        ({"ripple": [("The parliament sits in", "")]}, "what followed from the original"),
        ({"ripple": [("Australia is in", " Oceania", " Oceania")]}, "that is a neighbour"),
        ({"neighbours": [("The capital of France is", "")]}, "`original`"),
    ],
)
def test_bad_input_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        Fact(**{"template": TEMPLATE, "subject": "Australia", "target": " Canberra", **changes})


def test_records_of_counterfact(test_data: Path) -> None:
    lines = (test_data / "counterfact_dev.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        record = json.loads(line)
        fact = Fact.from_record(record)
        assert fact.target == " " + record["target_new"]
        assert all(answer == " " + record["target_true"] for _, answer in fact.neighbour_answers())
    with pytest.raises(ArgumentError, match="no field 'subject'"):
        Fact.from_record({"template": TEMPLATE})
