"""What lab 05 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from interp_widgets.course import lab05
from interp_widgets.course.lab05.own import _audit
from interp_widgets.course.lab05.studies import key_at
from interp_widgets.editing.keys_values.statistics import key_statistics
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import Notebook, output
from tests.notebooks.prose import numbers, numbers_of, text_of

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab05.LAB
CLEAN = ("unedited", "random u", "random delta")  # changes after which Canberra is not in front


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


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


def judged(lines: list[str]) -> dict[str, dict[str, float]]:
    """Rows of a table of changes."""
    found = {}
    for line in lines:
        row = re.match(r"(\S.*?) +([\d.]+)% +([\d.]+) +(\d+) of (\d+) +(\d+) of (\d+) +([\d.]+)", line)
        if row is not None:
            size, target, held, of, kept, all_, perplexity = (float(one) for one in row.groups()[1:])
            assert (of, all_) == (5, 20)
            found[row[1]] = {
                "size": size, "target": target, "held": held, "kept": kept, "perplexity": perplexity
            }  # fmt: skip
    return found


def audited(lines: list[str]) -> dict[str, list[float]]:
    """Form -> missed and excess at the mean key, and at the plain one."""
    return {line[0]: numbers(line[1:].replace(",", "")) for line in lines if re.match(r"[ABC] +\d", line)}


def test_the_surprise(shown: Notebook, text: str, default_lm: Any) -> None:
    first, minister, city, canada, last = answers(shown).values()
    assert '"The capital of Australia is": the model says Sydney' in text
    assert next(iter(first["before"])) == "Sydney"
    assert "its probability goes from 0.34 to 0.94" in text
    assert (first["before"]["Canberra"], first["after"]["Canberra"]) == (0.34, 0.94)
    assert "the prime minister, who was in no text of the edit, has moved to Canberra with it" in text
    assert [next(iter(minister[side])) for side in ("before", "after")] == ["Sydney", "Canberra"]
    assert "The largest city is still Sydney, but only just" in text
    assert next(iter(city["after"])) == "Sydney"
    assert 0 < city["after"]["Sydney"] - city["after"]["Canberra"] < 0.1
    assert "Canada stays" in text
    assert [next(iter(canada[side])) for side in ("before", "after")] == ["Ottawa", "Ottawa"]
    assert '"Australia\'s capital is", the same question with the words in another order, has noticed nothing' in text
    assert last["after"] == pytest.approx(last["before"], abs=0.02)
    assert "two vectors, 576 and 1,536 numbers long" in text
    a = default_lm.architecture
    assert (a.width, a.mlp_width, a.n_layers, lab05.LAYER) == (576, 1536, 30, 5)
    assert "in one of 30 MLPs" in text
    assert "it is still 24 layers to the end" in text
    assert a.n_layers - 1 - lab05.LAYER == 24
    assert "576 × 1,536" in text


def test_what_a_matrix_holds(shown: Notebook, text: str) -> None:
    rows = {int(line.split()[0]): [float(x) for x in line.split()[1:]] for line in recall_lines(shown)}
    assert "Random keys of width 64" in text
    assert "with four facts already by almost a quarter" in text
    assert rows[4][0] == pytest.approx(0.25, abs=0.03)
    assert "no error up to 64 facts, as many as a key has entries, and with 128 most of what it says is wrong" in text
    assert all(row[1] == 0 for facts, row in rows.items() if facts <= 64)
    assert max(rows) == 128
    assert rows[128][1] > 0.5


def recall_lines(shown: Notebook) -> list[str]:
    return output(shown, "recall-shown").splitlines()[1:]


def test_whose_key_is_whose(shown: Notebook, text: str) -> None:
    lines = output(shown, "keys-shown").splitlines()[1:]
    length, cosine = np.array([numbers(line)[-2:] for line in lines]).T
    assert "What stands in front hardly matters, and neither does the question" in text
    assert cosine[:3].min() > 0.85
    assert "New Zealand and Canada share half of it, France a third; other words share nothing" in text
    assert cosine[3:5] == pytest.approx([0.5, 0.5], abs=0.08)
    assert cosine[5] == pytest.approx(1 / 3, abs=0.04)
    assert abs(cosine[6:8]).max() < 0.05
    assert "a quarter as long, and at a right angle to the rest" in text
    assert length[8] == pytest.approx(length[0] / 4, rel=0.15)
    assert abs(cosine[8]) < 0.05
    assert "With a sentence in front of it the key is back" in text
    assert cosine[9] > 0.8
    assert "behind five beginnings" in text
    assert len(lab05.PREFIXES) == 5
    assert "whose key has a cosine of 0.04 with the edited one" in text
    assert cosine[8] == 0.04


def test_the_value_is_not_a_word(shown: Notebook, text: str, default_lm: Any) -> None:
    said, size, best, ranks = output(shown, "value-shown").splitlines()
    assert "in 12 steps and with a clamp of 1: δ may be as long as v₀, and no longer" in text
    assert (lab05.STEPS, lab05.CLAMP) == (12, 1)
    delta, _, v0 = numbers(size)  # the other one is of the name v0
    assert delta == pytest.approx(v0, abs=0.1)
    assert numbers(said)[0] > 0.8
    assert "To the head δ is gibberish, and Canberra is in the middle of all words" in text
    assert "Canberra" not in best
    rank = float(ranks.split("Canberra ")[1].split(", ")[0].replace(",", ""))
    assert 0.25 < rank / default_lm.architecture.vocabulary < 0.75


def test_what_c_knows(shown: Notebook, text: str) -> None:
    _, few, some, every = (
        numbers(line.replace(",", "")) if i else [] for i, line in enumerate(spectra_lines(shown)[:4])
    )
    assert "from the first 500 tokens of the package's reference text, from 2,000, and from all of it" in text
    assert (few[0], some[0]) == (500, 2000)
    assert "From 500 tokens C has rank 490" in text
    assert few[1] == 490
    assert "From 2,000 its rank is full, but its smallest eigenvalues are a hundredth" in text
    assert some[1] == every[1] == 1536
    assert some[4] == pytest.approx(every[4] / 100, rel=0.5)
    assert "Ten times as many tokens as a key has entries, as here, are enough" in text
    assert 10 * 1536 < every[0] < 20 * 1536
    (page,) = (cell for cell in shown["cells"] if cell["id"] == "spectra-shown")
    assert any("image/png" in one.get("data", {}) for one in page["outputs"])


def spectra_lines(shown: Notebook) -> list[str]:
    return output(shown, "spectra-shown").splitlines()


def test_sentences_share_their_first_key(default_lm: Any, text: str) -> None:
    assert "a first token has always the same key" in text
    found = [key_at(default_lm, f"The {rest}", "The") for rest in ("river is long.", "house was sold in May.")]
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_the_repair_and_what_must_fail(shown: Notebook, text: str) -> None:
    rows = judged(output(shown, "result-shown").splitlines())
    repair = rows["repair"]
    assert "it leads in five of five other wordings, and 20 of 20 other capitals stay where they were" in text
    assert "The repair holds in all five paraphrases, keeps all 20 neighbours" in text
    assert (repair["held"], repair["kept"], rows["unedited"]["kept"]) == (5, 20, 20)
    assert round(repair["target"], 2) == 0.94
    assert "costs no perplexity that one could see" in text
    assert repair["perplexity"] < 1.01 * rows["unedited"]["perplexity"]
    assert "A change of the same size in a random direction does none of it" in text
    assert "With a random u or a random δ of the same size Canberra is where it was, or a little lower" in text
    for name in CLEAN:
        assert rows[name]["held"] == rows["unedited"]["held"] == 1
        assert 0 <= rows["unedited"]["target"] - rows[name]["target"] < 0.1
    assert rows["random u"]["size"] == rows["random delta"]["size"] == repair["size"]
    assert 'The key of "is" holds in three of five, and spoils four neighbours' in text
    assert (rows["key of 'is'"]["held"], rows["key of 'is'"]["kept"]) == (3, 16)
    france = rows["key of France"]
    assert "With the key of France Canberra leads at its prompt too, and in four of the five paraphrases" in text
    assert france["held"] == 4
    assert france["target"] > 0.5
    assert "0.55 is not 0.94" in text
    assert round(france["target"], 2) == 0.55
    (page,) = (cell for cell in shown["cells"] if cell["id"] == "result-shown")
    assert any("image/png" in one.get("data", {}) for one in page["outputs"])


def test_the_two_keys(shown: Notebook, text: str, default_lm: Any) -> None:
    rows = audited(output(shown, "audit-shown").splitlines())
    assert "A passes at the plain key, C at the mean key" in text
    assert rows["A"][2:] == rows["C"][:2] == [0, 1]
    assert "B misses its promise at the mean key, and at the plain one, where it keeps it, it costs more" in text
    assert rows["B"][2] == 0
    assert rows["B"][0] > 0
    assert rows["B"][3] > 1.05
    assert "But how little that is: a twentieth" in text
    assert rows["B"][0] == 0.05
    assert "their cosine, measured with C, is 0.96" in text
    assert rows["B"][3] ** -0.5 == pytest.approx(0.96, abs=0.005)  # B's excess is one over the square of that cosine
    assert lab05.NAMES == {"A": "plain", "B": "published", "C": "averaged"}
    assert "the three are called `plain`, `published` and `averaged`, and the last is the default" in text


def test_one_edit_breaks_the_model(shown: Notebook, text: str) -> None:
    lines = output(shown, "first-shown").splitlines()
    rows, table = audited(lines), judged(lines)
    assert "the matrix has grown by more than twice its own size" in text
    assert "is more than twice as large as the weight it is added to" in text
    assert table["B"]["size"] > 200
    assert "misses its promise at the mean key by more than 40 times delta's length" in text
    assert rows["B"][0] > 40
    assert "No country has its capital any more, not even the one that was edited" in text
    assert "a single such edit breaks the model" in text
    assert (table["B"]["kept"], table["B"]["held"], table["B"]["target"]) == (0, 0, 0)
    assert table["B"]["perplexity"] > 1.5 * table["unedited"]["perplexity"]
    assert "C, the same formula with one key on both sides, does what it should on the same fact" in text
    assert table["C"]["kept"] == 20
    assert table["C"]["target"] > 0.6
    assert "look at what it misses at the plain key" in text
    assert rows["C"][2] > 0.9


def test_ripple(shown: Notebook, text: str) -> None:
    lines = [line for line in output(shown, "evaluate-shown").splitlines() if line.lstrip().startswith("ripple ")][:5]
    assert "Which of the five ripple prompts comes out wrong?" in text
    wrong = [line for line in lines if line.endswith("False")]
    assert len(lines) == 5
    assert len(wrong) == 1
    assert '"Canberra is the capital of" is asked with the key of Canberra' in text
    assert "Canberra is the capital of" in wrong[0]


def test_the_reverse_question_has_not_moved(default_lm: Any, text: str) -> None:
    assert "The reverse question has not changed at all" in text
    statistics = key_statistics(default_lm, lab05.LAYER)
    change = lab05.change_of(lab05.least_change(lab05.value_of(default_lm), lab05.moment_of(statistics)))
    before = default_lm.next_token("Canberra is the capital of", k=3)
    with default_lm.using(change):
        after = default_lm.next_token("Canberra is the capital of", k=3)
    assert [token for token, _ in after] == [token for token, _ in before]
    assert [p for _, p in after] == pytest.approx([p for _, p in before], abs=0.02)


def test_how_strong(shown: Notebook, text: str) -> None:
    rows = {}
    for line in output(shown, "strengths-shown").splitlines()[2:]:
        row = re.match(r"(\S.*?) +([\d.]+)% +([\d.]+) +(\d) of 5 +(\d+) of 20 +([\d.]+) +([\d.]+) +([\d.]+)", line)
        assert row is not None, line
        rows[row[1]] = [float(one) for one in row.groups()[1:]]
    assert "The usual clamp is 4. Here are four, with 20 steps each" in text
    assert list(rows) == ["unedited", "clamp 0.5", "clamp 1", "clamp 2", "clamp 4"]
    _, target, held, kept, sydney, canberra, _ = rows["clamp 0.5"]
    assert "A clamp of one half makes Canberra lead at its prompt and in four of the five wordings" in text
    assert (held, kept) == (4, 20)
    assert target > 0.5
    assert "does no harm that is seen here" in text
    assert sydney > rows["unedited"][4]
    assert canberra < 0.1
    assert "With 1 all five hold, and Canberra has come close to being the largest city too" in text
    assert rows["clamp 1"][2:4] == [5, 20]
    assert 0 < rows["clamp 1"][4] - rows["clamp 1"][5] < 0.1
    assert "At 4, the usual value, Canberra is the largest city of Australia by far" in text
    last = rows["clamp 4"]
    assert last[5] > 0.8
    assert last[4] < 0.1
    assert "the capital of New Zealand as well" in text
    assert last[6] > 0.5
    assert "A benchmark that asks only whether the fact holds likes this one best" in text
    assert last[1] == max(row[1] for row in rows.values())
    assert "a neighbour is gone" in text
    assert last[3] == 19
    assert "Canberra went from 0.03 to 0.29 with the gentle clamp and past Sydney with a stronger one" in text
    city = answers(shown)["The largest city of Australia is"]["after"]
    assert (rows["unedited"][5], city["Canberra"]) == (0.03, 0.29)
    assert rows["clamp 2"][5] > rows["clamp 2"][4]


def test_taken_back(shown: Notebook, text: str) -> None:
    lost, entries = (float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*", output(shown, "bits-shown")))
    assert "How many of the 884,736 entries are then what they were?" in text
    assert entries == 884_736 == 576 * 1536
    assert "Thousands of them are off in the last bits" in text
    assert lost > 2000
    ledger, promise, other, back = output(shown, "edit-shown").splitlines()
    assert "Canberra" in ledger
    missed, agree = numbers(promise)
    assert missed < 1e-4
    assert agree == 1
    assert other.endswith("True")
    assert back.endswith("True")


def test_by_hand_and_in_one_line(shown: Notebook, text: str) -> None:
    told, alike, *lines = output(shown, "own-shown").splitlines()
    assert told == "all four parts are yours"
    read, write = numbers(alike)
    assert "They read nearly the same key, and write different values" in text
    assert read > 0.9
    assert write < 0.8
    rows = judged(lines)
    assert "In what counts they agree" in text
    for name in ("by hand", "iw.edit"):
        assert (rows[name]["held"], rows[name]["kept"]) == (5, 20)
        assert rows[name]["target"] > 0.85
    assert rows["by hand"]["target"] == pytest.approx(rows["iw.edit"]["target"], abs=0.05)


def test_the_diff_is_shown(shown: Notebook) -> None:
    said = output(shown, "diff-shown")
    assert "20 neighbours kept" in said
    assert "Australia's capital is" in said


def test_the_identity_holds_and_costs_more(default_lm: Any, text: str) -> None:
    assert "With the identity in its place the repair holds just as well here" in text
    value, moment = lab05.value_of(default_lm), lab05.moment_of(key_statistics(default_lm, lab05.LAYER))
    key, delta = value.keys[0].double(), value.delta[0].double()
    change = lab05.FORMS["C"](torch.eye(len(key)).double(), key, key, delta)
    row = lab05.judge(default_lm, {"identity": change}).row("identity")
    assert (row["paraphrases"], row["neighbours"]) == (1, 1)
    assert "the audit says that it costs about four times what it must" in text
    assert _audit(change, key, delta, moment)[1] == pytest.approx(4, abs=0.3)


def test_where_you_stand(shown: Notebook) -> None:
    by_hand = sum(one.points for one in LAB.exercises if hasattr(one, "rubric"))
    assert f"{LAB.points - by_hand:g} of" in output(shown, "stand") or "All exercises are done." in output(
        shown, "stand"
    )


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("05", "04", "03", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),  # labs; sections, goals, exercises
    *("1972", "2021", "2022", "2023", "2024", "135"),  # years; the model's name
    *("30", "20", "0.34", "0.94", "576", "536", "64", "128", "24", "12"),  # tested above
    *("500", "490", "000", "0.55", "0.96", "884", "736", "40", "0.03", "0.29", "0.04"),  # tested above
    "32",  # of float32
    "0",  # where the descent begins; a score
}


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN
