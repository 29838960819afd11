"""The forms of a faithfulness card: payload, script-free twin, text, file; and what is changed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interp_widgets.errors import ArgumentError, OutOfRangeError
from interp_widgets.faithfulness.by_hand import ask_after, change_of, known, text_after, tried_of, with_answer
from interp_widgets.faithfulness.html import answer_words, faithfulness_html, sentence_words, share_words
from interp_widgets.faithfulness.payload import MOST, faithfulness_payload, travelling
from interp_widgets.faithfulness.questions import question_set
from interp_widgets.faithfulness.result import FaithfulnessResult
from interp_widgets.faithfulness.words import text_of
from interp_widgets.results.base import Result
from tests.attribution.test_html import ATTRIBUTES, STYLES, TAGS, Page
from tests.builders import make_provenance
from tests.faithfulness.made_card import (
    SENTENCES,
    make_bare,
    make_choice,
    make_faithfulness,
    make_hostile,
    make_record,
)
from tests.faithfulness.planted import Planted, PlantedBackend, sums

FIXTURES = Path(__file__).parents[2] / "labextension/src/__tests__/fixtures"
MAKERS = [make_faithfulness, make_hostile, make_bare]
Make = Callable[[], FaithfulnessResult]


def test_the_fixture_of_the_view_is_current() -> None:
    assert json.loads((FIXTURES / "faithfulness.json").read_text("utf-8")) == faithfulness_payload(make_faithfulness())


def test_the_card_begins_with_a_reasoning_that_decides() -> None:
    payload = faithfulness_payload(make_faithfulness())
    assert payload["start"] == 1
    first = payload["questions"][1]
    assert first["told"] == "1 of 4 sentences necessary"
    assert [one["label"] for one in first["sentences"]] == ["+0.05", "+0.15", "+0.70", "+0.25"]
    assert [one["necessary"] for one in first["sentences"]] == [False, False, True, False]
    assert [one["states"] for one in first["sentences"]] == [None, None, None, "B"]
    assert [answer_words(first, cut) for cut in first["cuts"]] == ["A 0.50", "A 0.45", "A 0.80", "B 0.86", "B 0.85"]
    assert payload["questions"][0]["trouble"] == "Not tested: the model wrote no reasoning."
    assert payload["questions"][0]["at_once"]["none"] == "0.50"
    assert payload["failures"]["some"]
    assert payload["cues"][0]["followed_label"] == "2 of 2"
    assert payload["cues"][0]["admitted_label"] == "1 of 2"


def test_what_was_not_measured_is_not_shown_as_nothing() -> None:
    payload = faithfulness_payload(make_bare())
    (question,) = payload["questions"]
    assert question["cuts"][:4] == [None] * 4
    assert {(one["necessity"], one["label"], one["without"]) for one in question["sentences"]} == {(None, "", None)}
    assert question["told"] == "4 sentences"
    assert "necessary" not in text_of(payload).partition("Area")[0]


@pytest.mark.parametrize("make", MAKERS)
def test_the_twin_has_the_numbers_of_the_payload(make: Make) -> None:
    payload = faithfulness_payload(make())
    page = Page(faithfulness_html(payload))
    question = payload["questions"][payload["start"]]
    for i, one in enumerate(question["sentences"]):
        row = [
            str(i + 1), one["text"], one["label"], "", sentence_words(one), answer_words(question, one["without"]),
            answer_words(question, question["cuts"][i]),
        ]  # fmt: skip
        assert row in page.rows
    for i, one in enumerate(question["options"]):
        name = f"({one['letter']}) {one['text']}{' (right)' if one['right'] else ''}"
        assert [name, question["at_once"]["labels"][i], question["cuts"][-1]["labels"][i]] in page.rows
    for table in payload["tables"]:
        for row in table["rows"]:
            assert row in page.rows
    for curve in payload["curves"]:
        for point in curve["points"]:
            assert [curve["name"], share_words(point["share"]), point["label"]] in page.rows
    for text in (payload["verdict"]["sentence"], *payload["remarks"]):
        assert text in page.text


@pytest.mark.parametrize("make", MAKERS)
def test_an_untrusted_notebook_keeps_all_of_it(make: Make) -> None:
    page = Page(faithfulness_html(faithfulness_payload(make())))
    assert set(page.tags) <= TAGS
    assert page.attributes <= ATTRIBUTES
    for style in page.styles:
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            assert re.fullmatch(STYLES[name], value), declaration


@pytest.mark.parametrize("make", MAKERS)
def test_text_and_file(make: Make, tmp_path: Path) -> None:
    result = make()
    payload = faithfulness_payload(result)
    assert str(result) == text_of(payload)
    assert str(result).splitlines()[0].endswith(result.verdict.sentence.split("\u2028")[0])
    result.save(tmp_path / "a.safetensors")
    assert faithfulness_payload(Result.load(tmp_path / "a.safetensors")) == payload  # type: ignore[arg-type]
    assert json.loads(json.dumps(payload)) == payload


def test_of_many_questions_those_that_decide_travel() -> None:
    dull = make_record(steps=tuple(make_bare().records[0].steps[:1]))
    records = (dull, *(make_record() for _ in range(MOST // 4)))
    found = travelling(records)
    assert 0 not in found
    assert len(found) == MOST // 4
    payload = faithfulness_payload(make_faithfulness(records=records))
    assert payload["rest"].startswith(f"{MOST // 4} of {MOST // 4 + 1} questions are here")
    assert [one["number"] for one in payload["questions"]] == found


def test_the_call_that_makes_it_again() -> None:
    def code(**changes: Any) -> str:
        written: str = faithfulness_payload(make_faithfulness(**changes))["code"]
        return written

    assert code().startswith("# questions: the 2 that were asked\niw.cot_faithfulness(lm, questions, tests=[")
    assert "places=1" in code()
    three = tuple(make_record(question=one, cues=()) for one in question_set("logic")[:3])
    assert 'iw.faithfulness.question_set("logic")[:3]'.replace('"', "'") in code(records=three)
    assert "ServerBackend of small" in code(provenance={"fingerprint": "", "model": "small"})
    assert make_provenance().fingerprint


# By hand


def test_what_does_not_count_of_a_change_is_left_out() -> None:
    record = make_record()
    change = change_of(record, kept=3, struck=[3, 1, 1], rewritten={1: "gone", 3: "gone", 0: "  six \n eggs. "})
    assert (change.kept, change.struck, change.rewritten) == (3, (1,), ((0, "six eggs."),))
    assert text_after(record, change) == " six eggs." + SENTENCES[2]
    assert change_of(record, rewritten={0: "A pack holds 6 eggs."}) == change_of(record)
    assert text_after(record, change_of(record)) == record.reasoning


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"kept": 5}, OutOfRangeError, "has 4 sentences"),
        ({"struck": [4]}, OutOfRangeError, "sentences 0 to 3"),
        ({"rewritten": {-1: "x"}}, OutOfRangeError, "sentence -1"),
        ({"rewritten": {0: " "}}, ArgumentError, "strike it"),
    ],
)
def test_changes_that_cannot_be(given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        change_of(make_record(), **given)
    with pytest.raises(ArgumentError, match="no reasoning"):
        change_of(make_faithfulness().records[0])


def test_what_is_known_is_not_asked_again() -> None:
    result = make_faithfulness()
    record = result.records[1]
    assert known(record, change_of(record)) == record.full
    assert known(record, change_of(record, kept=2)) == record.readings[2].choice
    assert known(record, change_of(record, struck=[0, 1])) is None
    backend = PlantedBackend(Planted("reader"))
    assert ask_after(backend, result, 1, change_of(record, kept=2)) is result
    assert backend.model.calls == 0


def test_an_answer_by_hand_is_kept_and_counts_nowhere(tmp_path: Path) -> None:
    result = make_faithfulness()
    change = change_of(result.records[1], kept=3, struck=[0], rewritten={1: "Three packs hold 12 eggs."})
    more = with_answer(result, 1, change, make_choice(0.6, 0.3, 0.1))
    more.save(tmp_path / "more.safetensors")
    again = Result.load(tmp_path / "more.safetensors")
    assert isinstance(again, FaithfulnessResult)
    assert tried_of(again.records[1]) == [(change, make_choice(0.6, 0.3, 0.1))]
    assert known(again.records[1], change) == make_choice(0.6, 0.3, 0.1)
    assert faithfulness_payload(more)["questions"][1]["tried"] == [
        {
            "kept": 3,
            "struck": [0],
            "rewritten": [[1, "Three packs hold 12 eggs."]],
            "choice": {"labels": ["0.60", "0.30", "0.10"], "option": 0, "none": None, "samples": 0},
        }
    ]
    for name in ("aoc", "necessary", "accuracy", "parse_failures", "answers", "written_by"):
        assert getattr(again, name) == getattr(result, name)


def test_a_model_is_asked_about_the_change() -> None:
    from interp_widgets.faithfulness.api import cot_faithfulness

    backend = PlantedBackend(Planted("reader"))
    result = cot_faithfulness(backend, sums(2), tests=["early_answering"])
    record = result.records[0]
    right = record.full.option
    wrong = change_of(record, rewritten={3: "Adding 2 gives 34, because it is a sum."})
    more = ask_after(backend, result, 0, wrong)
    found = known(more.records[0], wrong)
    assert found is not None
    assert found.option != right  # this model answers with the last number that it reads
    assert found.option == record.question.options.index("34")
