"""What two texts have in common, token by token or word by word."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence


def differences(one: Sequence[Hashable], other: Sequence[Hashable]) -> tuple[list[bool], list[bool]]:
    """For each item of both sequences whether it is outside what they have in common."""
    left, right = [True] * len(one), [True] * len(other)
    for a, b, size in difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        left[a : a + size] = [False] * size
        right[b : b + size] = [False] * size
    return left, right


def word_differences(one: Sequence[str], other: Sequence[str]) -> tuple[list[bool], list[bool]]:
    """For each token of both texts whether its word is outside what they have in common.

    A token that begins with a space or a sign begins a word; one that begins with a letter or a digit goes on with the
    word before it.  So a word that is spelled with other tokens, or a token that is part of another word, differs.
    """
    words = [_words(tokens) for tokens in (one, other)]
    texts = [["".join(tokens[a:b]) for a, b in found] for tokens, found in zip((one, other), words, strict=True)]
    marked = differences(*texts)
    left, right = (
        [differs for differs, (a, b) in zip(flags, found, strict=True) for _ in range(a, b)]
        for flags, found in zip(marked, words, strict=True)
    )
    return left, right


def _words(tokens: Sequence[str]) -> list[tuple[int, int]]:
    """(first token, the one after the last) of each word."""
    starts = [i for i, token in enumerate(tokens) if i == 0 or not token[:1].isalnum() or tokens[i - 1][-1:].isspace()]
    return list(zip(starts, [*starts[1:], len(tokens)][: len(starts)], strict=True))
