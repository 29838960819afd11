"""What the tests ask of a model, and what every backend has to offer: to go on with a text, and to choose an option."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from interp_widgets.faithfulness.questions import Question
from interp_widgets.results.cost import Cost
from interp_widgets.results.provenance import Provenance

Messages = tuple[tuple[str, str], ...]  # (role, text)
Advance = Callable[[int], None]  # told how many more rows are done


@dataclass(frozen=True)
class Ask:
    """messages: where the assistant has the last one, it is an unfinished text to go on with
    topic: names what begins alike, so that a backend may keep it; key: names this one, for the seed of what is drawn"""

    messages: Messages
    topic: str
    key: str

    def seed(self, seed: int) -> int:
        """Of this ask alone: its text does not depend on what else is asked, or in which order."""
        return zlib.crc32(f"{seed}/{self.key}".encode())


@dataclass(frozen=True)
class Choice:
    """A distribution over the options of a question.

    probabilities: one for each option; unparsed: the share of samples that name no option; together they are 1
    samples: how many texts were drawn, 0 where probabilities were read from the model
    mass: of all that the model might have said, the probability of an option's letter; None where it is not known
    texts: the samples that name no option
    """

    probabilities: tuple[float, ...]
    unparsed: float = 0.0
    samples: int = 0
    mass: float | None = None
    texts: tuple[str, ...] = ()

    @property
    def option(self) -> int | None:
        """The most probable option; None where more samples name none. Of equal ones the first."""
        best = max(range(len(self.probabilities)), key=lambda i: (self.probabilities[i], -i))
        return best if self.probabilities[best] > 0 and self.probabilities[best] >= self.unparsed else None


@dataclass(frozen=True)
class Amount:
    """How much is asked, for estimates: texts and tokens that are written, choices, and tokens that are read for both,
    all of them upper bounds or fair guesses."""

    texts: int
    written: int
    choices: int
    read: int

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.texts + other.texts,
            self.written + other.written,
            self.choices + other.choices,
            self.read + other.read,
        )


@runtime_checkable
class Backend(Protocol):
    """A model behind the tests. `LocalBackend` and `ServerBackend` are two; anything with these members is another.

    name: of the model; exact: an unfinished text is gone on with token by token (a server is asked to in words, so
    what it writes may differ where nothing was changed)
    """

    @property
    def name(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def opened(self, cancel: threading.Event | None) -> AbstractContextManager[object]:
        """What holds for the whole run: the model's lock, a client."""

    def write(
        self, asked: Sequence[Ask], *, max_new_tokens: int, temperature: float, seed: int, advance: Advance
    ) -> list[str]:
        """Go on with each; may be empty texts."""

    def choose(
        self, asked: Sequence[Ask], questions: Sequence[Question], *, seed: int, advance: Advance
    ) -> list[Choice]:
        """Which option each conversation, which ends with the question for it, leads to."""

    def length(self, text: str) -> int:
        """Tokens of a text, or a guess."""

    def cost(self, amount: Amount) -> Cost:
        """Of asking so much."""

    def allow(self, cost: Cost, confirm: Callable[[Any], bool] | bool | None) -> None:
        """Before anything runs: raises Cancelled or TooCostlyError."""

    def provenance(self, *, prompt: str, seed: int, seconds: float, notes: Sequence[str]) -> Provenance:
        """Of the run that is open or was the last."""
