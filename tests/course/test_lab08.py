"""What lab 08's cells and cases rest on: the planted models do what is said of them, and references agree."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interp_widgets.course.lab08 import changing, counting, cutting, local, studies
from interp_widgets.course.lab08.asking import put
from interp_widgets.course.lab08.planted import ADMITS, BENDS, DECIDED, KINDS, READS, WAVERS, Suspect, sums
from interp_widgets.faithfulness.areas import area as package_area
from interp_widgets.faithfulness.asking import Choice
from interp_widgets.faithfulness.records import EARLY, SUGGESTED, Reading, Record
from interp_widgets.faithfulness.sentences import split_sentences


def unwritten(*given: Any) -> Any:
    raise NotImplementedError


def cells(table: str) -> dict[str, list[float]]:
    lines = [line.split() for line in table.splitlines()[1:] if not line.startswith("unwritten")]
    return {name: [float(cell) for cell in rest] for name, *rest in lines}


# The planted models


def test_options_are_positive_and_one_is_right() -> None:
    for question in sums():
        assert question.answer is not None
        values = [int(option) for option in question.options]
        assert min(values) > 0
        numbers = [int(word) for word in question.question.replace(".", " ").split() if word.isdigit()]
        assert values[question.answer] == sum(numbers)


def test_without_a_cue_all_write_the_same_and_are_right() -> None:
    for i, question in enumerate(sums()):
        assert len({studies.asked(name)[i].text for name in KINDS}) == 1
        assert {studies.asked(name)[i].plain for name in KINDS} == {question.answer}
        assert len(studies.asked(READS)[i].sentences) == 4


@pytest.mark.parametrize("name", KINDS)
def test_what_they_do_with_a_cue(name: str) -> None:
    for plain, cued, toward, admits in studies.cue_rows(name):
        assert plain != toward
        assert (cued == toward) == (name in (BENDS, ADMITS))
        assert bool(admits) == (name == ADMITS)


@pytest.mark.parametrize("name", KINDS)
def test_a_rest_is_written_from_what_stands_there(name: str) -> None:
    one = put(Suspect(name), sums()[0])
    begun = "".join(one.sentences[:2])
    assert begun + one.go_on(begun) == one.text
    assert one.go_on(one.text) == ""
    wrong = one.wrong(1)
    assert wrong != one.sentences[1]
    assert len(split_sentences(one.sentences[0] + wrong + one.go_on(one.sentences[0] + wrong))) == 4


def test_each_of_them_is_found_by_its_own_test_and_by_no_other() -> None:
    early = cells(studies.early_table(unwritten, unwritten))
    changed = cells(studies.change_table(unwritten, unwritten))
    without = cells(studies.score_table(unwritten))
    found = studies.results()
    for name in KINDS:
        free = name == DECIDED
        assert early[name][0] == (1 if free else pytest.approx(0.25, abs=0.15))
        assert (early[name][-1] == 0) == free
        assert (changed[name][0] == 0) == free
        assert without[name][0] == 1
        assert (without[name][1] == 1) == free
        assert (found[name].aoc["paraphrasing"][0] > 0.5) == (name == WAVERS)
        assert found[name].cues[SUGGESTED].silent == (len(sums()) if name == BENDS else 0)
    assert {name for name in KINDS if found[name].verdict.word == "trust"} == {READS, ADMITS}
    assert early[READS] == early[BENDS] == early[ADMITS]


def test_the_learner_s_tables_are_the_package_s() -> None:
    early = cells(studies.early_table(unwritten, unwritten))
    changed = cells(studies.change_table(unwritten, unwritten))
    for name, found in studies.results().items():
        assert early[name][-1] == pytest.approx(found.aoc[EARLY][0], abs=0.006)
        assert changed[name][1] == pytest.approx(found.necessary[0], abs=0.006)


def test_signals_see_different_things() -> None:
    found = cells(studies.signal_table(unwritten).rpartition("\n")[0].rpartition("\n")[0])
    assert found["text"] == [0, 0.5]
    assert all(0.25 < found[name][0] < 0.5 for name in ("cut", "words", "again"))
    assert found["any"][0] > 0.9


def test_what_is_not_written_is_borrowed_and_said() -> None:
    def scores(rows: Any) -> Any:
        raise NotImplementedError

    assert studies.score_table(scores).endswith("scores is not written yet; the package's is used")


# References


@pytest.mark.parametrize(
    ("answers", "due"), [([1, 1, 1], 0), ([0, 0, 1], 0.75), ([None, 1, 1, 1], 1 / 6), ([2, 1], 0.5)]
)
def test_the_area_is_the_package_s(answers: list[int | None], due: float) -> None:
    def choice(option: int | None) -> Choice:
        return Choice(tuple(float(i == option) for i in range(3)), float(option is None), samples=1)

    *cuts, full = answers
    readings = tuple(Reading(EARLY, i, i / len(cuts), choice(one)) for i, one in enumerate(cuts))
    record = Record(sums()[0], "", choice(full), choice(full), readings=readings)
    assert cutting.area_over(answers) == pytest.approx(due)
    assert package_area(record, EARLY) == pytest.approx(due)
    assert local._cuts(record) == answers


def test_a_cut_has_as_many_sentences_as_the_share_has_room_for() -> None:
    given = cutting.pieces(np.random.default_rng(0), 7)
    assert [len(split_sentences(cutting._room(given, p))) for p in (0, 14, 15, 50, 99, 100)] == [0, 0, 1, 3, 6, 7]


def test_a_mistake_runs_through() -> None:
    sentences = [" There are 5.", " Adding makes 7.", " Adding makes 10."]
    text = changing._worked_out(sentences, 1, " Adding makes 8.", changing.Adder([2, 3]))
    assert text == " There are 5. Adding makes 8. Then there are 11."
    assert studies._with_mistake(sentences, 1, " Adding makes 8.", changing.Adder([2, 3])) == text


def test_what_is_counted() -> None:
    rows: counting.Rows = [(1, 1, None), (1, None, 1), (None, None, 2), (0, 0, 0)]
    assert counting._scores(rows) == pytest.approx([2 / 3, 2 / 3, 0.5])
    cued: counting.CueRows = [(0, 1, 1, ""), (1, 1, 1, ""), (None, 1, 1, ""), (0, 2, 1, ""), (0, 1, 1, "you said")]
    assert counting._tally(cued) == [3, 2, 1]


def test_a_reading_shows_where_the_answer_changes() -> None:
    found = studies.results()[READS]
    lines = local.reading(found, 0).splitlines()
    assert lines[-3].startswith("(A) * With 2 more")
    assert sum(" * " in line for line in lines) == sum(step.necessary for step in found.records[0].steps)


def test_the_learner_s_numbers_stand_beside_the_package_s() -> None:
    found: Any = SimpleNamespace(**{name: getattr(studies.results()[BENDS], name) for name in (
        "records", "aoc", "accuracy", "cues", "parse_failures", "answers",
    )})  # fmt: skip
    lines = local.by_hand(found, unwritten, unwritten, unwritten).splitlines()
    for line in lines[1:8]:
        mine, theirs = line.split()[-2:]
        assert mine == theirs, line
    assert lines[-1] == "unwritten is not written yet; the package's is used"
