"""`plot()` of a logit lens."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from interp_widgets.locate.lens_payload import QUESTION, reads
from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable
from interp_widgets.results.text import named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.lens_result import LensResult

_LONGEST = 9  # characters of a token in its cell
_CELLS = 1_500  # beyond, words in the cells are too small to read


def plot(result: LensResult) -> Figure:
    """Layers upwards, positions across; a cell has the best token there, and its colour is that token's probability."""
    positions, layers = result.entropy.shape
    size = (max(1.2 + 0.72 * positions, 5.0), 1.8 + 0.22 * layers)
    figure = ResultFigure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    best = result.top_probability[..., 0]
    picture = axes.imshow(best.T, origin="lower", aspect="auto", cmap="Blues", vmin=0, vmax=1)
    if positions * layers <= _CELLS:
        for place in range(positions):
            for layer in range(layers):
                word = named(result.words[int(result.top_ids[place, layer, 0])])
                axes.text(
                    place,
                    layer,
                    drawable(word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}\u2026"),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="white" if best[place, layer] > 0.6 else "black",
                    fontfamily=list(FAMILIES),
                    parse_math=False,
                )
    names = [drawable(named(token)) for token in result.tokens]
    axes.set_xticks(range(positions), names, fontsize=8, rotation=30, fontfamily=list(FAMILIES), parse_math=False)
    axes.set_ylabel("after layer")
    lines = (f"{QUESTION} ({reads(result)})", result.story())
    told = [part for line in lines for part in textwrap.wrap(line, int(13 * size[0]))]
    figure.suptitle("\n".join(map(drawable, told)), fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    figure.colorbar(picture, ax=axes, label="probability of the token shown", shrink=0.6)
    return figure
