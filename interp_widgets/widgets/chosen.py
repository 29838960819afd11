"""A card whose picture has cells, one of which can be chosen: by a click, by Enter, or from Python.

`cell` is what Python reads, with the cell's numbers; `place` is the same as the page has it: the name of the sheet, and
the numbers of row and column. Whichever is set, the other follows.
"""

from __future__ import annotations

from typing import Any, ClassVar

import traitlets

from interp_widgets.errors import ArgumentError
from interp_widgets.widgets.card import CardWidget


class ChosenWidget(CardWidget):
    """Base of the widgets with cells; a subclass says what a cell is.

    Attributes
    ----------
    cell: the chosen cell, or None; changes by clicks (`observe` it), and can be set, also by what names one
    """

    settable = frozenset({"selection", "place"})
    example: ClassVar[tuple[str, int, int]]

    place = traitlets.List(traitlets.Any()).tag(sync=True)
    cell = traitlets.Any(None, allow_none=True)

    def _cell_at(self, sheet: str, row: int, column: int) -> Any:
        """The cell of the result that is shown. Raises ArgumentError, OutOfRangeError."""
        raise NotImplementedError

    def _place_of(self, cell: Any) -> list[Any]:
        """Where a cell is."""
        raise NotImplementedError

    @traitlets.validate("place")
    def _check_place(self, proposal: Any) -> list[Any]:
        place = list(proposal["value"])
        if not place:
            return []
        return self._place_of(self._read(place))

    @traitlets.validate("cell")
    def _check_cell(self, proposal: Any) -> Any:
        value = proposal["value"]
        if value is None:
            return None
        try:
            return self._read(self._place_of(value))
        except AttributeError:  # no cell: what names one
            return self._read(value)

    def _read(self, place: Any) -> Any:
        try:
            sheet, row, column = place
            return self._cell_at(str(sheet), int(row), int(column))
        except (ArgumentError, IndexError) as error:
            raise traitlets.TraitError(f"cell={tuple(place)!r}: {error}") from error
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(
                f"cell={place!r}: give None, a cell, or the three that name one, such as {self.example!r}"
            ) from error

    @traitlets.observe("place")
    def _follow_place(self, change: Any) -> None:
        place = change["new"]
        if place != ([] if self.cell is None else self._place_of(self.cell)):
            self.cell = tuple(place) if place else None

    @traitlets.observe("cell")
    def _follow_cell(self, change: Any) -> None:
        cell = change["new"]
        with self.lock:
            self.place = [] if cell is None else self._place_of(cell)

    def _draw(self, result: Any) -> None:
        super()._draw(result)
        kept = list(self.place)
        try:
            self.cell = tuple(kept) if kept else None  # the same place, with the numbers of the new result
        except traitlets.TraitError:
            self.cell = None

    def _free(self) -> None:
        self.set_trait("place", [])
        super()._free()
