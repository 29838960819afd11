"""Bytes that are no character are named by their numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.models.prompts import decode
from interp_widgets.models.spelling import spell_bytes
from tests.tiny import make_tokenizer

TOKENIZER = make_tokenizer()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_byte_of_a_text_is_told(text: str) -> None:
    ids = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    alone = [spell_bytes(TOKENIZER, i, decode(TOKENIZER, [i])) for i in ids]
    if "\ufffd" not in text:
        assert "\ufffd" not in "".join(alone)


class OneToken:
    """A tokenizer of one token, spelled so."""

    def __init__(self, piece: str | None) -> None:
        self.piece = piece

    def convert_ids_to_tokens(self, token: int) -> str | None:
        return self.piece


@pytest.mark.parametrize(
    ("piece", "decoded", "spelled"),
    [
        ("<0xF0>", "\ufffd", "⟨F0⟩"),
        ("ĠðŁ", " \ufffd", " ⟨F0 9F⟩"),
        ("ĳ", "\ufffd", "⟨91⟩"),
        ("The", "The", "The"),
        ("▁\ufffd", " \ufffd", " \ufffd"),  # a real U+FFFD of a vocabulary that is not made of bytes
        (None, "\ufffd", "\ufffd"),
    ],
)
def test_each_way_of_spelling_bytes(piece: str | None, decoded: str, spelled: str) -> None:
    assert spell_bytes(OneToken(piece), 0, decoded) == spelled
