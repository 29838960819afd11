"""Boxes hold the whole text and every token, whatever the tokenizer does to characters."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.models import spelling  # noqa: F401  # registers how bytes are spelled
from interp_widgets.results.boxes import boxes


def byte_tokens(text: str, cuts: list[int]) -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """What a byte-level tokenizer gives for a text cut at these bytes: decoded tokens, and characters touched."""
    data = text.encode()
    at = [0, *sorted({cut % (len(data) + 1) for cut in cuts} - {0, len(data)}), len(data)]
    character = [i for i, c in enumerate(text) for _ in c.encode()]
    pairs = [(a, b) for a, b in itertools.pairwise(at) if b > a]
    tokens = [data[a:b].decode("utf-8", "interp_widgets.hexadecimal") for a, b in pairs]
    spans = np.array([(character[a], character[b - 1] + 1) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    return tokens, spans


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 200)))
def test_the_boxes_are_the_text(text: str, cuts: list[int]) -> None:
    tokens, spans = byte_tokens(text, cuts)
    scores = np.arange(len(tokens), dtype=np.float64) - 1.5
    found = boxes(text, tokens, spans, scores)
    assert "".join(box.text for box in found) == text
    assert [i for box in found for i in box.tokens] == list(range(len(tokens)))
    assert np.isclose(sum(box.score for box in found), scores.sum())
    for box in found:
        assert len(box.parts) == (len(box.tokens) if len(box.tokens) > 1 else 0)


def test_an_emoji_of_three_tokens() -> None:
    tokens, spans = byte_tokens("Hi 👋!", [2, 5, 6, 7])
    box = boxes("Hi 👋!", tokens, spans, np.array([0.1, 0.4, 0.1, 0.2, 0.0]))[1]
    assert (box.text, box.tokens, box.parts) == (" 👋", (1, 2, 3), ("·⟨F0 9F⟩", "⟨91⟩", "⟨8B⟩"))
    assert np.isclose(box.score, 0.7)


def test_tokens_that_are_not_in_the_text_and_text_without_tokens() -> None:
    tokens = ["<s>", "Hi", "there"]
    spans = np.array([[0, 0], [0, 2], [3, 8]])
    found = boxes("Hi there.", tokens, spans, np.zeros(3))
    assert [box.text for box in found] == ["<s>", "Hi", " there."]


def test_no_tokens() -> None:
    assert boxes("", [], np.empty((0, 2), dtype=np.int64), np.empty(0)) == []
