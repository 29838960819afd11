"""What an exercise is: cases that an answer must pass, points, hints, and the mistakes that are known by sight.

1. A `Case` makes arguments from a seed, and knows the right answer for them by a road of its own (a closed form,
   finite differences, a library): never by running the learner's code, nor a copy of the solution.
2. A `Mistake` is a wrong answer that learners give.  It is declared as a function that gives what such an answer
   gives; where the learner's values equal its values, its hint is the one that is shown.
3. The same case with another seed is the hidden test.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp_widgets.course.compare import Miss, match

Arguments = tuple[Any, ...]


def _no_arguments(rng: np.random.Generator) -> Arguments:
    return ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that an answer must do.

    arguments: from a generator of random numbers to what the learner's function is called with.
    expected: the right answer for those arguments. relative, absolute: how far from it is still equal.
    judge: where equality is not the question: raises `Miss` for (value, *arguments).
    """

    name: str
    points: float
    hint: str
    arguments: Callable[[np.random.Generator], Arguments] = _no_arguments
    expected: Callable[..., Any] | None = None
    judge: Callable[..., None] | None = None
    relative: float = 1e-6
    absolute: float = 1e-9

    def verify(self, value: Any, arguments: Arguments) -> None:
        """Raises `Miss` unless the value is right."""
        if self.expected is not None:
            match(value, self.expected(*arguments), relative=self.relative, absolute=self.absolute)
        if self.judge is not None:
            self.judge(value, *arguments)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A known wrong answer. answer: takes a case's arguments and gives what an answer with this mistake gives.

    Without `answer` it is found by a case's own judge, which names it in its `Miss`.
    """

    name: str
    hint: str
    answer: Callable[..., Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """An exercise that `check` marks. difficulty: 1 to 3. signature: how the answer is called, for messages.

    seconds: how long one case may take. partial: False where a part of the cases is worth nothing, because an answer
    that is always the same would pass it.
    """

    id: str
    title: str
    difficulty: int
    minutes: int
    signature: str
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    seconds: float = 10.0
    partial: bool = True

    @property
    def points(self) -> float:
        return sum(case.points for case in self.cases)

    @property
    def lab(self) -> str:
        return self.id.partition("-")[0]

    @property
    def heading(self) -> str:
        """As in the notebook: "Exercise 2: integrated gradients by hand"."""
        return f"Exercise {self.id.rpartition('-q')[2]}: {self.title[0].lower()}{self.title[1:]}"

    def mistake(self, name: str) -> Mistake:
        return next(mistake for mistake in self.mistakes if mistake.name == name)

    def arguments(self, case: Case, seed: int) -> Arguments:
        """The same for the same seed, everywhere; each case has random numbers of its own."""
        return case.arguments(np.random.default_rng([seed, *map(_number, (self.id, case.name))]))


@dataclass(frozen=True, kw_only=True)
class Written:
    """A question that a person marks. rubric: what is worth how many points."""

    id: str
    title: str
    difficulty: int
    minutes: int
    rubric: tuple[tuple[float, str], ...]
    hints: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        return sum(points for points, _ in self.rubric)

    @property
    def lab(self) -> str:
        return self.id.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One notebook of the course. notebook: its file's name without the ending."""

    id: str
    title: str
    notebook: str
    minutes: int
    exercises: tuple[Exercise | Written, ...]

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)


def _number(text: str) -> int:
    return zlib.crc32(text.encode())


__all__ = ["Arguments", "Case", "Exercise", "Lab", "Miss", "Mistake", "Written"]
