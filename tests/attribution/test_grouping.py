"""Units of tokens: a partition in reading order, whose scores are those of its tokens, or of deleting it as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import interp_widgets as iw
from interp_widgets.attribution.grouping import NAMED, Units, units
from interp_widgets.errors import ArgumentError
from tests.attribution.formulas import LONG, PROMPT
from tests.tiny import make_lm

TEXT = "The room, it's well-known, was warm. Was it? Yes!\nShe opened the window"
CHAT = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"


@pytest.fixture(scope="module")
def lm() -> Any:
    return make_lm("gpt2")


@pytest.fixture(scope="module")
def with_bos() -> Any:
    return make_lm("llama", bos=True)


@pytest.fixture(scope="module")
def chatty() -> Any:
    found = make_lm("gpt2")
    found.tokenizer.chat_template = CHAT
    return found


def is_partition(prompt: Any, found: Units) -> None:
    n = len(prompt)
    assert found.member.shape == (len(found.tokens), n)
    assert (found.member.sum(0) == 1).all(), "every token is in exactly one unit"
    assert found.member.any(1).all(), "no unit is empty"
    owner = found.member.argmax(0)
    assert (np.diff(owner) >= 0).all(), "in reading order"
    assert (np.diff(owner) <= 1).all()
    for i, (start, end) in enumerate(found.spans.tolist()):
        inside = np.flatnonzero(found.member[i])
        assert start == prompt.spans[inside, 0].min()
        assert end == prompt.spans[inside, 1].max()
        if end > start and (len(inside) > 1 or found.tokens[i] != prompt.tokens[inside[0]]):
            assert found.tokens[i] == prompt.text[start:end]


# What the units are


def test_words_keep_their_space_and_marks_stand_alone(lm: Any) -> None:
    found = units(lm.encode(TEXT), "word")
    assert found.tokens == (
        "The", " room", ",", " it's", " well-known", ",", " was", " warm", ".", " Was", " it", "?", " Yes", "!",
        "\nShe", " opened", " the", " window",
    )  # fmt: skip
    is_partition(lm.encode(TEXT), found)


def test_sentences_end_with_their_mark_or_their_line(lm: Any) -> None:
    found = units(lm.encode(TEXT), "sentence")
    assert [text.strip() for text in found.tokens] == [
        "The room, it's well-known, was warm.",
        "Was it?",
        "Yes!",
        "She opened the window",
    ]
    assert "".join(found.tokens) == TEXT


def test_turns_are_those_of_the_chat_and_its_template(chatty: Any) -> None:
    messages = [{"role": "user", "content": "The room"}, {"role": "assistant", "content": "was warm"}]
    encoded = chatty.encode(messages)
    found = units(encoded, "turn")
    assert len(found.tokens) == len(encoded.groups)
    assert [text.strip() for text in found.tokens] == ["user:", "The room", "assistant:", "was warm"]
    is_partition(encoded, found)


def test_each_match_is_a_unit_and_each_other_token_one_of_its_own(lm: Any) -> None:
    encoded = lm.encode(PROMPT)
    found = units(encoded, r"capital of \w+")
    texts = [text.strip() for text in found.tokens]
    assert texts[:2] == ["The", "capital of Australia"]
    assert "".join(found.tokens) == PROMPT
    alone = found.member[~np.isin(np.arange(len(texts)), 1)]
    assert (alone.sum(1) == 1).all()
    is_partition(encoded, found)


def test_tokens_are_units_of_one(lm: Any) -> None:
    found = units(lm.encode(PROMPT), "token")
    assert np.array_equal(found.member, np.eye(len(found.tokens), dtype=bool))
    assert found.tokens == lm.encode(PROMPT).tokens


def test_a_bos_is_a_unit_of_its_own(with_bos: Any) -> None:
    encoded = with_bos.encode(PROMPT)
    found = units(encoded, "word")
    assert found.tokens[0] == "<s>"
    assert found.member[0].sum() == 1
    is_partition(encoded, found)


PIECES = ["The", " city", ".", "\n", " ", "é", "👋", "漢字", "?!", " it's", "\t", "…", " 3.5", "。", "(", '"']


@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=25),
    group=st.sampled_from([*(name for name in NAMED if name != "turn"), r"\w", r"\s+", r"i.*y", "."]),
)
def test_every_token_is_in_exactly_one_unit_whatever_the_text(
    lm: Any, with_bos: Any, pieces: list[str], group: str
) -> None:
    for model in (lm, with_bos):
        encoded = model.encode("".join(pieces))
        try:
            found = units(encoded, group)
        except ArgumentError:
            found = None  # no token begins in a match
        if found is None:
            assert group not in NAMED
        else:
            is_partition(encoded, found)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("turn", "no chat turns"),
        ("(", "nor a regular expression"),
        ("[a-", "nor a regular expression"),
        ("xyz", "matches nothing"),
        ("x*", "matches nothing"),
        (r"\s+", "its first character that is"),
        ("", "one of token, word, sentence, turn, or a regular expression"),
        (None, "group=None"),
        (3, "group=3"),
    ],
)
def test_what_makes_no_units_is_refused(lm: Any, group: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        units(lm.encode(PROMPT), group)
    assert message in str(caught.value)


# Scores of units


@pytest.mark.parametrize("method", ["integrated_gradients", "relevance", "gradient_x_input", "attention_rollout"])
@pytest.mark.parametrize("group", ["word", "sentence", r"Eiffel \w+"])
def test_methods_of_tokens_sum_over_each_unit(lm: Any, method: str, group: str) -> None:
    asked: dict[str, Any] = {"method": method, "steps": 5}
    tokens, grouped = iw.attribute(lm, LONG, 5, 7, **asked), iw.attribute(lm, LONG, 5, 7, group=group, **asked)
    found = units(lm.encode(LONG), group)
    np.testing.assert_allclose(grouped.scores, found.member @ tokens.scores, rtol=1e-9, atol=1e-12)
    assert grouped.tokens == found.tokens
    assert np.array_equal(grouped.spans, found.spans)
    assert np.array_equal(grouped.token_ids, tokens.token_ids)
    assert (grouped.grouping, tokens.grouping) == (group, "token")
    assert len(grouped.to_frame()) == len(found.tokens)


def test_methods_that_delete_take_a_unit_away_as_one(lm: Any) -> None:
    result = iw.attribute(lm, LONG, 5, 7, "leave_one_out", group="word")
    encoded = lm.encode(LONG)
    for row, score in zip(units(encoded, "word").member, result.scores, strict=True):
        left = iw.attribute(lm, np.where(row, 1, encoded.ids).tolist(), 5, 7, "saliency").gap
        assert score == pytest.approx(result.gap - left, abs=1e-4)


def test_grouping_makes_deletion_cheaper(lm: Any) -> None:
    def passes(group: str | None) -> int:
        return iw.estimate(iw.attribute, lm, TEXT, method="leave_one_out", group=group).forward_passes

    assert passes("sentence") < passes("word") < passes(None) == passes("token")


def test_a_result_of_units_survives_saving(lm: Any, tmp_path: Any) -> None:
    result = iw.attribute(lm, TEXT, 5, 7, "shapley", group="sentence")
    result.save(tmp_path / "r.safetensors")
    again: Any = iw.load_result(tmp_path / "r.safetensors")
    assert again.tokens == result.tokens
    assert again.grouping == "sentence"
    assert result.interval is not None
    assert np.array_equal(again.interval, result.interval)
