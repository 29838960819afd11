"""Tokens taken together: words, sentences, chat turns, or the matches of a regular expression."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError
from interp_widgets.models.prompts import Encoded

NAMED = {
    "token": "each token",
    "word": "tokens of a word; what follows it without a space, such as a comma, is a unit of its own",
    "sentence": "up to the end of a sentence, or a line",
    "turn": "the turns of a chat, and what its template adds",
}
_WORD = r"\s*(?:\w+(?:['\u2019-]\w+)*|[^\w\s]+)"
_SENTENCE = r"\s*[^.!?\n\u3002\uff01\uff1f]*(?:[.!?\u3002\uff01\uff1f]+[\"'\u201d\u2019)\]]*|\n+|$)"


@dataclass(frozen=True, eq=False)
class Units:
    """A partition of a prompt's tokens in reading order.

    tokens: text of each unit; spans: int64, (units, 2), characters; member: bool, (units, tokens).
    """

    tokens: tuple[str, ...]
    spans: NDArray[np.int64]
    member: NDArray[np.bool_]


def units(prompt: Encoded, group: str) -> Units:
    """Split a prompt into units. `group` is a name of `NAMED`, or a regular expression: then each match is a unit, and
    each token outside of all matches one of its own. A token belongs to the unit that holds its first character that is
    not a space.

    Raises ArgumentError: no chat turns, a wrong expression, one that matches nothing.
    """
    n = len(prompt)
    if not isinstance(group, str) or not group:
        raise ArgumentError(f"group={group!r}: one of {', '.join(NAMED)}, or a regular expression")
    if group == "token":
        return Units(prompt.tokens, prompt.spans, np.eye(n, dtype=bool))
    if group == "turn":
        if not prompt.groups:
            raise ArgumentError("group='turn': this prompt has no chat turns; pass a list of messages as the prompt")
        number = np.concatenate([np.full(turn.end - turn.start, i) for i, turn in enumerate(prompt.groups)])
    else:
        number = _numbers(prompt, group)
    return _from_numbers(prompt, number)


def _numbers(prompt: Encoded, group: str) -> NDArray[np.int64]:
    pattern = {"word": _WORD, "sentence": _SENTENCE}.get(group, group)
    try:
        matches = [match.span() for match in re.finditer(pattern, prompt.text) if match.end() > match.start()]
    except re.error as error:
        raise ArgumentError(
            f"group={group!r} is neither one of {', '.join(NAMED)} nor a regular expression: {error}"
        ) from None
    if not matches:
        raise ArgumentError(f"group={group!r} matches nothing in this prompt")
    owner = np.full(len(prompt.text) + 1, -1)
    for i, (start, end) in enumerate(matches):
        owner[start:end] = i
    found = np.empty(len(prompt), dtype=np.int64)
    alone = len(matches)
    for i, (start, end) in enumerate(prompt.spans.tolist()):
        text = prompt.text[start:end]
        first = start + len(text) - len(text.lstrip())
        found[i] = owner[first if first < end else start] if end > start else -1
        if found[i] < 0:
            found[i] = alone = alone + 1
    if (found > len(matches)).all():
        raise ArgumentError(
            f"group={group!r} matches, but no token: each belongs to the match that holds its first character that is"
            r" not a space; group='word' or r'\w+' takes whole words"
        )
    return found


def _from_numbers(prompt: Encoded, number: NDArray[np.int64]) -> Units:
    """Units in reading order; one whose tokens do not follow each other is cut where it is left."""
    runs = np.concatenate([[0], np.cumsum(np.diff(number) != 0)])
    member = runs[None] == np.arange(runs[-1] + 1)[:, None]
    spans, texts = [], []
    for row in member:
        inside = np.flatnonzero(row)
        start, end = int(prompt.spans[inside, 0].min()), int(prompt.spans[inside, 1].max())
        spans.append((start, end))
        texts.append(prompt.text[start:end] if end > start else "".join(prompt.tokens[i] for i in inside))
    return Units(tuple(texts), np.asarray(spans, dtype=np.int64), member)
