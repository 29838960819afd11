"""Contrast pairs: two prompts that differ in one trait and in nothing else.

    ContrastPairs.from_templates("Act as {persona} person.", ["an honest"], ["a lying"], suffixes=["I think", ...])
    ContrastPairs.from_lists(glad, sad)
    ContrastPairs.from_table(frame, "glad", "sad")
    ContrastPairs.written_by(lm, "a cheerful", "a gloomy", topics)

50 to 200 pairs are enough for one direction; fewer make it noisy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.errors import ArgumentError
from interp_widgets.models.prompts import Prompt

if TYPE_CHECKING:
    import pandas as pd

    from interp_widgets.models.language_model import LanguageModel

Message = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class ContrastPairs:
    """positive[i] and negative[i] are a pair; `poles` are the words for the two ends, positive first.

    Raises ArgumentError for none, for lists of unequal length, and for a pair whose prompts are the same.
    """

    positive: tuple[Prompt, ...]
    negative: tuple[Prompt, ...]
    name: str = "control vector"
    poles: tuple[str, str] = ("positive", "negative")

    def __post_init__(self) -> None:
        for side in ("positive", "negative"):
            value = getattr(self, side)
            if isinstance(value, str):
                raise ArgumentError(f"{side}={value!r} is one prompt; give a list with one prompt for each pair")
            object.__setattr__(self, side, tuple(value))
        if len(self.positive) != len(self.negative) or not self.positive:
            raise ArgumentError(
                f"positive has {len(self.positive)} prompts and negative {len(self.negative)}: give as many of both,"
                " at least two, so that the same place in each makes a pair"
            )
        for i, (one, other) in enumerate(zip(self.positive, self.negative, strict=True)):
            if plain(one) == plain(other):
                raise ArgumentError(f"pair {i} has the same prompt on both sides: {_short(one)}")

    def __len__(self) -> int:
        return len(self.positive)

    def __add__(self, other: ContrastPairs) -> ContrastPairs:
        return replace(self, positive=self.positive + other.positive, negative=self.negative + other.negative)

    @classmethod
    def from_lists(cls, positive: Sequence[Prompt], negative: Sequence[Prompt], **named: Any) -> ContrastPairs:
        """Two lists; their prompts at the same place are a pair."""
        return cls(tuple(positive), tuple(negative), **named)

    @classmethod
    def from_templates(
        cls,
        template: str | Sequence[Message],
        positive: Sequence[str],
        negative: Sequence[str],
        suffixes: Sequence[str] = ("",),
        **named: Any,
    ) -> ContrastPairs:
        """Every persona pair with every suffix.

        template: with the word {persona}, and {suffix} if there are suffixes; or chat messages whose contents have
        them. Ends the last message with an unfinished answer of the assistant, its last token is what is read.
        """
        if len(positive) != len(negative):
            raise ArgumentError(
                f"positive has {len(positive)} personas and negative {len(negative)}; give as many of both"
            )
        written = template if isinstance(template, str) else " ".join(message["content"] for message in template)
        needed = ["{persona}", *(["{suffix}"] if tuple(suffixes) != ("",) else [])]
        missing = [place for place in needed if place not in written]
        if missing:
            raise ArgumentError(f"template={_short(template)} does not contain {' and '.join(missing)}")

        def fill(persona: str, suffix: str) -> Prompt:
            def put(text: str) -> str:
                return text.replace("{persona}", persona).replace("{suffix}", suffix)

            if isinstance(template, str):
                return put(template)
            return [{**message, "content": put(message["content"])} for message in template]

        couples = [(one, other, suffix) for suffix in suffixes for one, other in zip(positive, negative, strict=True)]
        return cls(
            tuple(fill(one, suffix) for one, _, suffix in couples),
            tuple(fill(other, suffix) for _, other, suffix in couples),
            **named,
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame, positive: str, negative: str, **named: Any) -> ContrastPairs:
        """Two columns of a table, one pair a row."""
        for argument, column in (("positive", positive), ("negative", negative)):
            if column not in table.columns:
                raise ArgumentError(f"{argument}={column!r}: no such column; the table has {', '.join(table.columns)}")
            empty = [i for i, value in enumerate(table[column]) if not isinstance(value, str) or not value]
            if empty:
                raise ArgumentError(f"column {column!r} has no text in row {empty[0]}")
        return cls(tuple(table[positive]), tuple(table[negative]), **named)

    @classmethod
    def written_by(
        cls,
        lm: LanguageModel,
        positive: str,
        negative: str,
        topics: Sequence[str],
        *,
        instruction: str = "You are {persona} person. Write one sentence about {topic}.",
        max_new_tokens: int = 24,
        temperature: float = 0.8,
        seed: int = 0,
        **named: Any,
    ) -> ContrastPairs:
        """Let the model write both sides on each topic, under two personas ("a cheerful", "a gloomy"); the pair is the
        two texts without the instruction. Read them before you use them: small models mix their roles up."""
        from interp_widgets.models.generation_batch import generate_batch

        if isinstance(topics, str) or not topics:
            raise ArgumentError(f"topics={topics!r}: a list of at least one")
        personas = [persona for _ in topics for persona in (positive, negative)]
        prompts = [
            [{"role": "user", "content": instruction.replace("{persona}", persona).replace("{topic}", topic)}]
            for persona, topic in zip(personas, (topic for topic in topics for _ in (0, 1)), strict=True)
        ]
        texts = generate_batch(lm, prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed).texts
        written = [text.strip() for text in texts]
        pairs = [pair for pair in zip(written[0::2], written[1::2], strict=True) if all(pair) and pair[0] != pair[1]]
        return cls(tuple(one for one, _ in pairs), tuple(other for _, other in pairs), **named)

    def split(self, held_out: float = 0.25, *, seed: int = 0) -> tuple[ContrastPairs, ContrastPairs]:
        """(fitting, held-out) pairs, drawn by chance. Pairs that share a suffix or persona may fall on both sides."""
        if not 0 < held_out < 1:
            raise ArgumentError(f"held_out={held_out}: a share between 0 and 1")
        count = min(max(round(len(self) * held_out), 1), len(self) - 1)
        if count < 1:
            raise ArgumentError("one pair cannot be split; give at least two")
        order = np.random.default_rng(seed).permutation(len(self))
        return self[sorted(order[count:].tolist())], self[sorted(order[:count].tolist())]

    def __getitem__(self, which: slice | Sequence[int]) -> ContrastPairs:
        chosen = range(len(self))[which] if isinstance(which, slice) else which
        return replace(
            self, positive=tuple(self.positive[i] for i in chosen), negative=tuple(self.negative[i] for i in chosen)
        )


def as_pairs(positive: ContrastPairs | Sequence[Prompt], negative: Sequence[Prompt] | None) -> ContrastPairs:
    """The two first arguments of `iw.control_vector`: pairs, or two lists."""
    if isinstance(positive, ContrastPairs):
        if negative is not None:
            raise ArgumentError("negative is given beside contrast pairs, which have their own; leave it out")
        return positive
    if negative is None:
        raise ArgumentError("negative is missing: give two lists of prompts, or ContrastPairs")
    return ContrastPairs(positive, negative)  # type: ignore[arg-type]  # it makes tuples, and refuses single strings


def plain(prompt: Prompt) -> Any:
    """A prompt as a value that compares by content."""
    if isinstance(prompt, str):
        return prompt
    return [dict(part) if isinstance(part, Mapping) else int(part) for part in prompt]


def _short(prompt: Any) -> str:
    text = repr(prompt)
    return text if len(text) <= 80 else text[:77] + "..."
