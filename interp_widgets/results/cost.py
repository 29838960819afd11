"""What an analysis would cost, before it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """forward_passes: rows through the model; seconds: by this model's own measured speed; bytes: above the model."""

    forward_passes: int
    seconds: float
    bytes: int

    def __str__(self) -> str:
        return f"{self.forward_passes} forward passes, about {self.seconds:.1f} s, {self.bytes / 1e6:.0f} MB"
