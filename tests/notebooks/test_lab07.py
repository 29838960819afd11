"""What lab 07 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import re

import pytest

from interp_widgets.course import lab07
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab07.LAB


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def rows(shown: Notebook, cell: str) -> dict[str, list[float]]:
    """Numbers of each line by its first words."""
    found = {}
    for line in output(shown, cell).splitlines():
        parts = re.split(r"  +", line.strip())
        cells = [re.fullmatch(r"(-?[\d,]+\.?\d*)%?", one) for one in parts[1:]]
        if cells and all(cells):
            found[parts[0]] = [float(one[1].replace(",", "")) for one in cells if one]
    return found


def near(told: float, shown: float) -> bool:
    """Rounded to whole numbers, with room for another machine's rounding."""
    return abs(told - shown) < 1.0


def test_the_surprise(shown: Notebook, text: str) -> None:
    found = rows(shown, "surprise-shown")
    printed, fresh = found["scored as printed"], found["a fresh probe, on fresh sentences"]
    assert "77 % before, 50 % after" in text
    assert near(77, printed[0])
    assert near(50, printed[1])
    assert "right in 67 % before" in text
    assert "still right in 55 %" in text
    assert near(67, fresh[0])
    assert near(55, fresh[1])
    assert "8,164 to fit on" in output(shown, "surprise-shown")
    assert "All 8,164 do, fourteen for each dimension" in text


def test_shuffled_labels_are_learnt_by_heart(shown: Notebook, text: str) -> None:
    found = rows(shown, "scores-shown")
    assert 'finds "she or he" in 76 % of them, and in shuffled labels, where there is nothing, 60 %' in text
    assert near(76, found["she or he"][0])
    assert near(60, found["shuffled labels"][0])
    assert near(67, found["she or he"][1])
    assert abs(found["shuffled labels"][1] - 50) < 3


def test_by_hand_is_the_library_s(shown: Notebook) -> None:
    lines = output(shown, "library-shown").splitlines()
    assert lines[0] == "dimensions taken: 1.000; by the package 1"
    assert lines[1].endswith("True")
    assert lines[2].endswith("True")
    assert lines[3] == "all four functions are yours"


def test_the_controls_fail(shown: Notebook, text: str) -> None:
    found = rows(shown, "result-shown")
    for name in ("LEACE by hand", "LEACE, shrunk", "difference of means"):
        assert near(50, found[name][0])
        assert near(55, found[name][1])
    for name in ("random direction", "shuffled labels"):
        assert found[name][1] > found["nothing"][1] - 1, name
    assert "a random direction leaves 67 %" in text
    assert "a random direction, which left 67 % here, and shuffled labels, which left 68 %" in text
    assert near(67, found["random direction"][1])
    assert near(68, found["shuffled labels"][1])
    assert "6.9 % of their length where that one takes 7.4 %" in text
    assert found["LEACE by hand"][2] == pytest.approx(6.9, abs=0.1)
    assert found["difference of means"][2] == pytest.approx(7.4, abs=0.1)
    assert found["LEACE, shrunk"][2] < found["LEACE by hand"][2]
    assert found["shuffled labels"][2] > 0.8 * found["LEACE by hand"][2]


def test_few_states_are_too_few(shown: Notebook, text: str) -> None:
    found = rows(shown, "sizes-shown")
    assert list(found) == ["600", "1,200", "2,400", "8,164"]
    assert "With 600 states the eraser is perfect on its own states and of hardly any use on others" in text
    assert "with less than a third of the states in 63 % and more" in text
    for own, fresh in list(found.values())[:3]:
        assert abs(own - 50) < 3
        assert fresh > 62.5
    assert 53 < found["8,164"][1] < 57


def test_inlp_needs_32_rounds(shown: Notebook, text: str) -> None:
    found = rows(shown, "rounds-shown")
    assert [row[0] for row in found.values()] == [0, 1, 2, 4, 8, 16, 32, 1]
    assert "After 16 rounds a fresh probe is still right in 57 %" in text
    assert near(57, found["round 16"][1])
    assert "32 dimensions and 12 % of the length, is it where LEACE is with one dimension and 7 %" in text
    assert found["round 16"][1] > found["LEACE"][1] + 1
    assert abs(found["round 32"][1] - found["LEACE"][1]) < 2
    assert near(12, found["round 32"][2])
    assert near(7, found["LEACE"][2])


def test_what_a_line_cannot_see(shown: Notebook, text: str) -> None:
    taken, linear, mlp = map(float, re.findall(r"(\d+\.?\d*)(?:;|%)", output(shown, "crossed-shown")))
    assert taken == 0
    assert abs(linear - 50) < 3
    assert mlp > 90
    found = rows(shown, "left-shown")
    assert "it reads as much after the erasing as before" in text
    assert found["after"][1] > found["before"][1] - 1
    assert found["after"][1] > found["before"][0]
    assert "An MLP was right in 69 % after" in text
    assert abs(found["after"][1] - 69) < 2
    assert "lie 464 apart before; a good third of that is gone with the erased dimension, and 296 is left" in text
    assert found["before"][2] == pytest.approx(464, abs=1)
    assert found["after"][2] == pytest.approx(296, abs=1)


def test_in_the_model(shown: Notebook, text: str) -> None:
    found = rows(shown, "model-shown")
    for words, name in (
        ("6.60, where it was 6.45", "random at layers 8 to 29"),
        ("takes a quarter of the gap and leaves 4.67", "LEACE at layer 8"),
        ("it takes three quarters, and 1.65 is left", "LEACE at layers 8 to 29"),
    ):
        assert words in text
        told = re.findall(r"\d\.\d\d", words)[0]
        assert found[name][2] == pytest.approx(float(told), abs=0.05)
    assert found["nothing"][2] == pytest.approx(6.45, abs=0.05)
    after_she, after_he, _ = found["LEACE at layers 8 to 29"]
    assert 'It now prefers " his" after either pronoun, and by more than the pronoun ever moved it' in text
    assert max(after_she, after_he) < -found["nothing"][2]


def test_the_verdict(shown: Notebook, text: str) -> None:
    said = output(shown, "evaluated-shown")
    assert '"Do not trust": the fresh probe is right in 53.2 %' in text
    assert "from 51.2 to 55.3" in text
    assert "Before, it was 65.3 %" in text
    assert said.startswith("do not trust:")
    assert [float(one) for one in re.findall(r"(\d+\.\d)%", said.splitlines()[0])] == pytest.approx(
        [53.2, 51.2, 55.3, 50.4, 65.3], abs=0.6
    )


def test_where_you_stand(shown: Notebook) -> None:
    by_hand = sum(one.points for one in LAB.exercises if hasattr(one, "rubric"))
    stand = output(shown, "stand")
    assert f"{LAB.points - by_hand:g} of" in stand or "All exercises are done." in stand


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("07", "0", "1", "2", "3", "4", "5", "6", "7", "8"),  # the lab, sections, goals, layers, exercises
    *(
        "2019",
        "2020",
        "2021",
        "2022",
        "2023",
        "135",
        "576",
        "64",
    ),  # years; the model, its width; the MLP's hidden layer
    *("22", "29", "300"),  # layers that are scrubbed, and the sentences for it, tested below
    *("77", "50", "67", "55", "76", "60", "68", "63", "69", "6.9", "7.4", "8", "164", "600", "16", "57", "32", "12"),
    *("464", "296", "6.60", "6.45", "4.67", "1.65", "53.2", "51.2", "55.3", "65.3"),  # tested above
}


def test_how_much_is_scrubbed(text: str) -> None:
    assert lab07.LAYER == 8
    assert len(lab07.results.SCRUBBED) == 22
    assert lab07.results.TEXTS == 300
    assert "fitted on 300 sentences" in text


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN, numbers_of(text, LAB) - KNOWN
