"""What a card says of an intervention that it switches."""

from __future__ import annotations

from typing import Any

from interp_widgets.interventions.base import Intervention


def state_of(x: Intervention | None, *, out: str) -> str:
    """ "on", "off", `out` (in no ledger) or "gone" (not in memory)."""
    if x is None:
        return "gone"
    if x.ledger is None or x.ledger.name_of(x) is None:
        return out
    return "on" if x.enabled else "off"


def others_now(lm: Any, x: Intervention | None, then: tuple[str, ...], done: str) -> str:
    """What acts beside it now, where that is not what acted `then`, when it was `done` ("compared")."""
    now = tuple(one.name for one in lm.ledger.values() if one.enabled and one is not x)
    if now == then:
        return ""
    told = [", ".join(names) or "none" for names in (now, then)]
    return f"Other interventions are on now: {told[0]}; when this was {done}: {told[1]}."
