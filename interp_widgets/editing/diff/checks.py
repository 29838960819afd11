"""How each prompt of an evaluation came out, in a shape and a word; and each of its parts.

A prompt "stands" where the wanted answer is above the other one, by log-probability a token; where there is no other
one, where it is the first choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.evaluating.evaluation_result import PARTS, EditEvaluation
from interp_widgets.editing.evaluating.evaluation_verdict import LOST
from interp_widgets.results.numbers import count

Tone = Literal["ok", "warn", "bad"]
_RANK: dict[Tone, int] = {"bad": 0, "warn": 1, "ok": 2}
_NAMES = {
    "fact": ("fact", "facts"),
    "paraphrase": ("paraphrase", "paraphrases"),
    "ripple": ("consequence", "consequences"),
    "neighbour": ("neighbour", "neighbours"),
}
ORDER = ("fact", "paraphrase", "ripple", "neighbour")  # how parts stand below each other
assert set(ORDER) == set(PARTS)


@dataclass(frozen=True)
class Tally:
    """A part: how many prompts it has, how many stand without and with the edit, how many stood and no longer do, and
    how many were the first choice without and with it."""

    part: str
    n: int
    before: int
    after: int
    lost: int
    first_before: int
    first_after: int

    @property
    def words(self) -> str:
        """Such as "4 neighbours"."""
        return count(self.n, *_NAMES[self.part])

    @property
    def tone(self) -> Tone:
        if self.part == "neighbour":
            return "ok" if not self.lost else "bad" if self.lost > LOST * self.n else "warn"
        if self.after == self.n:
            return "ok" if self.first_after == self.n else "warn"
        return "bad" if self.part == "fact" and 2 * self.after < self.n else "warn"


def stands(judged: EditEvaluation, *, edited: bool) -> NDArray[np.bool_]:
    """(n,), for each prompt."""
    values = judged.after if edited else judged.before
    first = judged.first_after if edited else judged.first_before
    return np.where(np.isfinite(values[:, 1]), values[:, 0] > values[:, 1], first)


def tallies(judged: EditEvaluation) -> dict[str, Tally]:
    """Of each part that has prompts, in the order in which they are shown."""
    parts = np.asarray(judged.parts)
    before, after = (stands(judged, edited=edited) for edited in (False, True))
    found = {}
    for part in ORDER:
        own = parts == part
        if own.any():
            found[part] = Tally(
                part,
                int(own.sum()),
                int(before[own].sum()),
                int(after[own].sum()),
                int((before & ~after)[own].sum()),
                int(judged.first_before[own].sum()),
                int(judged.first_after[own].sum()),
            )
    return found


def outcomes(judged: EditEvaluation) -> list[tuple[Tone, str]]:
    """Shape and word of each prompt."""
    before, after = (stands(judged, edited=edited).tolist() for edited in (False, True))
    first = zip(judged.first_before.tolist(), judged.first_after.tolist(), strict=True)
    rows = zip(judged.parts, before, after, first, strict=True)
    return [_stays(*row) if row[0] == "neighbour" else _changes(*row) for row in rows]


def _changes(part: str, before: bool, after: bool, first: tuple[bool, bool]) -> tuple[Tone, str]:
    if after:
        return ("ok", "holds") if first[1] else ("warn", "ahead, not first")
    return ("bad" if part == "fact" else "warn", "lost" if before else "not reached")


def _stays(part: str, before: bool, after: bool, first: tuple[bool, bool]) -> tuple[Tone, str]:
    if before and not after:
        return "bad", "lost"
    if not before:
        return "ok", "right now" if after else "wrong before too"
    return ("warn", "no longer first") if first[0] and not first[1] else ("ok", "kept")


def worst_first(judged: EditEvaluation, part: str) -> list[int]:
    """Rows of a part: what went wrong first, and of two alike the one with less of a lead, or the larger change."""
    found = outcomes(judged)
    lead = judged.after[:, 0] - np.nan_to_num(judged.after[:, 1], nan=0.0)
    rows = [i for i, own in enumerate(judged.parts) if own == part]
    return sorted(rows, key=lambda i: (_RANK[found[i][0]], float(lead[i]), i))


def drawn_rows(judged: EditEvaluation, most: int) -> dict[str, list[int]]:
    """At most so many rows of each part, those to look at first; in their own order where all are drawn."""
    return {part: _cut(worst_first(judged, part), most) for part in tallies(judged)}


def _cut(rows: list[int], most: int) -> list[int]:
    return sorted(rows) if len(rows) <= most else rows[:most]
