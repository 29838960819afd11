"""A next token that the model considers; apart, so that results need no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A next token that the model considers: its text, id and probability."""

    text: str
    id: int
    probability: float
