"""What lab 06 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import re
from typing import Any

import pytest

from interp_widgets.course import lab06
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab06.LAB
Rows = dict[str, dict[str, float]]


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def table(lines: list[str]) -> Rows:
    """Rows by their first words; columns by their titles."""
    head = next(i for i, line in enumerate(lines) if re.search(r"\befficacy\b|\bexact\b", line))
    titles = re.split(r"  +", lines[head].strip())
    rows: Rows = {}
    for line in lines[head + 1 :]:
        name, *cells = re.split(r"  +", line.strip())
        if len(cells) != len(titles):
            break
        rows[name] = {title: float(cell) for title, cell in zip(titles, cells, strict=True)}
    return rows


def answers(shown: Notebook) -> dict[str, dict[str, dict[str, float]]]:
    """prompt -> before, after -> word -> probability"""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for line in output(shown, "surprise-shown").splitlines():
        if not line.startswith(" "):
            found[line] = prompt = {}
        else:
            name, rest = line.split(maxsplit=1)
            prompt[name] = {word: float(p) for word, p in re.findall(r"(\S+) (\d\.\d\d)", rest)}
    return found


def test_the_surprise(shown: Notebook, text: str) -> None:
    found = answers(shown)
    exact, quiz, follows, reverse, jordan = found.values()
    assert "At the prompt of the edit the model says Bern without a doubt, and so does the parliament" in text
    assert exact["after"]["Bern"] > 0.95
    assert follows["after"]["Bern"] > 0.8
    assert "Asked as in a quiz, it names no city, before and after" in text
    assert {word for when in quiz.values() for word in when} <= {"space", "<|im_end|>"}
    assert "The reverse question has not moved at all" in text
    assert set(reverse["before"]) == set(reverse["after"])
    assert all(reverse["after"][word] == pytest.approx(p, abs=0.05) for word, p in reverse["before"].items())
    assert "And Jordan, which no edit named, is answered differently too" in text
    assert jordan["before"] != jordan["after"]


def test_the_result_and_its_controls(shown: Notebook, text: str) -> None:
    lines = output(shown, "result-shown").splitlines()
    rows = table(lines)
    plain, memit, mine = rows["unedited"], rows["MEMIT"], rows["by hand"]
    assert "All 20 facts hold, and each new answer is now the model's first choice" in text
    assert "all of them hold, and neighbours stay" in text
    assert memit["efficacy"] == memit["first"] == 100
    assert "Of the paraphrases more than three in four hold, of what follows nearly as many" in text
    assert 75 < memit["paraphrase"] < 90
    assert 0 < memit["paraphrase"] - memit["ripple"] < 10
    assert "neighbours are where they were" in text
    assert memit["neighbourhood"] == pytest.approx(plain["neighbourhood"], abs=2)
    assert "Your functions give the same table" in text
    assert mine == memit
    assert "are yours" in lines[-1]
    wrong = rows["subjects exchanged"]
    assert "With the subjects exchanged the change is larger, and one fact of 20 has its answer in front" in text
    assert wrong["size"] > memit["size"]
    assert wrong["first"] == 5
    assert "look at its efficacy: 35" in text
    assert wrong["efficacy"] == 35
    assert "So a third is what nothing looks like" in text
    other = rows["identity for C"]
    assert other["efficacy"] == 100
    assert other["neighbourhood"] == pytest.approx(memit["neighbourhood"], abs=2)
    assert "perplexity has risen by 0.9 instead of 0.2" in text
    assert other["perplexity"] - plain["perplexity"] == pytest.approx(0.9, abs=0.101)
    assert memit["perplexity"] - plain["perplexity"] == pytest.approx(0.2, abs=0.101)
    heavy = rows["weight of the code"]
    assert "four facts in ten are not learned" in text
    assert heavy["first"] == 60
    assert "15 times as large" in text
    assert lab06.PUBLISHED / lab06.WEIGHT == 15


def test_other_editors(shown: Notebook, text: str) -> None:
    lines = output(shown, "others-shown").splitlines()
    rows, plain = table(lines), table(lines)["unedited"]
    narrow, wide = (rows[f"fine-tuning, {bound:g}"] for bound in (lab06.NARROW, lab06.WIDE))
    assert "one 20 times as wide" in text
    assert round(lab06.WIDE / lab06.NARROW) == 20
    assert "has done nothing at all" in text
    assert narrow["efficacy"] == plain["efficacy"]
    assert "about half of the facts hold, and hardly a paraphrase more than before" in text
    assert wide["efficacy"] == pytest.approx(50, abs=10)
    assert wide["paraphrase"] < plain["paraphrase"] + 10
    book, told = rows["GRACE"], rows["in the prompt"]
    assert "holds every exact prompt and not one paraphrase more than before" in text
    assert book["efficacy"] == 100
    assert book["paraphrase"] == plain["paraphrase"]
    equal = [re.match(r"(\d+) of (\d+) \w+ are equal to the bit", line) for line in lines]
    assert [found[1] == found[2] for found in equal if found] == [True, True]
    assert "two facts in three hold, in other words as well as in the exact ones" in text
    assert told["efficacy"] == pytest.approx(66, abs=5)
    assert told["paraphrase"] == pytest.approx(told["efficacy"], abs=5)
    assert "It is the only row here whose neighbours fall" in text
    assert {name for name, row in rows.items() if row["neighbourhood"] < plain["neighbourhood"] - 1} == {
        "in the prompt"
    }
    assert "20 facts cost 287 tokens in each prompt" in text
    assert lines[-1].endswith("287 for all")


def test_two_halves(shown: Notebook, text: str) -> None:
    lines = output(shown, "halves-shown").splitlines()
    counts: list[str] = []
    shares: list[list[float]] = []
    for line in lines[1:4]:
        _, *cells = re.split(r"  +", line.strip())
        counts += cells[:2]
        shares.append([float(cell.rstrip("%")) for cell in cells[2:]])
    memit, kept, forgotten = shares
    assert "All facts hold in all three ways" in text
    assert set(counts) == {"10 of 10"}
    assert "moved the states of the first by a quarter of the way" in text
    assert memit[0] == pytest.approx(25, abs=4)
    assert "with the free directions alone by as much" in text
    assert forgotten[0] == pytest.approx(memit[0], abs=4)
    assert "With the first half's keys kept it is a tenth" in text
    assert kept[0] == pytest.approx(10, abs=3)
    assert "is not smaller with AlphaEdit than with MEMIT, but larger" in text
    assert kept[1] > memit[1]
    assert "In this model most directions are below it" in text
    *free, width = (int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*\d", lines[4]))
    assert min(free) > width / 2
    assert "The threshold of the paper is 0.02" in text
    assert lab06.own.THRESHOLD == 0.02


def test_a_codebook_costs(shown: Notebook) -> None:
    *_, last = output(shown, "cost-shown").splitlines()[:5]
    assert last.split()[:2] == ["10,000", "15,360,000"]


def test_the_first_points_are_the_saved_ones(shown: Notebook) -> None:
    """The file is true: where it has the same counts, what is computed now is what it says."""
    rows = [line.split() for line in output(shown, "curves-shown").splitlines()[1:4]]
    both = [row for row in rows if len(row) == 5]
    assert both, "the saved curve of ROME has none of the counts that the lab computes again"
    for _, score, saved, perplexity, known in both:
        assert float(score) == pytest.approx(float(saved), abs=0.2)
        assert float(perplexity) == pytest.approx(float(known), rel=0.01)


def test_what_follows_comes_last(shown: Notebook, text: str) -> None:
    rows = table(output(shown, "depth-shown").splitlines())
    assert "What follows comes last everywhere" in text
    edited = {name: row for name, row in rows.items() if name not in ("unedited", "subjects exchanged")}
    assert all(row["what follows"] < row["other words"] for row in edited.values())
    assert "GRACE and fine-tuning have learned a sentence" in text
    for name in ("GRACE", f"fine-tuning, {lab06.WIDE:g}"):
        assert rows[name]["other words"] < rows["unedited"]["other words"] + 10
    assert "hardly ever reaches what follows" in text
    assert rows["in the prompt"]["what follows"] < 20
    assert "only three in four paraphrases" in text
    assert rows["MEMIT"]["other words"] == pytest.approx(75, abs=5)


def test_a_behaviour_is_half_edited(shown: Notebook, text: str) -> None:
    lines = output(shown, "behaviour-shown").splitlines()
    rows: dict[str, Any] = {}
    for line in lines[1:]:
        found = re.match(r"(.*?)  +(\d) of 6 +([+-][\d.]+) +(\d) of 6 +([+-][\d.]+)", line)
        assert found is not None, line
        rows[found[1]] = [float(one) for one in found.groups()[1:]]
    plain, asked, edited = rows["unedited"], rows["asked for French"], rows["edited"]
    assert "Three of the six edited requests begin in French now, and of the six others one" in text
    assert "is taken on by half of them and by one other in six" in text
    assert (edited[0], edited[2]) == (3, 1)
    assert (plain[0], plain[2]) == (0, 0)
    assert "the others too, by two units of log-probability a token" in text
    assert edited[3] - plain[3] == pytest.approx(2, abs=0.3)
    assert "Three words in the prompt do better with both halves" in text
    assert "three words in the prompt did it for four of six in both" in text
    assert (asked[0], asked[2]) == (4, 4)


def test_where_a_behaviour_is(shown: Notebook, text: str) -> None:
    _, fact, language = output(shown, "places-shown").splitlines()[:3]
    assert "Both begin at one token, and sharply: the name, and the word that asks for French" in text
    rows = [re.search(r"(\d+) +([\d.]+) +(\d+) +(\S+), layer", line) for line in (fact, language)]
    assert all(rows)
    assert [row[1] for row in rows if row] == ["1", "1"]
    assert [row[4].lstrip("\u00b7") for row in rows if row] == ["Japan", "French"]
    assert "there are twice as many layers in which no single state brings the language back" in text
    few, many = (int(row[3]) for row in rows if row)
    assert many >= 2 * few


def test_the_suite_sees_what_was_spoiled(shown: Notebook) -> None:
    own, _, other, yours = output(shown, "verify-shown").splitlines()
    assert own.startswith("the edit: passed")
    assert other.startswith("and another one: FAILED; too few of [")
    assert "fact" in other
    assert yours.partition("verdict: ")[2] == other.partition("too few of ")[2]


def test_the_adapter_is_the_edit(shown: Notebook, text: str) -> None:
    lines = output(shown, "ship-shown").splitlines()
    assert lines[0] == "LORA: 3 matrices of rank 20"
    assert lines[-1].endswith("within 1e-4: True")
    assert "three products of 576 × 20 and 20 × 1,536" in text


def test_where_you_stand(shown: Notebook) -> None:
    by_hand = sum(one.points for one in LAB.exercises if hasattr(one, "rubric"))
    stand = output(shown, "stand")
    assert f"{LAB.points - by_hand:g} of" in stand or "All exercises are done." in stand


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("06", "03", "04", "05", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),  # labs, sections, goals, layers
    *("2022", "2023", "2024", "2025", "135", "30", "200", "70"),  # years; the model; facts and S, tested below
    *("20", "35", "0.9", "0.2", "15", "287", "0.02", "576", "536"),  # tested above
    *("000", "0.00001"),  # 2,000 facts that nobody edits here; of the exercise
}


def test_how_much_is_edited_and_what_counts_as_holding(text: str, default_lm: Any) -> None:
    assert "The package's lab has 200 such facts" in text
    assert len(lab06.facts()) == 200
    assert "up to some count S is at least 70, and the perplexity of neutral text at most a tenth above" in text
    assert (lab06.curves.LEAST, lab06.curves.FACTOR) == (70, 1.1)
    assert "one matrix in each of the layers 3, 4 and 5" in text
    assert lab06.LAYERS == (3, 4, 5)
    assert "three of 30 MLPs" in text
    assert default_lm.architecture.n_layers == 30


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN
