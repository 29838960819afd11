"""What lab 04 says is true of what its cells show, and no number stands in its text that is not looked at here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

import interp_widgets as iw
from interp_widgets.course import lab04
from interp_widgets.models.reference_text import sentences
from tests.notebooks.conftest import Runs
from tests.notebooks.executing import FOLDER, Notebook, output
from tests.notebooks.prose import numbers, numbers_of, text_of
from tools.masters import read

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(1500)]
LAB = lab04.LAB
Rows = dict[tuple[str, ...], dict[int, float]]


@pytest.fixture
def shown(runs_of: Runs) -> Notebook:
    return runs_of(LAB).teacher


@pytest.fixture(scope="module")
def text() -> str:
    return text_of(LAB)


def signed(line: str) -> list[float]:
    """Effects, which are printed with a sign and two decimals."""
    return [float(found) for found in re.findall(r"[+-]\d+\.\d\d", line)]


def table(lines: list[str]) -> Rows:
    """A table of effects: words at the left, layers above."""
    layers = [int(layer) for layer in re.findall(r"\d+", lines[0])]
    rows = {}
    for line in lines[1:]:
        words = re.split(r"  +", line[: re.search(r"[+-]\d", line).start()].strip())  # type: ignore[union-attr]  # each row has one
        rows[tuple(words)] = dict(zip(layers, signed(line), strict=True))
    return rows


def ranks_of(lines: list[str]) -> dict[int, tuple[str, int, int]]:
    """Layer -> what leads there, and two ranks."""
    found = {}
    for line in lines:
        cell = re.match(r" *(\d+)  (\S+) +([\d,]+) +([\d,]+)$", line)
        if cell is not None:
            found[int(cell[1])] = (cell[2], int(cell[3].replace(",", "")), int(cell[4].replace(",", "")))
    return found


def chance(line: str, word: str) -> float:
    found = re.search(rf"\b{word} (\d\.\d\d)", line)
    return float(found[1]) if found else 0.0


def test_the_surprise(shown: Notebook, text: str, default_lm: Any) -> None:
    _, plain, name, last = output(shown, "surprise-shown").splitlines()
    assert "Two prompts, seven tokens each. They differ in the three tokens of a name" in text
    eiffel, colosseum = (
        default_lm.encode(prompt).tokens for prompt in ("The Eiffel Tower is located in", "The Colosseum is located in")
    )
    assert len(eiffel) == len(colosseum) == 7
    assert [i for i in range(7) if eiffel[i] != colosseum[i]] == [1, 2, 3]
    assert "The model has 30 layers" in text
    assert "there are 210 states of 576 numbers" in text
    assert (default_lm.architecture.n_layers * 7, default_lm.architecture.width) == (210, 576)
    assert "the Colosseum is located in Paris, with twice the probability" in text
    assert chance(plain, "Rome") > 0.4
    own = dict(default_lm.next_token("The Eiffel Tower is located in"))[" Paris"]
    assert chance(name, "Paris") == pytest.approx(2 * own, rel=0.1)
    assert "The state of the token at which the answer is read does nothing at that depth" in text
    assert chance(last, "Rome") == pytest.approx(chance(plain, "Rome"), abs=0.05)


def test_the_lens(shown: Notebook, text: str) -> None:
    ranks = ranks_of(output(shown, "lens-shown").splitlines())
    assert "Only the last three layers say Paris" in text
    assert [layer for layer, (leader, _, _) in ranks.items() if leader == "·Paris"] == [27, 28, 29]
    assert "at layer 23 its rank jumps from the thousands to below 200" in text
    assert ranks[22][1] > 1000
    assert ranks[23][1] < 200
    assert "up to layer 26 the lens says a comma or a full stop" in text
    assert {leader for layer, (leader, _, _) in ranks.items() if layer <= 26} == {",", "."}


def test_patching(shown: Notebook, text: str) -> None:
    middle, third, last = (signed(line) for line in output(shown, "pair-shown").splitlines()[:3])
    assert "The columns are the layers 0, 9, 15, 22, 23 and 29" in text
    assert (
        "the token in the middle of the name carries most of it, soon nearly all, and the third about a third" in text
    )
    assert middle[0] > 0.6
    assert min(middle[1:4]) > 0.85
    assert third[:4] == pytest.approx([1 / 3] * 4, abs=0.1)
    assert "from 23 on the last token of the prompt carries it all" in text
    assert max(map(abs, middle[4:])) < 0.1
    assert last[4:] == pytest.approx([1, 1], abs=0.1)
    assert max(last[:4]) < 0.15


def test_nothing_stands_between(text: str, default_lm: Any) -> None:
    assert "at `is` and `located` no patch goes a twentieth of the way" in text
    found = iw.patch(
        default_lm,
        "The Eiffel Tower is located in",
        "The Colosseum is located in",
        target=" Paris",
        foil=" Rome",
        positions=[4, 5],
    )
    assert found.tokens[4:6] == (" is", " located")
    assert abs(found.effects).max() < 0.05


def test_what_moves_it(shown: Notebook, text: str, default_lm: Any) -> None:
    attention, mlp, heads = output(shown, "move-shown").splitlines()
    by_layer = dict(zip(range(20, 27), signed(attention), strict=True))
    assert "The attention of layer 23 alone brings nearly the whole answer" in text
    assert by_layer.pop(23) > 0.9
    assert max(map(abs, [*by_layer.values(), *signed(mlp)])) < 0.3
    assert "two of its heads, 4 and 5, do most of that" in text
    by_head = signed(heads)
    assert by_head[4] + by_head[5] > 0.8
    assert max(one for i, one in enumerate(by_head) if i not in (4, 5)) < 0.1
    assert "One layer, two heads of 270" in text
    assert default_lm.architecture.n_layers * default_lm.architecture.n_heads == 270


def test_the_trace(shown: Notebook, text: str) -> None:
    lines = output(shown, "trace-shown").splitlines()
    clean, corrupted = numbers(lines[0])
    assert "Noise on the name takes almost all of Paris away" in text
    assert corrupted < 0.1 * clean
    rows, whole = table(lines[1:6]), clean - corrupted
    site, last = rows["·Paris", "iffel"], rows["·Paris", "·of"]
    again = table(output(shown, "control-shown").splitlines()[:7])["Eiffel Tower (clean)", "Paris"]
    assert "brings back about half of it in the early layers, and still a fifth to a quarter after layer 22" in text
    for drawn in (site, again):
        assert sum(drawn[layer] for layer in (0, 3, 8)) / 3 == pytest.approx(whole / 2, abs=0.15 * whole)
        assert 0.19 * whole < drawn[22] < 0.28 * whole
    assert "the clean line is lower than in the trace, at layer 0 by half" in text
    assert all(again[layer] <= site[layer] for layer in (0, 3, 8, 14, 20, 22))
    assert again[0] == pytest.approx(site[0] / 2, abs=0.03)
    assert "from layer 23 on it brings nothing, and the last token does" in text
    assert max(abs(site[layer]) for layer in (23, 26, 29)) < 0.02
    assert min(last[layer] for layer in (23, 26, 29)) > 0.8 * whole
    assert max(last[layer] for layer in (0, 3, 8, 14, 20)) < 0.02
    assert "the early site is not the *last* token of the subject, `Tower`, but `iffel`" in text
    assert max(rows["·Paris", "·Tower"].values()) < 0.05


def test_the_control_fails(shown: Notebook, text: str) -> None:
    lines = output(shown, "control-shown").splitlines()
    rows = table(lines[:7])
    own, other, unrelated = "Eiffel Tower (clean)", "Colosseum", "something else"
    assert "Only its own state brings Paris back" in text
    assert max(rows[own, "Paris"].values()) > 0.3
    assert "The Colosseum's brings none of it, and brings Rome (from layer 3 on;" in text
    assert "The state of the Colosseum, put into the same cell, brings back nothing of Paris, and brings Rome" in text
    assert max(rows[other, "Paris"].values()) <= 0.01
    assert rows[other, "Rome"][0] < 0.05
    assert max(rows[other, "Rome"].values()) > 0.15
    assert "the other sentence brings neither" in text
    assert max(*rows[unrelated, "Paris"].values(), *rows[unrelated, "Rome"].values()) <= 0.01
    assert "brings some of Paris back too (the last lines)" in text
    elsewhere = table([line for line in lines if line][-3:])
    assert min(max(row.values()) for row in elsewhere.values()) > 0.1
    (page,) = (cell for cell in shown["cells"] if cell["id"] == "control-shown")
    assert any("image/png" in one.get("data", {}) for one in page["outputs"])


def test_where_the_answer_goes_wrong(shown: Notebook, text: str) -> None:
    plain, ended, *lines = output(shown, "wrong-shown").splitlines()
    assert "the model says Sydney. Not by much, and not always: with the token that ends a text in front of it" in text
    assert 0 < chance(plain, "Sydney") - chance(plain, "Canberra") < 0.05
    assert chance(ended, "Canberra") > chance(ended, "Sydney")
    ranks = ranks_of(lines)
    assert "Neither leads before the last layer; at each layer Sydney is ahead of Canberra" in text
    assert [layer for layer, (leader, _, _) in ranks.items() if leader in ("·Sydney", "·Canberra")] == [29]
    assert all(sydney < canberra for _, sydney, canberra in ranks.values())
    assert "by thousands of places at first, and by one place in the end" in text
    assert ranks[20][2] - ranks[20][1] > 1000
    assert ranks[29][1:] == (1, 2)


def test_both_answers_are_known(shown: Notebook, text: str) -> None:
    lines = output(shown, "both-shown").splitlines()
    clean = dict(zip(("·Sydney", "·Canberra"), numbers(lines[0]), strict=True))
    rows = table(lines[1:6])
    sydney, canberra = (rows[city, "·Australia"] for city in ("·Sydney", "·Canberra"))
    assert "After layer 0 its state brings back all of either" in text
    assert sydney[0] == pytest.approx(clean["·Sydney"], abs=0.03)
    assert canberra[0] == pytest.approx(clean["·Canberra"], abs=0.03)
    assert "it goes on bringing back all of Sydney, and less and less of Canberra" in text
    assert min(sydney[layer] for layer in (3, 8, 11)) > 0.95 * clean["·Sydney"]
    assert "after layer 11 it is little more than half" in text
    assert canberra[0] > canberra[3] > canberra[11]
    assert canberra[11] == pytest.approx(0.55 * clean["·Canberra"], abs=0.03)
    assert "From layer 23 on both are at the last token" in text
    for city, whole in clean.items():
        assert min(rows[city, "·is"][layer] for layer in (23, 26)) > 0.9 * whole
        assert max(rows[city, "·is"][layer] for layer in (0, 3, 8, 11)) < 0.05
    lead = signed(lines[6])[0]
    changes = signed(lines[7])
    assert "from next to nothing to two and a half logits" in text
    assert changes[4] == max(changes)
    assert lead + changes[4] == pytest.approx(2.5, abs=0.2)
    assert "falls short by 0.06 logits" in text
    assert lead == 0.06


def test_the_estimate(shown: Notebook, text: str, default_lm: Any) -> None:
    lines = output(shown, "estimate-shown").splitlines()
    exact, estimate, late, late_estimate = (signed(lines[i]) for i in (2, 3, 6, 7))
    assert "at layers 0 and 3 it has the wrong *sign*, where the exact effects are 0.7 and 0.88" in text
    assert exact[:2] == [0.7, 0.88]
    assert max(estimate[:2]) < 0 < min(estimate[2:])
    assert "At the last token, late, the estimate is good" in text
    assert late_estimate[1:] == pytest.approx(late[1:], abs=0.3)
    assert "A correlation of 0.7 sounds usable" in text
    assert numbers(lines[8])[-1] == pytest.approx(0.7, abs=0.03)
    assert "Of all cells that matter that is so in about a quarter" in text
    large, _, wrong = numbers(lines[9])
    assert wrong / large == pytest.approx(0.25, abs=0.04)
    assert "Between layer 0 and the answer stand 29 layers" in text
    assert default_lm.architecture.n_layers == 30
    assert "The signs are right now, the sizes are about half of what they should be, or less" in text
    _, right, finer = output(shown, "points-shown").splitlines()
    assert all(0 < one < 0.6 * due for one, due in zip(signed(finer), signed(right), strict=True))


def test_a_head_is_enough_and_hardly_missed(shown: Notebook, text: str) -> None:
    one, both, four, five = output(shown, "heads-shown").splitlines()[:4]
    assert "Restoring head 4 alone went two thirds of the way" in text
    assert signed(output(shown, "move-shown").splitlines()[2])[4] == pytest.approx(2 / 3, abs=0.03)
    lead, off = signed(one)
    other, together = signed(both)
    assert "A tenth of the lead" in text
    assert -off / lead == pytest.approx(0.1, abs=0.02)
    assert "with both off a third is lost, more than the two lose one by one" in text
    assert -together / lead == pytest.approx(1 / 3, abs=0.03)
    assert together < off + other
    assert "Head 5 reads the same token" in text
    assert "head 4 looks at iffel" in four
    assert "head 5 looks at iffel" in five


def test_the_same_in_nnsight(shown: Notebook) -> None:
    pytest.importorskip("nnsight")
    state, equal = output(shown, "nnsight-shown").splitlines()
    assert state.endswith("(1, 7, 576)")
    assert equal.endswith("True")


def test_without_nnsight(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The cell then asks nothing of the notebook, and says how to get it."""
    monkeypatch.setitem(sys.modules, "nnsight", None)
    master = read(FOLDER / "masters" / f"{LAB.notebook}.py")
    (cell,) = (cell for cell in master.cells if cell.id == "nnsight-shown")
    exec(cell.source, {})
    assert capsys.readouterr().out.startswith("nnsight is not installed: pip install nnsight")


def card(lines: list[str], start: int) -> list[str]:
    """The tokens at which the twenty texts of a card peak."""
    tokens = [re.search(r"\[(.*?)\]", line) for line in lines[start : start + 20]]
    return [found[1].strip().lower() for found in tokens if found is not None]


def test_the_two_neurons(shown: Notebook, text: str) -> None:
    lines = output(shown, "cards-shown").splitlines()
    verb, family = card(lines, 1), card(lines, 22)
    assert len(verb) == len(family) == 20
    assert "Two neurons on 1,000 sentences" in text
    assert len(sentences()) >= 1000
    assert "the verb *to take*, in all its forms, twenty times of twenty" in text
    assert set(verb) == {"take", "takes", "taking", "taken", "took"} & set(verb)
    assert len(set(verb)) >= 4
    assert "daughters and sons, for six lines; then cats and puppies come" in text
    people = {"daughter", "daughters", "son", "sons", "child", "children"}
    assert set(family[:6]) <= people
    assert family[6] == "cat"
    assert "puppy" in family


def areas(line: str) -> list[float]:
    """Three areas, each before its interval."""
    return [float(found) for found in re.findall(r"(\d\.\d\d) \(", line)]


def test_names_put_to_the_test(shown: Notebook, text: str) -> None:
    _, *rows, lowest = output(shown, "names-shown").splitlines()
    take, children = (areas(row) for row in rows)
    assert "For each name ten were written, and ten for a *near miss*" in text
    assert "And eighty on other things" in text
    assert {len(group) for group in lab04.SETS.values()} == {10}
    assert len(lab04.SETS) - 2 == 8
    assert "of ten sentences the neuron is silent on one, an invitation" in text
    assert "Please take a seat" in lowest
    assert numbers(lowest)[0] > 40
    assert take[0] > 0.9
    assert "The near miss leaves it as cold as anything else: about 0.5" in text
    assert take[2] == pytest.approx(0.5, abs=0.05)
    assert "Against unrelated sentences it passes, with a *higher* number than the true name has" in text
    assert children[0] > take[0]
    assert "against pets it does worse than the true name against its own near miss" in text
    assert children[1] < take[1] - 0.1
    assert "come out above nearly everything unrelated" in text
    assert children[2] > 0.95


@pytest.mark.parametrize("group", lab04.SETS)
def test_held_out_sentences_are_held_out(group: str) -> None:
    others = {one for key, found in lab04.SETS.items() if key != group for one in found}
    assert not set(lab04.SETS[group]) & (others | set(sentences()))


def test_only_its_own_sentences_have_the_concept() -> None:
    concepts: dict[str, Callable[[str], bool]] = {
        "take": lambda text: bool(re.search(r"\b(take[ns]?|taking|took)\b", text)),
        "children": lambda text: bool(re.search(r"\b(sons?|daughters?|child(ren)?|brother|sister)\b", text)),
        "pets": lambda text: bool(re.search(r"\b(dog('s)?|cat|puppy|kittens)\b", text)),
    }
    for concept, has in concepts.items():
        for key, found in lab04.SETS.items():
            assert [has(one) for one in found] == [key == concept] * 10, (concept, key)


def test_where_you_stand(shown: Notebook) -> None:
    by_hand = sum(one.points for one in LAB.exercises if hasattr(one, "rubric"))
    assert f"{LAB.points - by_hand:g} of" in output(shown, "stand") or "All exercises are done." in output(
        shown, "stand"
    )


# Every other number of the text: what it is, so that a new one is noticed.
KNOWN = {
    *("04", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),  # the lab's own; sections, goals, exercises
    *("2020", "2022", "2023", "2024", "135"),  # years; the model's name
    *("0", "15", "22", "23", "26", "29", "11", "30", "210", "576", "270", "200"),  # tested above
    *("0.06", "0.7", "0.88", "0.5", "000"),  # tested above
    *("0.9", "95", "1.96"),  # of the teacher's answer, the interval
}


def test_no_other_number_stands_in_the_text(text: str) -> None:
    assert numbers_of(text, LAB) <= KNOWN
