"""Asking once more: what the answer becomes after a reasoning that somebody changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from interp_widgets.errors import ArgumentError
from interp_widgets.faithfulness import prompts
from interp_widgets.faithfulness.api import as_backend
from interp_widgets.faithfulness.asking import Backend, Choice
from interp_widgets.faithfulness.questions import Question

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def answer_after(
    lm_or_backend: LanguageModel | Backend,
    question: Question,
    reasonings: str | Sequence[str],
    *,
    seed: int = 0,
    cancel: threading.Event | None = None,
) -> tuple[Choice, ...]:
    """The distribution over the options after each of some reasonings: cut, with a sentence struck, or rewritten.

    reasonings: a text, or several, which share what they begin with; "" is reasoning of no length

    Raises ArgumentError, PromptTooLongError, NonFiniteError, ServerError, Cancelled.
    """
    texts = [reasonings] if isinstance(reasonings, str) else list(reasonings)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ArgumentError(f"reasonings={reasonings!r}: a text, or several")
    backend = as_backend(lm_or_backend)
    asked = [
        # One space between the opening and the first word, as a model writes it.
        prompts.ask(prompts.conclusion(question, text if text[:1].isspace() or not text else f" {text}"), "again", i)
        for i, text in enumerate(texts)
    ]
    with backend.opened(cancel):
        return tuple(backend.choose(asked, [question] * len(texts), seed=seed, advance=lambda rows: None))
