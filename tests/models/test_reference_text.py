"""The text that comes with the package: enough of it, of all kinds, nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from interp_widgets.models.reference_text import corpus_hash, sentences
from tools.sample_reference import (
    CHAT,
    LEFT_OUT,
    TOPICS,
    chosen,
    complete_sentences,
    fits,
    in_turns,
    nearly,
    topics,
    words,
)


def test_there_is_enough_and_every_sentence_is_one() -> None:
    found = sentences()
    assert len(found) >= 1_000
    assert all(fits(sentence) for sentence in found)
    assert not [sentence for sentence in found if CHAT.search(sentence)]
    assert not set(found) & set(LEFT_OUT.read_text("utf-8").splitlines())


def test_nothing_is_there_twice() -> None:
    found = [frozenset(words(sentence)) for sentence in sentences()]
    assert len(set(sentences())) == len(found)
    assert not any(nearly(found[i], found[j]) for i in range(len(found)) for j in range(i))


def test_a_prefix_is_as_diverse_as_the_whole() -> None:
    wanted = topics(TOPICS.read_text("utf-8"))
    assert len(wanted) >= 120
    begun = {one: name for name, several in wanted.items() for one in several}
    # A sentence that starts as a topic's beginning does is of that topic; second sentences are of no known one.
    known = [{begun[one] for one in begun if sentence.startswith(one)} for sentence in sentences()]
    assert len(set().union(*known[: len(wanted)])) > 0.8 * len(wanted)
    vocabulary = [len(set().union(*map(words, part))) for part in (sentences()[:500], sentences()[500:1000])]
    assert min(vocabulary) > 2_000
    assert max(vocabulary) < 1.3 * min(vocabulary)


@pytest.mark.default_model
def test_it_has_twenty_thousand_tokens(default_lm: Any) -> None:
    lengths = [len(default_lm.encode(sentence)) for sentence in sentences()]
    assert sum(lengths) >= 20_000
    assert max(lengths) <= 100


def test_its_name_tells_texts_apart() -> None:
    assert corpus_hash(["ab", "c"]) != corpus_hash(["a", "bc"])
    assert corpus_hash(["a", "b"]) != corpus_hash(["b", "a"])
    assert corpus_hash(iter(["a", "b"])) == corpus_hash(("a", "b"))
    assert len(corpus_hash([])) == 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sat. It was", ["The cat sat."]),
        ('"Where?" she asked. Never.', ['"Where?" she asked.', "Never."]),
        ("Dr. Smith has 3.5 m of rope. Then", ["Dr. Smith has 3.5 m of rope."]),
        ("It is in the U.S. Navy.\nNext line.", ["It is in the U.S. Navy."]),
        ("1. First\n2. Second", []),
    ],
)
def test_where_sentences_end(text: str, expected: list[str]) -> None:
    assert complete_sentences(text) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Too short here.",
        "the first letter is a small one, which is wrong.",
        "As an AI I have no opinion on that matter.",
        "It goes on and on and on and on and on again.",
        "This has a * star in it and cannot stand.",
        'An open "quotation mark spoils the whole of it.',
        " ".join(["Long"] + ["word"] * 45) + ".",
    ],
)
def test_what_cannot_stand_alone(sentence: str) -> None:
    assert not fits(sentence)
    assert fits("The old man went down to the river.")


def test_topics_take_turns_and_near_duplicates_go() -> None:
    samples = [
        ("a", "The black cat sat on the old mat. The dog slept under the kitchen table. And the third is left."),
        ("a", "The black cat sat on the old red mat. Rain fell on the tin roof all night."),
        ("b", "A train left the station at noon today. Wine is made from grapes that are ripe."),
    ]
    found = in_turns(chosen(samples))
    assert sorted(found) == [
        "A train left the station at noon today.",
        "Rain fell on the tin roof all night.",
        "The black cat sat on the old mat.",
        "The dog slept under the kitchen table.",
        "Wine is made from grapes that are ripe.",
    ]
    assert found.index("A train left the station at noon today.") < 2
