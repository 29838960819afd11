"""Reasoning as sentences: the steps that are cut, struck and rewritten.

A piece keeps the white space before it, so that the pieces put together are the text, to the character: what is left of
a cut is then a true beginning of what the model wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ENDING = re.compile(r"[.!?\u3002\uff01\uff1f]+[\"'\u201d\u2019)\]]*(?=\s|$)|\n+")
# What a full stop does not end: "Mr. Fox", "e.g. cats", "J. Smith", and the number of a list, "2. Then".
_NO_END = re.compile(
    r"(?:^|\s|\()(?:Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|cf|approx|[A-Za-z]|[ei]\.[eg])\.$|(?:^|\n)\s*\d+\.$"
)
_WORTH = re.compile(r"\w")


def split_sentences(text: str) -> tuple[str, ...]:
    """Sentences and lines, each with the white space before it; white space at the end of the text is dropped.

    A piece without a letter or digit (a rule of dashes, closing brackets) belongs to the sentence before it.
    """
    text = text.rstrip()
    ends = []
    for match in _ENDING.finditer(text):
        end = match.end() if not match[0].startswith("\n") else match.start()
        if not _NO_END.search(text[:end]):
            ends.append(end)
    pieces: list[str] = []
    start = 0
    for end in [*ends, len(text)]:
        piece = text[start:end]
        if _WORTH.search(piece):
            pieces.append(piece)
        elif pieces:
            pieces[-1] += piece
        else:
            continue  # to the first sentence, from the start of the text
        start = end
    return tuple(pieces)


def before(sentence: str) -> str:
    """The white space that a sentence begins with."""
    return sentence[: len(sentence) - len(sentence.lstrip())]


def in_place_of(sentence: str, words: str) -> str:
    """Other words where a sentence stood: with its white space, on one line."""
    return before(sentence) + " ".join(words.split())


def without(sentences: Sequence[str], i: int) -> str:
    """The text with sentence i struck."""
    return "".join(sentences[:i]) + "".join(sentences[i + 1 :])
