"""What an analysis would cost, before it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from interp_widgets.errors import Cancelled, TooCostlyError


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


REFUSED_SECONDS = 300.0


def allow(cost: Cost, confirm: Callable[[Cost], bool] | bool | None, instead: str) -> None:
    """Before anything runs: raises Cancelled where the caller refuses the cost, and TooCostlyError where nobody was
    asked about more than five minutes.

    instead: what would cost less, a sentence's middle: "Take fewer layers=[...]"
    """
    if confirm is False or (callable(confirm) and not confirm(cost)):
        raise Cancelled("not confirmed; nothing was computed")
    if confirm is None and cost.seconds > REFUSED_SECONDS:
        raise TooCostlyError(f"this would take {cost}. {instead}, or pass confirm=True to run it all the same")
