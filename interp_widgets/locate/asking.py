"""A target or foil as an argument that surely gives the same tokens again, for the code that a picture offers."""

from __future__ import annotations

from collections.abc import Sequence


def same_wish(prompt: str, text: str, ids: Sequence[int]) -> str | int:
    """The text, or its token's id where the tokenizer may join the text to the prompt, or it is half a character."""
    if len(ids) != 1:
        return text
    apart = text[:1] == " " and not prompt[-1:].isspace()
    return text if apart and "\ufffd" not in text and text.strip() else int(ids[0])


def wish_argument(name: str, prompt: str, text: str, ids: Sequence[int]) -> tuple[str, list[str]]:
    """`name=...` as code, and the remark that says what an id stands for."""
    wish = same_wish(prompt, text, ids)
    remark = [f"# The {name} {wish} is {text!r}.\n"] if isinstance(wish, int) else []
    return f"{name}={wish!r}", remark
