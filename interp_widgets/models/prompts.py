"""From a prompt to tokens: ids, the characters that each covers, chat turns, and the count of BOS tokens.

Spans come from the tokenizer's offsets on the whole string; tokenising pieces apart and adding lengths is wrong
wherever a token crosses the seam.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, EmptyPromptError, PromptTooLongError, TargetError
from interp_widgets.models.spelling import spell_bytes

Prompt = str | Sequence[Mapping[str, str]] | Sequence[int]


@dataclass(frozen=True)
class Group:
    """A chat turn: role (or "template" for what the template itself adds) and its tokens, `start` to `end - 1`."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Encoded:
    """A tokenised prompt.

    text: the string that was tokenised (chat template applied; for token ids: their decoding)
    ids: int64, (tokens,)
    spans: int64, (tokens, 2); start and end of each token's characters in `text`. A white space that the tokenizer's
        offsets leave out belongs to the token after it. Tokens that share a character overlap; a special token that
        is not in `text` has an empty span.
    tokens: each token decoded alone; bytes that are only a part of a character by their numbers, "⟨F0 9F⟩"
    groups: chat turns, covering all tokens; empty for a plain prompt
    bos: how many BOS tokens stand in front
    """

    text: str
    ids: NDArray[np.int64]
    spans: NDArray[np.int64]
    tokens: tuple[str, ...]
    groups: tuple[Group, ...]
    bos: int

    def __len__(self) -> int:
        return len(self.ids)


def encode(tokenizer: Any, prompt: Prompt, *, context_length: int | None = None) -> Encoded:
    """Tokenise a string, a list of chat messages (`{"role": ..., "content": ...}`), or token ids.

    A string gets as many BOS tokens as the tokenizer itself adds, never a second one; a chat prompt is what the
    model's own template makes of it, with the opening of the assistant's turn; where the assistant has the last
    message, that is an unfinished answer, which goes on after its last word.

    Raises
    ------
    EmptyPromptError, PromptTooLongError, ArgumentError (chat without a template, not a prompt, not encodable)
    """
    turns: list[tuple[str, int, int]] | None = None
    if isinstance(prompt, str):
        if not prompt:
            raise EmptyPromptError("prompt='' is empty; write at least one character, or pass token ids")
        text = prompt
        ids, spans = tokenise(tokenizer, text)
    elif _is_chat(prompt):
        text, turns = _render(tokenizer, prompt)  # type: ignore[arg-type]  # _is_chat has looked at every message
        ids, spans = tokenise(tokenizer, text, special=False)  # the template writes them all itself
    else:
        ids = _as_ids(tokenizer, prompt)
        text, spans = _spell(tokenizer, ids)
    if len(ids) == 0:
        raise EmptyPromptError(f"prompt={prompt!r} has no tokens; write at least one character")
    if context_length is not None and len(ids) > context_length:
        raise PromptTooLongError(
            f"prompt has {len(ids)} tokens, the model's context holds {context_length};"
            f" cut at least {len(ids) - context_length} tokens"
        )
    return Encoded(
        text=text,
        ids=ids,
        spans=spans,
        tokens=tuple(_spell_alone(tokenizer, ids)),
        groups=_groups(turns, spans) if turns is not None else (),
        bos=_count_bos(tokenizer, ids),
    )


def covering(spans: NDArray[np.int64], start: int, end: int) -> tuple[int, int]:
    """First and last token that hold one of the characters from `start` up to `end`."""
    inside = np.flatnonzero((spans[:, 0] < end) & (spans[:, 1] > start))
    return int(inside[0]), int(inside[-1])


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of some tokens, special ones spelled out, spaces as they are: also the first token's own, which
    decoders of Llama 2's kind take for the start of a text and strip."""
    text = _decode_text(tokenizer, ids)
    first = tokenizer.convert_ids_to_tokens(int(ids[0])) if len(ids) else None
    if first is None or not first.startswith("▁"):
        return text
    missing = (len(first) - len(first.lstrip("▁"))) - (len(text) - len(text.lstrip(" ")))
    return " " * missing + text


def _decode_text(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def tokenise(tokenizer: Any, text: str, *, special: bool = True) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and character spans of a string, with one source of BOS: the text, or with `special` the tokenizer."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentError(
            f"prompt has a lone surrogate at character {error.start}, which is no text; "
            "remove it, or pass token ids to ask about single bytes"
        ) from None
    bos = tokenizer.bos_token
    brings_its_own = bool(bos) and text.startswith(bos)
    encoded = tokenizer(
        text, return_offsets_mapping=True, add_special_tokens=special and not brings_its_own, verbose=False
    )
    ids = np.asarray(encoded["input_ids"], dtype=np.int64)
    spans = np.asarray(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    return ids, _cover(text, ids, spans)


def _cover(text: str, ids: NDArray[np.int64], spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the white space between two spans, which some tokenizers leave out, to the token after it."""
    spans = spans.copy()
    end = 0
    for i, (start, stop) in enumerate(spans):
        if stop > start:
            if start > end and text[end:start].isspace():
                spans[i, 0] = end
            end = max(end, int(stop))
        elif start > end and text[end:start].isspace():  # a token of white space whose offsets were trimmed away
            spans[i] = end, start
            end = int(start)
        else:  # BOS and the like: nowhere in the text
            spans[i] = end
    if len(spans) and text[end:].isspace():  # at the end of the text there is no token after it
        spans[-1] = (spans[-1, 0] if spans[-1, 1] > spans[-1, 0] else end), len(text)
    return spans


def _is_chat(prompt: Any) -> bool:
    return (
        isinstance(prompt, Sequence)
        and len(prompt) > 0
        and all(isinstance(m, Mapping) and isinstance(m.get("role"), str) for m in prompt)
    )


def _render(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> tuple[str, list[tuple[str, int, int]]]:
    """The template's text, and for each message its role and the characters of its content."""
    if not getattr(tokenizer, "chat_template", None):
        raise ArgumentError("prompt is a list of messages, but this model has no chat template; pass a string")
    for message in messages:
        if not isinstance(message.get("content"), str):
            raise ArgumentError(f"prompt has the message {dict(message)!r}; each needs a 'role' and a text 'content'")

    unfinished = messages[-1]["role"] == "assistant"

    def apply(some: list[dict[str, str]]) -> str:
        text = tokenizer.apply_chat_template(
            some, tokenize=False, add_generation_prompt=not unfinished, continue_final_message=unfinished
        )
        return str(text)

    text = apply([dict(message) for message in messages])
    # Marks in place of the contents show what the template writes around each, whatever the contents repeat of it.
    marked = apply([{**message, "content": f"\ue000{i}\ue001"} for i, message in enumerate(messages)])
    around = re.split("\ue000([0-9]+)\ue001", marked)
    turns: list[tuple[str, int, int]] = []
    cursor = 0
    for before, number, after in zip(around[0::2], around[1::2], around[2::2], strict=False):
        message = messages[int(number)]
        start, length = _locate(text, message["content"], cursor, before, after)
        if length:
            turns.append((message["role"], start, start + length))
        cursor = start + length
    return text, turns


def _locate(text: str, content: str, cursor: int, before: str, after: str) -> tuple[int, int]:
    """Start and length of a message's content, from `cursor` on; many templates strip it, some rewrite it."""
    forms = (content, content.strip(), content.lstrip(), content.rstrip())
    start = cursor + len(before)
    if text.startswith(before, cursor):
        for form in forms:
            if text.startswith(form + after, start):
                return start, len(form)
    start = text.find(content.strip(), cursor)
    return (start, len(content.strip())) if start >= 0 else (cursor, 0)


def _groups(turns: list[tuple[str, int, int]], spans: NDArray[np.int64]) -> tuple[Group, ...]:
    labels = []
    for start, end in spans:
        middle = (start + end) / 2
        labels.append(next((role for role, a, b in turns if a <= middle < b and end > start), "template"))
    groups: list[Group] = []
    for i, label in enumerate(labels):
        if groups and groups[-1].label == label:
            groups[-1] = Group(label, groups[-1].start, i + 1)
        else:
            groups.append(Group(label, i, i + 1))
    return tuple(groups)


def _as_ids(tokenizer: Any, prompt: Any) -> NDArray[np.int64]:
    try:
        array = np.asarray(prompt)
    except ValueError:  # ragged
        array = np.empty((0, 0), dtype=object)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ArgumentError(
            f"prompt={prompt!r} is not a string, a list of chat messages, or a flat list of token ids (integers)"
        )
    ids = array.astype(np.int64)
    size = len(tokenizer)
    wrong = ids[(ids < 0) | (ids >= size)]
    if wrong.size:
        raise ArgumentError(f"prompt has the token id {int(wrong[0])}; this tokenizer has ids 0 to {size - 1}")
    return ids


def _spell(tokenizer: Any, ids: NDArray[np.int64]) -> tuple[str, NDArray[np.int64]]:
    """Text and spans of given ids, which need not be what the tokenizer would make of that text."""
    text = _decode_text(tokenizer, ids.tolist())
    encoded = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False, verbose=False)
    if encoded["input_ids"] == ids.tolist():
        return text, _cover(text, ids, np.asarray(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2))
    pieces = _spell_alone(tokenizer, ids)  # for example half a character
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]]) if len(ends) else ends
    return "".join(pieces), np.stack([starts, ends], axis=1)


def _spell_alone(tokenizer: Any, ids: NDArray[np.int64]) -> list[str]:
    return [spell_bytes(tokenizer, i, decode(tokenizer, [i])) for i in ids.tolist()]


def _count_bos(tokenizer: Any, ids: NDArray[np.int64]) -> int:
    count = 0
    while count < len(ids) and tokenizer.bos_token_id is not None and int(ids[count]) == tokenizer.bos_token_id:
        count += 1
    return count


def continuation(tokenizer: Any, prompt: Encoded, target: str | int, *, argument: str = "target") -> NDArray[np.int64]:
    """The token ids that `target` adds to the prompt: the difference of two encodings, not an encoding of its own.

    Raises
    ------
    TargetError: the target is empty, or the tokenizer joins it to the prompt's last token.
    """
    if isinstance(target, int) and not isinstance(target, bool):
        if not 0 <= target < len(tokenizer):
            raise TargetError(f"{argument}={target}: token ids go from 0 to {len(tokenizer) - 1}", argument=argument)
        return np.asarray([target], dtype=np.int64)
    if not isinstance(target, str) or not target:
        raise TargetError(f"{argument}={target!r} is not a text of at least one character", argument=argument)
    added = _added(tokenizer, prompt, target)
    if added is not None:
        return added
    joins = f"{argument}={target!r} cannot follow this prompt: the tokenizer joins it to {prompt.tokens[-1]!r}."
    spaced = " " + target.lstrip()
    if prompt.text[-1:] == " ":
        raise TargetError(
            f"{joins} Leave out the space at the prompt's end, and give {spaced!r}, with a leading space.",
            argument=argument,
            suggestion=spaced,
        )
    if target != spaced and _added(tokenizer, prompt, spaced) is not None:
        raise TargetError(
            f"{joins} Did you mean {spaced!r}, with a leading space?", argument=argument, suggestion=spaced
        )
    raise TargetError(f"{joins} End the prompt before that word, or pass the id of a token.", argument=argument)


def _added(tokenizer: Any, prompt: Encoded, target: str) -> NDArray[np.int64] | None:
    try:
        before, _ = tokenise(tokenizer, prompt.text, special=False)
        after, _ = tokenise(tokenizer, prompt.text + target, special=False)
    except ArgumentError:
        return None
    # Not the prompt's own ids: they may have a BOS that is not in the text, or be no tokenizer's choice.
    n = len(before)
    return after[n:] if len(after) > n and np.array_equal(after[:n], before) else None


def looks_joined(prompt: Encoded, target: str) -> bool:
    """True if target and prompt would read as one word: perhaps a leading space was forgotten."""
    return bool(prompt.text) and prompt.text[-1].isalnum() and target[:1].isalnum()
