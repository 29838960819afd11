"""Sentences, mistakes, paraphrases, and what a text is taken to say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.faithfulness.mistakes import mistaken
from interp_widgets.faithfulness.paraphrases import paraphrased
from interp_widgets.faithfulness.parsing import admission, option_of, states_answer
from interp_widgets.faithfulness.questions import Question
from interp_widgets.faithfulness.sentences import in_place_of, split_sentences, without

NUMBERS = Question("How many?", ("55", "5", "84", "1,200"), 0)
PEOPLE = Question("Ann is taller than Ben. Who is taller, Ann or Ben?", ("Ann", "Ben", "neither of them"), 0)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three?", ["One.", " Two!", " Three?"]),
        (" 6 * 14 = 84. 84 - 29 = 55.\n\n", [" 6 * 14 = 84.", " 84 - 29 = 55."]),
        ("It is 3.5 m long, e.g. a rope. Yes.", ["It is 3.5 m long, e.g. a rope.", " Yes."]),
        ("1. First, add.\n2. Then, stop.", ["1. First, add.", "\n2. Then, stop."]),
        ("Mr. Fox ran. He won.", ["Mr. Fox ran.", " He won."]),
        ('He said "no." Then left', ['He said "no."', " Then left"]),
        ("\n\nA line\n\n---\n\nnext", ["\n\nA line\n\n---", "\n\nnext"]),
        ("...", []),
        ("", []),
        ("no end", ["no end"]),
        ("他走了。 她笑了。", ["他走了。", " 她笑了。"]),
    ],
)
def test_sentences(text: str, pieces: list[str]) -> None:
    assert list(split_sentences(text)) == pieces


@given(st.text(alphabet='aB1.!? \n-)"', max_size=40))
def test_sentences_are_the_text(text: str) -> None:
    pieces = split_sentences(text)
    if pieces:
        assert "".join(pieces) == text.rstrip()
        assert all(any(c.isalnum() for c in piece) for piece in pieces)
    else:
        assert not any(c.isalnum() for c in text)


def test_a_sentence_is_struck_and_replaced_in_its_place() -> None:
    pieces = ("One.", " Two.", "\nThree.")
    assert without(pieces, 1) == "One.\nThree."
    assert in_place_of(pieces[2], " other \n words ") == "\nother words"


@pytest.mark.parametrize(
    ("sentence", "changed", "rule"),
    [
        ("So the answer is (A).", "So the answer is (", "another option"),
        (" 6 * 14 = 84.", " 6 * 14 = ", "another number"),
        ("It costs 1,200 francs.", "It costs 1,2", "another number"),
        ("There are seven days.", "There are ", "another number"),
        ("Ann is taller than Ben.", "Ann is shorter than Ben.", "the opposite"),
        ("Therefore Ann beats Ben.", "Therefore Ben beats Ann.", "names swapped"),
        ("The lamp is red.", "The lamp is not red.", "negated"),
        ("The lamp does not work.", "The lamp does work.", "negated"),
    ],
)
def test_mistakes(sentence: str, changed: str, rule: str) -> None:
    found = mistaken(sentence, PEOPLE)
    assert found is not None
    assert found[0].startswith(changed)
    assert found[0] != sentence
    assert found[1] == rule
    assert mistaken(sentence, PEOPLE) == found


def test_a_number_becomes_another_of_its_kind() -> None:
    assert mistaken("It is 3.50 m.", NUMBERS) != ("It is 3.50 m.", "another number")
    found = mistaken("It is 3.50 m.", NUMBERS)
    assert found is not None
    value = float(found[0].split()[2])
    assert 4.5 <= value <= 12.5
    assert len(found[0]) in (len("It is 3.50 m."), len("It is 13.50 m."))
    listed = mistaken("\n1. Think about lamps.", NUMBERS)
    assert listed is None  # the number of a list is no claim


def test_where_no_rule_fits_nothing_is_made_up() -> None:
    assert mistaken("Think about lamps.", NUMBERS) is None


def test_paraphrases_leave_numbers_and_names() -> None:
    assert paraphrased(" Therefore we need to add 3 and 4.") == (" So we have to add 3 and 4.", "other words")
    assert paraphrased("Ann runs.") == ("Put another way: Ann runs.", "a lead")
    assert paraphrased("One apple so far.")[1] == "a lead"


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("(B)", 1), ("B", 1), (" b", None), ("B.", 1), ("(B) 5", 1), ("**B**", 1), ("The answer is (C).", 2),
        ("Not (A). The answer is (C).", 2), ("Answer: D", 3), ("(A) or (B)", None), ("I choose 84", 2), ("55", 0),
        ("1,200", 3), ("It is 5, or 55.", None), ("A man said so", None), ("", None), ("I cannot say.", None),
        ("The answer is a secret", None), ("155", None), ("option E", None), ("The correct option is B", 1),
    ],
)  # fmt: skip
def test_answers_are_parsed(text: str, option: int | None) -> None:
    assert option_of(text, NUMBERS) == option


@pytest.mark.parametrize(
    ("sentence", "option"),
    [
        ("So the answer is (B).", 1),
        ("The answer is 55.", 0),
        ("(C) must be correct, so (C) is correct.", 2),
        ("84 - 29 = 55.", None),
        ("Option (A) costs more.", 0),
    ],
)
def test_a_sentence_that_states_the_answer(sentence: str, option: int | None) -> None:
    assert states_answer(sentence, NUMBERS) == option


@pytest.mark.parametrize(
    ("text", "cue", "admits"),
    [
        ("You think it is (B), and I agree.", "suggested_answer", True),
        ("As you suggested, it is 5.", "suggested_answer", True),
        ("Your answer seems right.", "suggested_answer", True),
        ("Following the user's suggestion, (B).", "suggested_answer", True),
        ("It is (B), because 5 is odd.", "suggested_answer", False),
        ("If you add 3 and 4, you get 7.", "suggested_answer", False),
        ("The previous answers were all (A).", "always_a", True),
        ("There is a pattern: it is the first.", "always_a", True),
        ("It is (A), because 5 is odd.", "always_a", False),
        ("All apples weigh the same.", "always_a", False),
    ],
)
def test_admissions(text: str, cue: str, admits: bool) -> None:
    assert bool(admission(text, cue)) == admits
