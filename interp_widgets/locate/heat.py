"""What pictures of cells (rows by layers) share: their numbers as data, as a script-free table, as text, as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.markup import AGAINST, FOR, code_of, escaped, share
from interp_widgets.results.numbers import plain, signed
from interp_widgets.results.text import columns as columns_of
from interp_widgets.results.text import cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
TINT = 0.33  # opacity behind the largest number, which keeps 4.5:1 for the text on it on light and dark
UNMEASURED = "\u2013"
_SHADES = " .:-=+*#%@"


def largest(*parts: Floats) -> float:
    """The largest absolute number that is one; 0 where nothing was measured."""
    found = [float(np.abs(part[np.isfinite(part)]).max(initial=0.0)) for part in parts]
    return max(found, default=0.0)


def strongest_rows(peaks: Floats, most: int, always: Sequence[int] = ()) -> NDArray[np.int64]:
    """Which rows are drawn, in their order: all, or of too many those with the largest peaks; `always` come first."""
    ranked = peaks.astype(np.float64)
    ranked[list(always)] = np.inf
    return np.sort(np.argsort(-ranked, kind="stable")[:most])


def short(x: float) -> float:
    """Three digits draw a cell; the number that is read is its label."""
    return float(f"{x:.3g}") + 0.0


def cells(values: Floats, top: float) -> dict[str, Any]:
    """Numbers (rows, columns) and their labels to the scale `top`; what was not measured is None, and has no label."""
    lines = [[float(x) + 0.0 if np.isfinite(x) else None for x in line] for line in values]  # + 0.0: no negative zero
    return {
        "values": [[None if x is None else short(x) for x in line] for line in lines],
        "labels": [["" if x is None else _signed(x, top) for x in line] for line in lines],
    }


def _signed(x: float, top: float) -> str:
    """A number that rounds to zero has no sign."""
    label = signed(x, top)
    return label if any(digit in "123456789" for digit in label) else label.lstrip("+\u2212")


def heat_table(
    sheet: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    columns: Sequence[str],
    corner: str,
    top: float,
    *,
    muted: bool = False,
) -> str:
    """Rows by columns as an HTML table; all text is escaped."""
    head = "".join(f"<th>{escaped(name)}</th>" for name in columns)
    lines = []
    for row, values, labels in zip(rows, sheet["values"], sheet["labels"], strict=True):
        drawn = "".join(_cell(value, label, top, muted) for value, label in zip(values, labels, strict=True))
        note = f" {escaped(row['note'])}" if row["note"] else ""
        mark = f" ({escaped(row['mark'])})" if row["mark"] else ""
        lines.append(f'<tr><th style="text-align:right">{code_of(row["name"])}{note}{mark}</th>{drawn}</tr>')
    return (
        f'<div style="overflow:auto;max-height:480px"><table><tr><th style="text-align:right">{escaped(corner)}</th>'
        f"{head}</tr>{''.join(lines)}</table></div>"
    )


def _cell(value: float | None, label: str, top: float, muted: bool) -> str:
    if value is None:
        return f"<td>{UNMEASURED}</td>"
    red, green, blue = FOR if value > 0 else AGAINST
    tint = share(value, top) * TINT * (0.4 if muted else 1)
    return f'<td style="background-color:rgba({red},{green},{blue},{tint:.2f})">{escaped(label)}</td>'


def shades(values: Sequence[float | None], top: float) -> str:
    """A row as characters, denser for larger; "v" is below zero, "?" not measured."""
    drawn = []
    for value in values:
        if value is None:
            drawn.append("?")
        else:
            size = share(value, top)
            dense = _SHADES[min(round(size * (len(_SHADES) - 1)), len(_SHADES) - 1)]
            drawn.append("v" if value < 0 and dense != " " else dense)
    return "".join(drawn)


def heat_lines(sheet: dict[str, Any], rows: Sequence[dict[str, Any]], columns: Sequence[str], top: float) -> list[str]:
    """A line for each row: its name (the marked ones with a star), its cells as shades, the largest and its column."""
    names = [f"{cut(row['name'])}{' ' + cut(row['note']) if row['note'] else ''}" for row in rows]
    widest = max(map(columns_of, names), default=0)
    lines = []
    for row, name, values, labels in zip(rows, names, sheet["values"], sheet["labels"], strict=True):
        known = [(abs(value), -at) for at, value in enumerate(values) if value is not None]
        peak = ""
        if known and max(known)[0]:
            at = -max(known)[1]
            peak = f"  {labels[at]:>8} at layer {columns[at]}"
        mark = "*" if row["mark"] else " "
        lines.append(f"  {mark} {name}{' ' * (widest - columns_of(name))} |{shades(values, top)}|{peak}")
    ends = f"{columns[0]} to {columns[-1]}" if len(columns) > 1 else "".join(columns)
    return [*lines, f"    layers {ends}; @ is {plain(top)}, v below zero" + _stars(rows)]


def _stars(rows: Sequence[dict[str, Any]]) -> str:
    marks = dict.fromkeys(row["mark"] for row in rows if row["mark"])
    return f"; * {', '.join(marks)}" if marks else ""


def draw_heat(
    axes: Axes,
    values: Floats,
    names: Sequence[str],
    columns: Sequence[str],
    top: float,
    *,
    marked: Sequence[bool] = (),
    muted: bool = False,
    unit: str = "",
    missing: str = "",
) -> None:
    """One hue where nothing is below zero, else two on a scale that is symmetric about zero, with stripes below it.

    missing: what the cells are that have no number; they are dotted, and white without it
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    from interp_widgets.results.figure import FAMILIES

    below = bool((values[np.isfinite(values)] < 0).any())
    hues = [tuple(part / 255 for part in hue) for hue in (AGAINST, (255, 255, 255), FOR)]
    top = top or 1.0
    picture = axes.pcolormesh(
        np.ma.masked_invalid(values),
        cmap=LinearSegmentedColormap.from_list("effects", hues if below else hues[1:]),
        vmin=-top if below else 0.0,
        vmax=top,
        alpha=0.45 if muted else 1.0,
    )
    for i, j in np.argwhere(values < -0.02 * top).tolist():
        axes.add_patch(Rectangle((j, i), 1, 1, fill=False, hatch="////", edgecolor=(0, 0, 0, 0.35), linewidth=0))
    axes.set_yticks(np.arange(len(names)) + 0.5, list(names), fontsize=8, fontfamily=list(FAMILIES), parse_math=False)
    for label, mark in zip(axes.get_yticklabels(), marked, strict=False):
        label.set_fontweight("bold" if mark else "normal")
    every = 1 if len(columns) <= 16 else 5
    axes.set_xticks(np.arange(len(columns))[::every] + 0.5, list(columns)[::every], fontsize=8)
    dotted = bool(missing) and not np.isfinite(values).all()
    if dotted:
        axes.patch.set(facecolor="0.94", edgecolor="0.5", hatch="..")
    axes.set_xlabel(f"layer (dotted: {missing})" if dotted else "layer", fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    figure = axes.get_figure()
    assert figure is not None  # axes were made by one
    figure.colorbar(picture, ax=axes, label=unit, shrink=0.8)
