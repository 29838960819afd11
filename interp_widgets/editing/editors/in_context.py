"""In-context editing: the new answer stands in the prompt, and the model is left as it is.

The baseline of every editor.  It costs tokens in every prompt, is forgotten with them, and cannot be shipped with a
model; where it does as well as an edit of weights, retrieval is the better repair.  It is no intervention: it changes
nothing that the model computes, and a ledger has no place for it.  `iw.evaluate_edit` judges it like any edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.results.numbers import count
from interp_widgets.results.text import named

MARK = "New fact: "  # what Zheng et al. 2023 ("Can we edit factual knowledge by in-context learning?") write ahead


@dataclass(frozen=True)
class InContext:
    """Facts to be told ahead of each prompt.

    facts: told in this order, each as a sentence
    mark: stands before each of them

    Raises ArgumentError.
    """

    facts: Sequence[Fact]
    mark: str = MARK
    method: ClassVar[str] = "in context"

    def __post_init__(self) -> None:
        facts = (self.facts,) if isinstance(self.facts, Fact) else tuple(self.facts)
        if not facts or not all(isinstance(fact, Fact) for fact in facts):
            raise ArgumentError(f"facts={self.facts!r}: give an iw.Fact, or a list of them")
        object.__setattr__(self, "facts", facts)  # the class is frozen

    @property
    def told(self) -> str:
        """What stands ahead of a prompt: "New fact: The capital of Australia is Canberra. " for each fact."""
        return "".join(f"{self.mark}{fact.prompt}{fact.target}. " for fact in self.facts)

    def before(self, prompt: str) -> str:
        """The prompt with the facts ahead."""
        return self.told + prompt

    @property
    def name(self) -> str:
        first = self.facts[0]
        what = f"{first.subject}: {named(first.target)}" if len(self.facts) == 1 else count(len(self.facts), "fact")
        return f"in context, {what}"

    def __repr__(self) -> str:
        return f"<InContext {self.name!r}: told in the prompt, nothing is changed>"
