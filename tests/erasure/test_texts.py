"""Labelled texts, their parts, and the sets that come with the package."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from interp_widgets.erasure import LabelledTexts, labelled_set, labelled_sets
from interp_widgets.errors import ArgumentError
from interp_widgets.packed import packed_text

NAMES = ("grammatical_gender", "name_gender", "sentiment", "tense")
TEXTS = [f"This is text {i}." for i in range(24)]
LABELS = ["a", "b"] * 12


def test_parts_share_no_text_and_no_template() -> None:
    texts = LabelledTexts.of(TEXTS, LABELS, templates=[i // 2 for i in range(24)])
    parts = texts.split()
    assert [len(part) for part in parts] == [12, 6, 6]
    seen = [set(part.texts) for part in parts]
    assert set.union(*seen) == set(TEXTS)
    assert sum(map(len, seen)) == 24
    assert len(set.union(*(set(part.templates) for part in parts))) == 12
    assert sum(len(set(part.templates)) for part in parts) == 12
    for part in parts:
        assert len(set(Counter(part.labels).values())) == 1
    assert parts[1].texts == texts.split()[1].texts
    assert parts[1].texts != texts.split(seed=1)[1].texts


def test_templates_that_share_a_sentence_stay_together() -> None:
    texts = LabelledTexts.of([*TEXTS, TEXTS[0], TEXTS[0]], [*LABELS, "a", "b"], templates=[*range(24), 3, 7])
    for seed in range(10):
        for part in texts.split(seed=seed):
            assert len({0, 3, 7} & set(part.templates)) in (0, 3)


def test_both_classes_are_in_every_part_where_templates_have_one_class_each() -> None:
    for seed in range(5):
        parts = LabelledTexts.of(TEXTS, LABELS).split(seed=seed)
        assert [Counter(part.labels) for part in parts] == [{"a": 6, "b": 6}, {"a": 3, "b": 3}, {"a": 3, "b": 3}]


def test_taking_some_keeps_the_shares() -> None:
    texts = LabelledTexts.of(TEXTS, ["a"] * 18 + ["b"] * 6)
    assert Counter(texts.take(8).labels) == {"a": 6, "b": 2}
    assert texts.take(100).texts == texts.texts
    assert texts.take(8).texts == texts.take(8).texts


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"texts": "one text"}, "texts is one string"),
        ({"texts": []}, "texts is empty"),
        ({"texts": [*TEXTS[:-1], " "]}, r"texts\[23\] is ' '"),
        ({"labels": LABELS[:-1]}, "labels has 23 entries, there are 24 states"),
        ({"labels": ["a"] * 24}, "one class only, 'a'"),
        ({"spans": [(0, 4)]}, "spans has 1 entries for 24 texts"),
        ({"spans": "first"}, "spans='first'"),
        ({"spans": [(0, 4)] * 23 + [(0, 99)]}, r"spans\[23\]=\(0, 99\): within text 23, which has 16 characters"),
        ({"templates": [1, 2]}, "templates has 2 entries for 24 texts"),
    ],
)
def test_lists_that_cannot_be_labelled_texts(change: dict[str, Any], said: str) -> None:
    given = {"texts": TEXTS, "labels": LABELS, **change}
    with pytest.raises(ArgumentError, match=said):
        LabelledTexts.of(given.pop("texts"), given.pop("labels"), **given)


def test_parts_that_cannot_be() -> None:
    texts = LabelledTexts.of(TEXTS, LABELS, templates=[0, 0] * 12)
    with pytest.raises(ArgumentError, match=r"1 templates are too few for 3 parts: part 1 has no 'a'"):
        texts.split()
    for shares in ((1.0,), (0.5, 0.6), (1.5, -0.5)):
        with pytest.raises(ArgumentError, match="shares="):
            texts.split(shares)


def test_the_sets_are_those_that_are_promised() -> None:
    assert labelled_sets() == NAMES
    with pytest.raises(ArgumentError, match=r"name='gendr': one of grammatical_gender.*Did you mean"):
        labelled_set("gendr")
    with pytest.raises(ArgumentError, match="each=0"):
        labelled_set("tense", each=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_is_balanced_and_its_twins_differ_in_the_label_alone(name: str) -> None:
    texts = labelled_set(name)
    assert texts == texts or texts.texts == labelled_set(name).texts
    assert texts.texts == labelled_set(name).texts
    assert len(set(Counter(texts.labels).values())) == 1
    assert len(set(texts.texts)) == len(texts) or name in ("sentiment", "tense")
    for i in range(0, len(texts), 2):
        one, other = texts.texts[i], texts.texts[i + 1]
        assert texts.labels[i] != texts.labels[i + 1]
        assert one != other
        start = texts.spans[i][0]
        before, after = one[:start], other[: texts.spans[i + 1][0]]
        assert before == after or {before[-3:].strip(), after[-3:].strip()} == {"a", "an"}
        for text in (one, other):
            assert not set("{}|") & set(text)
            assert text[0].isupper()
            assert text[-1] in ".?!"
            assert "  " not in text
            assert " a a" not in text
            assert " a o" not in text
    for part in texts.split():
        assert len(set(Counter(part.labels).values())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_two_templates_are_the_same(name: str) -> None:
    texts = labelled_set(name, each=6)
    owner: dict[str, int] = {}
    for text, template in zip(texts.texts, texts.templates, strict=True):
        assert owner.setdefault(text, template) == template


def test_the_data_are_small() -> None:
    assert sum(len(packed_text(f"erasure/sets/{name}.json").encode()) for name in NAMES) < 30_000


@pytest.mark.default_model
@pytest.mark.parametrize("name", ["grammatical_gender", "name_gender"])
def test_a_gender_set_gives_twenty_thousand_states(default_lm: Any, name: str) -> None:
    from interp_widgets.erasure.sweep import labelled_tokens

    tokens = labelled_tokens(default_lm, labelled_set(name))
    print(f"{name}: {len(tokens)} labelled token states")
    assert len(tokens) >= 20_000
    assert tokens.position.min() >= 1
