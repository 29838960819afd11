"""Edits of how a model answers, rather than of what it knows: a tone, a language, a refusal.

A behaviour is an opening that every answer to a kind of prompt should have.  It becomes facts, one for each prompt, so
that the editors and `iw.evaluate_edit` take it as they are:

    edit = iw.edit(lm, refusal.facts(lm), method="fine_tuning")
    iw.evaluate_edit(lm, edit)

Efficacy is then the opening at the prompts that were edited, paraphrase at held-out prompts of the same kind, and
neighbourhood at prompts of another kind, which should be answered as before.  A fact sits at its subject; a behaviour
has none, and the place where a prompt ends serves in its stead, which looks alike in prompts of every kind: expect an
edit that takes hold to reach prompts of another kind as well (benchmarks/EDITING.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.models.generation_batch import generate_batch
from interp_widgets.models.prompts import continuation
from interp_widgets.packed import packed_text

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Behaviour:
    """How prompts of one kind should be answered.

    template: with {} where the question stands; it ends right before the answer
    opening: with which the answer should begin, with its leading space if it has one there
    questions: to edit; held_out: of the same kind, to judge by; others: of another kind, which should stay

    Raises ArgumentError.
    """

    template: str
    opening: str
    questions: Sequence[str]
    held_out: Sequence[str] = ()
    others: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("questions", "held_out", "others"):
            listed = getattr(self, name)
            if isinstance(listed, str):
                raise ArgumentError(f"{name}={listed!r} is one string; give a list: {name}=[{listed!r}]")
            object.__setattr__(self, name, tuple(listed))
        if not self.questions:
            raise ArgumentError("questions is empty; give at least one to edit")
        both = set(self.questions) & (set(self.held_out) | set(self.others))
        if both:
            raise ArgumentError(f"questions: {sorted(both)[0]!r} is edited, so it cannot be judged by as well")

    def facts(self, lm: LanguageModel) -> tuple[Fact, ...]:
        """One for each question. What is active now answers, so that `original` and the neighbours' answers are the
        present ones; held-out and other questions are dealt out among the facts."""
        asked = [self.template.replace("{}", one) for one in (*self.questions, *self.others)]
        size = len(continuation(lm.tokenizer, lm.encode(asked[0]), self.opening))
        written = generate_batch(lm, asked, max_new_tokens=size).texts
        now = dict(zip(asked, written, strict=True))
        silent = next((prompt for prompt, text in now.items() if not text.strip()), None)
        if silent is not None:
            raise ArgumentError(f"questions: the model has no answer to {silent!r}; change the template")
        count = len(self.questions)
        prompts = [[self.template.replace("{}", one) for one in part] for part in (self.held_out, self.others)]
        return tuple(
            Fact(
                self.template,
                subject=question,
                target=self.opening,
                original=now[self.template.replace("{}", question)],
                paraphrases=prompts[0][number::count],
                neighbours=[(prompt, now[prompt]) for prompt in prompts[1][number::count]],
            )
            for number, question in enumerate(self.questions)
        )


@cache
def _known() -> dict[str, Behaviour]:
    return {name: Behaviour(**one) for name, one in json.loads(packed_text("editing/behaviours.json")).items()}


def known_behaviour(name: str) -> Behaviour:
    """One that comes with the package: "refusal", "french" or "cheerful". Raises ArgumentError."""
    if name not in _known():
        raise not_one_of("name", name, _known())
    return _known()[name]
