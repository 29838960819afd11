"""The same in other words, by rule: nothing is added, and no number, name or comparison is touched."""

from __future__ import annotations

import re

# Each may be replaced by what follows it wherever it stands in reasoning of this kind, not always the other way round:
# "so" may be "so far", "since" a time. All that fit are changed.
_OTHER = {
    "because": "as", "therefore": "so", "thus": "hence", "hence": "thus", "so,": "therefore,",
    "however,": "but", "need to": "have to", "needs to": "has to", "have to": "need to", "has to": "needs to",
    "we know that": "it is known that", "we can see that": "it can be seen that", "it follows that": "therefore",
    "this means that": "it follows that", "this means": "it follows that", "in total": "altogether",
    "altogether": "in total", "calculate": "work out", "work out": "calculate", "determine": "find out",
    "equals": "is equal to", "is equal to": "equals", "begins": "starts", "starts": "begins", "large": "big",
    "big": "large", "first,": "to begin with,", "finally,": "in the end,", "next,": "after that,",
    "then,": "after that,", "cannot": "can not", "let's": "let us", "it's": "it is", "don't": "do not",
    "doesn't": "does not", "isn't": "is not", "we're": "we are", "usually": "as a rule",
    "the question": "the problem", "the problem": "the question", "in order to": "to", "remaining": "left over",
    "for example": "for instance", "for instance": "for example",
}  # fmt: skip
_PATTERN = re.compile(
    rf"(?<!\w)({'|'.join(re.escape(phrase) for phrase in sorted(_OTHER, key=len, reverse=True))})(?!\w)", re.IGNORECASE
)
_LEAD = "Put another way: "


def paraphrased(sentence: str) -> tuple[str, str]:
    """(the sentence in other words, which rule made it), always the same for the same sentence. A sentence in which no
    phrase is known gets a lead instead: little is changed, and the rule says so."""

    def other(match: re.Match[str]) -> str:
        words = _OTHER[match[0].lower()]
        return words[0].upper() + words[1:] if match[0][0].isupper() else words

    changed = _PATTERN.sub(other, sentence)
    if changed != sentence:
        return changed, "other words"
    space = sentence[: len(sentence) - len(sentence.lstrip())]
    return f"{space}{_LEAD}{sentence.lstrip()}", "a lead"
