"""Where the subject of a fact stands in a prompt, and how large an embedding's entries are over subjects."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch

from interp_widgets.errors import ArgumentError
from interp_widgets.models.prompts import Encoded, covering
from interp_widgets.packed import packed_text
from interp_widgets.results.text import named

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def subject_tokens(prompt: Encoded, subject: str, occurrence: int | None = None) -> tuple[int, int]:
    """First and last token that hold a character of the subject, found by the tokenizer's own offsets.

    occurrence: which one, from 0, where the subject stands in the prompt more than once

    Raises ArgumentError: empty, not in the prompt, there more than once and none chosen, no such occurrence.
    """
    if not isinstance(subject, str) or not subject.strip():
        raise ArgumentError(f"subject={subject!r}: give the words of the prompt that name what the fact is about")
    subject = subject.strip()
    places = [i for i in range(len(prompt.text)) if prompt.text.startswith(subject, i)]
    if not places:
        near = prompt.text.lower().find(subject.lower())
        hint = f"; did you mean {prompt.text[near : near + len(subject)]!r}?" if near >= 0 else ""
        raise ArgumentError(f"subject={subject!r} is not in the prompt {prompt.text!r}{hint}")
    if occurrence is None and len(places) > 1:
        raise ArgumentError(
            f"subject={subject!r} stands in the prompt {len(places)} times, at characters"
            f" {', '.join(map(str, places))}; say which with occurrence=0 to {len(places) - 1}"
        )
    chosen = occurrence or 0
    if not -len(places) <= chosen < len(places):
        raise ArgumentError(f"occurrence={occurrence}: subject={subject!r} is there {len(places)} times")
    return covering(prompt.spans, places[chosen], places[chosen] + len(subject))


def subject_note(prompt: Encoded, first: int, last: int, subject: str) -> str | None:
    """A remark where the subject shares its tokens with other characters than a space before it."""
    covered = prompt.text[int(prompt.spans[first, 0]) : int(prompt.spans[last, 1])]
    if covered.strip() == subject.strip():
        return None
    return f"the subject's tokens also hold other characters: {named(covered)}"


@cache
def reference_subjects() -> tuple[str, ...]:
    """The subjects over which the size of the noise is measured: people, places, works, things."""
    return tuple(line for line in packed_text("locate/subjects.txt").splitlines() if line)


def embedding_spread(lm: LanguageModel) -> float:
    """Standard deviation of all entries of the embeddings of the reference subjects' tokens, where the model adds its
    embedding to the residual stream: after the scaling of families that scale (Gemma)."""
    ids: list[int] = []
    for subject in reference_subjects():
        ids += lm.tokenizer(" " + subject, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        return float(lm.embed(torch.as_tensor(ids)[None]).double().std())
