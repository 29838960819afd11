"""Figures without pyplot: a worker thread may draw one while another is shown, and no state is left behind."""

from __future__ import annotations

import io
from functools import lru_cache

from matplotlib import font_manager
from matplotlib.figure import Figure

FAMILIES = ("DejaVu Sans Mono", "DejaVu Sans")  # both come with matplotlib


class ResultFigure(Figure):
    """A Figure that a notebook shows by itself; pyplot's own hook for that would need pyplot."""

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=144, bbox_inches="tight")
        return data.getvalue()


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    found: set[int] = set()
    for family in FAMILIES:
        path = font_manager.findfont(font_manager.FontProperties(family=[family]))
        found |= font_manager.get_font(path).get_charmap().keys()
    return frozenset(found)


def drawable(text: str) -> str:
    """The text with names for characters that these fonts lack (an emoji): a box with a warning says less."""
    return "".join(c if ord(c) in _drawable() else f"\u27e8U+{ord(c):04X}\u27e9" for c in text)
