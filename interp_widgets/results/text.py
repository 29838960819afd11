"""Text as it is drawn: what cannot be seen is made visible, so that no token is invisible, and none disturbs its page.

A prompt may hold anything: control characters, marks that turn the writing direction, characters of no width, bytes
that are no character.  They become names in angle brackets, "⟨U+202E⟩" or "⟨F0 9F⟩".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

NEWLINE = "\u23ce"  # ⏎
TAB = "\u21e5"  # ⇥
SPACE = "\u00b7"  # ·

# Format characters that belong to what they stand in: joiners of emoji and of Arabic and Indic letters, emoji tags.
_JOINERS = {"\u200c", "\u200d"}
# Drawn as nothing, although Unicode calls them letters or marks.
_BLANK = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u034f", "\u17b4", "\u17b5", "\u2800"}

_WIDEST = 32  # characters of a name in a table of text; a longer one is cut in the middle

MARKS = {
    "trust": "\u25cf",
    "caution": "\u25b2",
    "do not trust": "\u25a0",
}


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    # Cc control, Cf format (bidirectional marks, zero width), Co private, Cn unassigned, Cs half a character,
    # Zl and Zp line ends of their own.
    return category not in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"} and character not in _BLANK


def _is_joined(text: str, i: int) -> bool:
    """A joiner between two characters, or a tag within an emoji, does its work and is no trap."""
    character = text[i]
    if character in _JOINERS:
        return 0 < i < len(text) - 1 and all(
            not neighbour.isascii() and not neighbour.isspace() and _is_visible(neighbour)
            for neighbour in (text[i - 1], text[i + 1])
        )
    if "\U000e0020" <= character <= "\U000e007f":
        return i > 0 and (text[i - 1] == "\U0001f3f4" or "\U000e0020" <= text[i - 1] <= "\U000e007f")
    return False


def _shown(text: str, i: int) -> str:
    character = text[i]
    if character == " " or _is_joined(text, i):
        return character
    if character == "\ufffd" or not _is_visible(character):
        return f"\u27e8U+{ord(character):04X}\u27e9"
    if character.isspace():  # no-break, thin, ideographic and the like: looks like a space and is none
        return f"\u27e8U+{ord(character):04X}\u27e9"
    return character


def visible(text: str) -> str:
    """As running text: spaces as they are, each line end "⏎" and then the line break itself, a tab "⇥" and itself."""
    return "".join(
        f"{NEWLINE}\n" if character == "\n" else f"{TAB}\t" if character == "\t" else _shown(text, i)
        for i, character in enumerate(text)
    )


def named(text: str) -> str:
    """As named alone: spaces at either end as "·", a line end "⏎", a tab "⇥"; one line, never empty."""
    if not text:
        return "\u27e8\u27e9"
    shown = "".join(
        NEWLINE if character == "\n" else TAB if character == "\t" else _shown(text, i)
        for i, character in enumerate(text)
    )
    core = shown.strip(" ")
    if not core:
        return SPACE * len(shown)
    if unicodedata.category(core[0]).startswith("M"):
        core = "\u25cc" + core  # an accent without its letter stands on a dotted circle
    before = len(shown) - len(shown.lstrip(" "))
    after = len(shown) - len(shown.rstrip(" "))
    return SPACE * before + core + SPACE * after


def hexadecimal(data: Iterable[int]) -> str:
    """Bytes that are no character: "⟨F0 9F⟩"."""
    return "\u27e8" + " ".join(f"{byte:02X}" for byte in data) + "\u27e9"


def cut(name: str) -> str:
    """A long name without its middle."""
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST // 2 - 1]}\u2026{name[-_WIDEST // 2 :]}"


def columns(text: str) -> int:
    """Columns of a terminal: East Asian characters take two, accents none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
