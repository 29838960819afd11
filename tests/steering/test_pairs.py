"""Contrast pairs: every way to make them, and every way to make them wrong."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from interp_widgets.errors import ArgumentError
from interp_widgets.steering.pairs import ContrastPairs, as_pairs, plain
from tests.tiny import make_lm

ONE = ("I love it", "What joy", "A good day")
OTHER = ("I hate it", "What grief", "A bad day")


def test_two_lists_are_pairs_by_place() -> None:
    pairs = ContrastPairs.from_lists(ONE, OTHER, name="mood", poles=("glad", "sad"))
    assert (len(pairs), pairs.name, pairs.poles) == (3, "mood", ("glad", "sad"))
    assert list(zip(pairs.positive, pairs.negative, strict=True))[1] == ("What joy", "What grief")


def test_templates_cross_personas_with_suffixes() -> None:
    pairs = ContrastPairs.from_templates(
        "Act as {persona} person. {suffix}", ["an honest", "a true"], ["a lying", "a false"], ["I think", "You said"]
    )
    assert pairs.positive == (
        "Act as an honest person. I think",
        "Act as a true person. I think",
        "Act as an honest person. You said",
        "Act as a true person. You said",
    )
    assert pairs.negative[3] == "Act as a false person. You said"


def test_templates_of_messages_keep_their_roles() -> None:
    template = [
        {"role": "user", "content": "Act as {persona} person."},
        {"role": "assistant", "content": "{suffix}"},
    ]
    pairs = ContrastPairs.from_templates(template, ["a kind"], ["a cruel"], ["Well,"])
    assert pairs.positive == (
        [{"role": "user", "content": "Act as a kind person."}, {"role": "assistant", "content": "Well,"}],
    )
    assert template[0]["content"] == "Act as {persona} person."


@pytest.mark.parametrize(
    ("template", "suffixes", "missing"),
    [
        ("Act as a person.", ("",), r"\{persona\}"),
        ("Act as {persona}.", ("I", "You"), r"\{suffix\}"),
        ([{"role": "user", "content": "Hello"}], ("I",), r"\{persona\} and \{suffix\}"),
    ],
)
def test_a_template_without_its_places_is_refused(template: Any, suffixes: Any, missing: str) -> None:
    with pytest.raises(ArgumentError, match=rf"template=.* does not contain {missing}"):
        ContrastPairs.from_templates(template, ["a kind"], ["a cruel"], suffixes)


def test_unequal_personas_are_refused() -> None:
    with pytest.raises(ArgumentError, match="positive has 2 personas and negative 1"):
        ContrastPairs.from_templates("{persona}", ["a", "b"], ["c"])


def test_a_table_gives_a_pair_a_row() -> None:
    table = pd.DataFrame({"glad": ONE, "sad": OTHER, "other": [1, 2, 3]})
    assert ContrastPairs.from_table(table, "glad", "sad").negative == OTHER
    with pytest.raises(ArgumentError, match="positive='happy': no such column; the table has glad, sad, other"):
        ContrastPairs.from_table(table, "happy", "sad")
    for hole in (None, "", 3):
        table = pd.DataFrame({"glad": ["x", "y"], "sad": ["z", hole]})
        with pytest.raises(ArgumentError, match="column 'sad' has no text in row 1"):
            ContrastPairs.from_table(table, "glad", "sad")


@pytest.mark.parametrize(("one", "other"), [((), ()), (ONE, OTHER[:2]), (ONE[:1], ())])
def test_empty_and_unequal_lists_are_refused(one: Any, other: Any) -> None:
    with pytest.raises(ArgumentError, match=f"positive has {len(one)} prompts and negative {len(other)}"):
        ContrastPairs(one, other)


def test_a_pair_of_equal_prompts_is_refused() -> None:
    with pytest.raises(ArgumentError, match="pair 1 has the same prompt on both sides: 'same'"):
        ContrastPairs(("a", "same"), ("b", "same"))
    message = [{"role": "user", "content": "Hi"}]
    with pytest.raises(ArgumentError, match="pair 0 has the same prompt"):
        ContrastPairs((message,), ([dict(message[0])],))
    with pytest.raises(ArgumentError, match="pair 0 has the same prompt"):
        ContrastPairs(([1, 2],), ((1, 2),))


def test_one_prompt_where_a_list_belongs_is_refused() -> None:
    with pytest.raises(ArgumentError, match="negative='I hate it' is one prompt; give a list"):
        ContrastPairs(("I love it",), "I hate it")  # type: ignore[arg-type]


def test_a_split_parts_the_pairs_once() -> None:
    pairs = ContrastPairs(tuple(f"a{i}" for i in range(20)), tuple(f"b{i}" for i in range(20)), name="x")
    fitting, held_out = pairs.split(0.25, seed=3)
    assert (len(fitting), len(held_out)) == (15, 5)
    assert set(map(str, fitting.positive + held_out.positive)) == set(map(str, pairs.positive))
    assert [one[1:] for one in held_out.positive] == [other[1:] for other in held_out.negative]
    assert pairs.split(0.25, seed=3)[1].positive == held_out.positive
    assert pairs.split(0.25, seed=4)[1].positive != held_out.positive
    assert fitting.name == "x"
    assert [len(part) for part in ContrastPairs(("a", "b"), ("c", "d")).split(0.99)] == [1, 1]


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_a_split_into_nothing_is_refused(share: float) -> None:
    with pytest.raises(ArgumentError, match="held_out="):
        ContrastPairs(ONE, OTHER).split(share)
    with pytest.raises(ArgumentError, match="one pair cannot be split"):
        ContrastPairs(("a",), ("b",)).split()


def test_pairs_add_and_slice() -> None:
    pairs = ContrastPairs(ONE, OTHER, name="mood")
    both = pairs + ContrastPairs(("x",), ("y",), name="other")
    assert (len(both), both.name) == (4, "mood")
    assert both[1:3].positive == ("What joy", "A good day")
    assert both[[3, 0]].negative == ("y", "I hate it")


def test_as_pairs_takes_either_form() -> None:
    pairs = ContrastPairs(ONE, OTHER)
    assert as_pairs(pairs, None) is pairs
    assert as_pairs(list(ONE), list(OTHER)).negative == OTHER
    with pytest.raises(ArgumentError, match="negative is given beside contrast pairs"):
        as_pairs(pairs, OTHER)
    with pytest.raises(ArgumentError, match="negative is missing"):
        as_pairs(ONE, None)


def test_plain_compares_by_content() -> None:
    assert plain((1, 2)) == plain([1, 2]) == [1, 2]
    assert plain("x") == "x"


def test_the_model_writes_pairs_itself() -> None:
    """Both sides under their own persona, the instruction left out; the same again with the same seed."""
    lm = make_lm("llama")
    lm.tokenizer.chat_template = "{% for m in messages %}<s>{{ m['content'] }}</s>{% endfor %}"
    topics = ["rain", "the sea", "bread"]
    pairs = ContrastPairs.written_by(lm, "a cheerful", "a gloomy", topics, max_new_tokens=6, name="mood")
    assert 1 <= len(pairs) <= len(topics)
    assert pairs.name == "mood"
    again = ContrastPairs.written_by(lm, "a cheerful", "a gloomy", topics, max_new_tokens=6)
    assert again.positive == pairs.positive
    other = ContrastPairs.written_by(lm, "a cheerful", "a gloomy", topics, max_new_tokens=6, seed=1)
    assert other.positive != pairs.positive


@pytest.mark.parametrize("topics", [[], "rain"])
def test_without_topics_the_model_writes_nothing(topics: Any) -> None:
    with pytest.raises(ArgumentError, match=r"topics=.*: a list of at least one"):
        ContrastPairs.written_by(make_lm("llama"), "a cheerful", "a gloomy", topics)
