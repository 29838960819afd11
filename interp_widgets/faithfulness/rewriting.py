"""A sentence rewritten by the model itself where that was asked for and worked, otherwise by rule; which, is kept.

A small model's poor mistakes (the same sentence again, a refusal, a lecture) would leave the answer as it is, and look
like reasoning that does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from interp_widgets.faithfulness.sentences import in_place_of

_LABEL = re.compile(r"^(?:the\s+)?(?:rewritten\s+)?(?:step|sentence)?\s*:?\s*", re.IGNORECASE)
_LONGER = 3  # times the sentence's own length


def rewrites(
    sentence: str, written: str | None, rule: Callable[[str], tuple[str, str] | None]
) -> tuple[str, str] | None:
    """(the sentence as changed, "model" or "rules: ..."); None where neither can.

    written: what the model wrote for it, None where it was not asked.
    """
    if written is not None:
        words = _cleaned(written)
        if words and _bare(words) != _bare(sentence) and len(words) <= _LONGER * len(sentence.strip()) + 20:
            return in_place_of(sentence, words), "model"
    by_rule = rule(sentence)
    return None if by_rule is None else (by_rule[0], f"rules: {by_rule[1]}")


def _cleaned(written: str) -> str:
    """Its first line that says something, without quotes and a label such as "Rewritten step:"."""
    for line in written.strip().splitlines():
        words = line.strip().strip("*\"'\u201c\u201d ")
        if ":" in words[:25]:
            words = _LABEL.sub("", words, count=1)
        if re.search(r"\w", words):
            return words.strip("*\"'\u201c\u201d ")
    return ""


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
