"""What an analysis would cost, before it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """forward_passes: rows through the model; seconds: by this model's own measured speed; bytes: above the model.

    further_passes: forward passes that may follow, depending on what the first ones find; seconds count them in.
    """

    forward_passes: int
    seconds: float
    bytes: int
    further_passes: int = 0

    def __str__(self) -> str:
        further = f" (and up to {self.further_passes} more)" if self.further_passes else ""
        return f"{self.forward_passes} forward passes{further}, about {self.seconds:.1f} s, {self.bytes / 1e6:.0f} MB"
