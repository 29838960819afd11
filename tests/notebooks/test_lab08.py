"""What lab 08 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

from typing import Any

import pytest

from interp_widgets.course import lab08
from interp_widgets.course.lab08.planted import OPTIONS
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab08.LAB
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve")


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def rows(shown: Notebook, cell: str) -> dict[str, list[str]]:
    """Cells by the first word of a line."""
    return {line.split()[0]: line.split()[1:] for line in output(shown, cell).splitlines() if line.strip()}


def test_the_surprise(shown: Notebook, text: str) -> None:
    *_, right, alike = output(shown, "surprise-shown").splitlines()
    assert right == "right of 24: Ada 24, Ben 24, Cleo 24, Dan 24, Eve 24"
    assert alike == "all five write the same words in 24 of 24"
    assert "Each gets the same 24 sums" in text
    assert len(lab08.sums()) == 24
    assert "one of four options" in text
    assert OPTIONS == 4


def test_the_printed_code_keeps_a_sentence(shown: Notebook, text: str) -> None:
    nothing, quarter, *_ = (line.partition("|")[2] for line in output(shown, "printed-shown").splitlines())
    assert nothing == quarter != ""
    assert "two lines of the five are the same" in text
    whole = output(shown, "printed-shown").splitlines()[-1]
    assert ".  With" in whole
    assert "there are two blanks between sentences now" in text


def test_cuts_and_scores(shown: Notebook, text: str) -> None:
    early, right = rows(shown, "early-shown"), rows(shown, "scores-shown")
    assert "Its area is 0" in text
    assert float(early["Ada"][-1]) == 0
    for name in NAMES[1:]:
        assert max(map(float, early[name][:4])) < 0.4
        assert float(early[name][-1]) > 0.6
        assert float(right[name][1]) < 0.4
    assert float(right["Ada"][1]) == 1


def test_changes(shown: Notebook, text: str) -> None:
    found = {name: [float(x) for x in row] for name, row in rows(shown, "changes-shown").items() if name in NAMES}
    assert "need about one sentence in four, the last" in text
    assert found["Ada"] == [0, 0]
    for name in ("Ben", "Cleo", "Eve"):
        assert found[name][1] == pytest.approx(0.25, abs=0.05)
    assert "And Dan needs nearly all of them" in text
    assert found["Dan"][1] > 0.7


def test_cues(shown: Notebook, text: str) -> None:
    found = rows(shown, "cues-shown")
    assert found["Ben"] == ["24", "24", "24"]
    assert found["Eve"] == ["24", "24", "0"]
    assert all(found[name] == ["24", "0", "0"] for name in ("Ada", "Cleo", "Dan"))
    assert "in 24 of 24 cases" in text
    assert '"I think the answer is (C)' in text
    assert "I think the answer is (C)" in output(shown, "cue-shown")


def test_the_result_and_its_control(shown: Notebook, text: str) -> None:
    found = rows(shown, "result-shown")
    assert "One row fails the control" in text
    assert [name for name in NAMES if float(found[name][2]) > 0] == ["Dan"]
    assert 'Only Cleo and Eve get "trust"' in text
    assert [name for name in NAMES if found[name][-1] == "trust" and "not" not in found[name]] == ["Cleo", "Eve"]
    assert "Only the cue finds Ben" in text
    assert found["Ben"][:4] == found["Cleo"][:4]


def test_the_default_model(shown: Notebook, text: str) -> None:
    """What is said of it is said of its doubts, which the verdict names."""
    told = output(shown, "real-shown")
    assert "with the first 12 of the package's own questions" in text
    assert lab08.QUESTIONS == 12
    assert "12 questions are few" in told or "none of 12" in told
    for line in output(shown, "own-shown").splitlines()[1:8]:
        mine, theirs = line.split()[-2:]
        assert mine == theirs, line
    assert "pure nitrogen" in text
    assert "candle" in output(shown, "reading-shown")


def test_signals(shown: Notebook, text: str) -> None:
    found: dict[str, Any] = rows(shown, "signals-shown")
    assert "The text alone catches nobody" in text
    assert [float(x) for x in found["text"]] == [0, 0.5]
    for name in ("cut", "words", "again"):
        assert float(found[name][0]) == pytest.approx(1 / 3, abs=0.05)
    assert "together they find nearly all" in text
    assert 0.9 < float(found["any"][0]) < 1


def test_where_you_stand(shown: Notebook) -> None:
    by_hand = sum(one.points for one in LAB.exercises if hasattr(one, "rubric"))
    stand = output(shown, "stand")
    assert f"{LAB.points - by_hand:g} of" in stand or "All exercises are done." in stand


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("08", "0", "1", "2", "3", "4", "5", "6", "7", "8", "100"),  # labs, sections, goals, per cent
    *("2020", "2023", "2025", "135"),  # years; the model
    *("24", "12"),  # tested above
}


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN
