"""Nothing in a prompt is invisible, and nothing in it acts on the page around it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp_widgets.results.text import hexadecimal, named, visible


@pytest.mark.parametrize(
    ("text", "running", "alone"),
    [
        (" Canberra", " Canberra", "·Canberra"),
        ("\n", "⏎\n", "⏎"),
        ("a\tb", "a⇥\tb", "a⇥b"),
        ("   ", "   ", "···"),
        (" a b ", " a b ", "·a b·"),
        ("\u202e", "⟨U+202E⟩", "⟨U+202E⟩"),
        ("\u200b", "⟨U+200B⟩", "⟨U+200B⟩"),
        ("\x00\x1b", "⟨U+0000⟩⟨U+001B⟩", "⟨U+0000⟩⟨U+001B⟩"),
        ("\u00a0", "⟨U+00A0⟩", "⟨U+00A0⟩"),
        ("\u2028", "⟨U+2028⟩", "⟨U+2028⟩"),
        ("\ufffd", "⟨U+FFFD⟩", "⟨U+FFFD⟩"),
        ("👩\u200d🚀", "👩\u200d🚀", "👩\u200d🚀"),
        ("a\u200db", "a⟨U+200D⟩b", "a⟨U+200D⟩b"),
        ("\u0301", "\u0301", "◌\u0301"),
        ("مرحبا", "مرحبا", "مرحبا"),
        ("<|im_start|>", "<|im_start|>", "<|im_start|>"),
        ("", "", "⟨⟩"),
    ],
)
def test_as_drawn(text: str, running: str, alone: str) -> None:
    assert visible(text) == running
    assert named(text) == alone


@given(st.text())
def test_only_what_can_be_seen_is_left(text: str) -> None:
    for shown in (visible(text).replace("⏎\n", "").replace("⇥\t", ""), named(text)):
        for i, character in enumerate(shown):
            category = unicodedata.category(character)
            inside = 0 < i < len(shown) - 1 and character in "\u200c\u200d"
            tag = "\U000e0020" <= character <= "\U000e007f"
            assert inside or tag or category not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, repr(character)
            assert character == " " or not character.isspace()


@given(st.text())
def test_a_name_is_one_line_without_spaces_at_its_ends(text: str) -> None:
    name = named(text)
    assert name
    assert "\n" not in name
    assert name == name.strip(" ")


def test_bytes_are_named_in_hexadecimal() -> None:
    assert hexadecimal(b"\xf0\x9f") == "⟨F0 9F⟩"
