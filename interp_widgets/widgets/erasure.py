"""An erasure as a live widget: its eraser is switched on and off, and the ledger is followed.

Switching acts at once; what is shown stays, for it is what the eraser does when it is on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import traitlets

from interp_widgets.erasure.result import ErasureResult
from interp_widgets.errors import ArgumentError
from interp_widgets.widgets.acting import others_now, state_of
from interp_widgets.widgets.card import CardWidget
from interp_widgets.widgets.display import ERASURE
from interp_widgets.widgets.protocol import request

if TYPE_CHECKING:
    from interp_widgets.interventions.erased import Erased

_log = logging.getLogger(__name__)


class Erasure(CardWidget):
    """What is left of a concept, and its eraser's switch.

    Parameters
    ----------
    result: what `iw.erasure.evaluate` or `iw.erasure.probe` returned
    key: a name; a widget of the same name that was made before is closed

    Attributes
    ----------
    result: the result that is shown; can be set
    eraser: the eraser that it is about, as long as it is in memory
    selection: numbers of the chosen points (rows of `result.points`), sorted
    """

    kind = ERASURE
    follows_ledger = True
    bundle = "erasure"

    result = traitlets.Instance(ErasureResult)

    def __init__(self, result: ErasureResult, *, key: str | None = None) -> None:
        if not isinstance(result, ErasureResult):
            raise ArgumentError(f"result={result!r} is not what iw.erasure.evaluate or iw.erasure.probe returns")
        self._held: Erased | None = None  # so that it can be put back into the ledger
        super().__init__(result, key=key)

    @property
    def eraser(self) -> Erased | None:
        """The eraser that the result is about; None for states from an array, or if it is no longer in memory."""
        return self._eraser_of(self.result)

    def toggle(self, on: bool | None = None) -> bool:
        """Switch the eraser on or off, or to the other state; returns the new state. Raises ArgumentError if it is in
        no ledger."""
        x = self._known()
        ledger = x.ledger
        if ledger is None or ledger.name_of(x) is None:
            raise ArgumentError("this eraser is in no ledger. Put it there with apply().")
        return ledger.toggle(x, on)

    def apply(self) -> None:
        """Put the eraser into its model's ledger, on. Raises ArgumentError if it is there."""
        lm, x = self._model_of(self.result), self._known()
        lm.ledger.add(x)

    @request("explain")
    def _explain(self, **args: Any) -> dict[str, Any]:
        if set(args) == {"toggle"}:
            self.toggle(bool(args["toggle"]["on"]))
        elif set(args) == {"apply"}:
            self.apply()
        else:
            raise ArgumentError(f"asked {', '.join(sorted(args)) or 'nothing'}; this card answers toggle or apply")
        return {"done": True}

    def _options(self, result: ErasureResult) -> dict[str, Any]:
        lm = result.model()
        if not result.digest:
            return {"live": False, "state": "none", "note": ""}
        if lm is None:
            return {"live": False, "state": "gone", "note": ""}
        x = self._eraser_of(result)
        return {
            "live": True,
            "state": state_of(x, out="out"),
            "note": others_now(lm, x, result.provenance.interventions, "measured"),
        }

    def _eraser_of(self, result: ErasureResult) -> Erased | None:
        if not result.digest:
            return None
        from interp_widgets.interventions.digest import digest_of, find
        from interp_widgets.interventions.erased import Erased

        found = find(Erased, result.digest, result.provenance.fingerprint)
        held = self._held
        if found is None and held is not None and digest_of(held) == result.digest:
            found = held
        if found is not None and not self.__dict__.get("_closing"):
            self._held = found
        return found

    def _known(self) -> Erased:
        x = self.eraser
        if x is None:
            raise ArgumentError(
                f"the eraser of {self.result.concept!r} is no longer in memory; fit it again with iw.erase, or load its"
                " file"
            )
        return x

    def _free(self) -> None:
        self._held = None
        super()._free()
