"""A name's score as a script-free table, as plain text, as a page, and as a plot."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.markup import DIM, MARKS, OPEN_ROWS, bar_of, escaped, share, why_of
from interp_widgets.results.numbers import count, signed
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line
from interp_widgets.results.text import MARKS as SHAPES
from interp_widgets.results.text import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from interp_widgets.locate.neuron_name_result import NameScore

_CUT = 88  # characters of a text in a line


def title(result: NameScore) -> str:
    return f"Does neuron {result.neuron} of layer {result.layer} stand for {result.name}?"


def lines(result: NameScore) -> list[str]:
    """What was measured, in sentences; the verdict stands before them."""
    quarter, three_quarters = np.percentile(result.areas, [25, 75])
    return [
        f"Its peak in {count(len(result.positives), 'text')} with the concept, in {len(result.negatives)} without.",
        f"Rank {result.rank} of {len(result.areas)} neurons of the layer by the area under the ROC curve; half of them"
        f" lie between {quarter:.2f} and {three_quarters:.2f}.",
        f"The number of tokens alone gives {result.area_by_length:.2f}.",
    ]


def rows(result: NameScore) -> list[tuple[float, bool, str]]:
    """(peak, whether the concept is there, text), the largest peak in the sign's direction first."""
    both = [
        *((float(x), True, text) for x, text in zip(result.positive_peaks, result.positives, strict=True)),
        *((float(x), False, text) for x, text in zip(result.negative_peaks, result.negatives, strict=True)),
    ]
    return sorted(both, key=lambda row: row[0] if result.sign == "negative" else -row[0])


def provenance(result: NameScore) -> str:
    return " \u00b7 ".join(provenance_line(result.provenance, count(result.provenance.forward_passes, "text")))


def name_html(result: NameScore) -> str:
    """The twin as one element; all text is escaped."""
    found, verdict = rows(result), result.verdict
    largest = max((abs(x) for x, _, _ in found), default=0.0)
    table = "".join(
        f'<tr><td style="text-align:right">{escaped(signed(x, largest))}</td>'
        f'<td style="width:80px">{bar_of(x, share(x, largest), False) if x else ""}</td>'
        f'<td style="text-align:left">{"yes" if there else "no"}</td>'
        f'<td style="text-align:left">{escaped(visible(text))}</td></tr>'
        for x, there, text in found
    )
    heads = "".join(f'<th style="text-align:left">{head}</th>' for head in ("peak", "", "concept", "text"))
    opened = " open" if len(found) <= OPEN_ROWS else ""
    return "".join(
        [
            '<div style="max-width:640px;line-height:1.5">',
            f"<div><b>{escaped(title(result))}</b></div>",
            f"<div><b>{MARKS[verdict.word]} {escaped(verdict.word)}</b> {escaped(verdict.sentence)}</div>",
            why_of(list(verdict.why)),
            *(f"<div>{escaped(line)}</div>" for line in lines(result)),
            f"<details{opened}><summary>Texts</summary><table><tr>{heads}</tr>{table}</table></details>",
            f'<div style="{DIM}">{escaped(provenance(result))}</div></div>',
        ]
    )


def name_page(result: NameScore, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(title(result), name_html(result), path)


def name_text(result: NameScore) -> str:
    """Verdict, question, what was measured, and every text with its peak; no trailing newline."""
    found = rows(result)
    largest = max((abs(x) for x, _, _ in found), default=0.0)
    told = [f"{SHAPES[result.verdict.word]} {result.verdict.word}: {result.verdict.sentence}", title(result)]
    told += [*lines(result), ""]
    for x, there, text in found:
        line = visible(text).replace("\n", "")
        cut = line if len(line) <= _CUT else f"{line[: _CUT - 1]}\u2026"
        told.append(f"  {signed(x, largest):>7}  {'with   ' if there else 'without'}  {cut}")
    return "\n".join([*told, "", f"  {provenance(result)}"])


def plot(result: NameScore) -> Figure:
    """Peaks of both kinds of texts as marks of two shapes; below them all areas of the layer, this neuron's marked."""
    from interp_widgets.results.figure import FAMILIES, ResultFigure, drawable

    verdict = result.verdict
    head = [title(result), *textwrap.wrap(f"{SHAPES[verdict.word]} {verdict.word}: {verdict.sentence}", 92)]
    figure = ResultFigure(figsize=(7.2, 4.0 + 0.18 * len(head)), layout="constrained")
    above, below = figure.subplots(2, 1)
    kinds = ((result.positive_peaks, "o", "tab:blue"), (result.negative_peaks, "x", "tab:orange"))
    for height, (peaks, mark, colour) in enumerate(kinds):
        above.plot(peaks, np.full(len(peaks), 1.0 - height), mark, color=colour, alpha=0.7)
    above.set_yticks([1, 0], ["with", "without"])
    above.set(ylim=(-0.6, 1.6), xlabel="peak activation of a text")
    below.hist(result.areas, bins=np.linspace(0, 1, 51).tolist(), color="tab:gray")
    below.axvline(result.area, color="black")
    below.axvspan(result.low, result.high, color="black", alpha=0.12)
    below.set(xlabel=f"area under the ROC curve; line: neuron {result.neuron}, with its interval", ylabel="neurons")
    figure.suptitle("\n".join(map(drawable, head)), fontsize=9, fontfamily=list(FAMILIES[::-1]), parse_math=False)
    return figure
