"""Wrong answers as learners write them: a right answer of a collection, with some places changed."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """exercise, the mistake's name, and the whole text of the answer cell."""

    exercise: str
    mistake: str
    source: str


def changed(exercise: str, mistake: str, right: str, *changes: tuple[str, str]) -> Wrong:
    """A right answer with some places changed, each of which must be there."""
    for old, new in changes:
        assert old in right, (exercise, mistake, old)
        right = right.replace(old, new)
    return Wrong(exercise, mistake, right.strip() + "\n")


def name_in(source: str) -> str:
    """What the answer that a cell defines is called."""
    found = re.search(r"^def (\w+)", source, re.MULTILINE)
    assert found is not None
    return found[1]
