"""A logit lens as a script-free table, as plain text, and as a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.markup import DIM, FOR, code_of, escaped
from interp_widgets.results.numbers import count, probability
from interp_widgets.results.page import plain_page
from interp_widgets.results.provenance import provenance_line
from interp_widgets.results.text import named

if TYPE_CHECKING:
    from interp_widgets.locate.lens_result import LensResult

_TINT = 0.33  # opacity behind a certain token, which keeps 4.5:1 for the text on it on light and dark
_TOKENS = 24  # columns of the table in a notebook; the frame has all
_READS = {
    "resid_post": "the state after the layer",
    "attn_out": "what the layer's attention adds, alone",
    "mlp_out": "what the layer's MLP adds, alone",
}


def title(result: LensResult) -> str:
    return f"What would it say after each layer? ({_READS[result.site]})"


def provenance(result: LensResult) -> str:
    return " \u00b7 ".join(provenance_line(result.provenance, count(len(result.positions), "position")))


def shown(result: LensResult) -> list[int]:
    """The positions of the table: the last ones."""
    return list(range(max(len(result.positions) - _TOKENS, 0), len(result.positions)))


def lens_html(result: LensResult) -> str:
    """The twin as one element; all text is escaped. Late layers stand above, as in the picture."""
    places = shown(result)
    head = "".join(f"<th>{code_of(named(result.tokens[i]))}</th>" for i in places)
    rows = []
    for layer in reversed(range(result.n_layers)):
        cells = "".join(_cell(result, i, layer) for i in places)
        rows.append(f'<tr><th style="text-align:right">{layer}</th>{cells}</tr>')
    rest = len(result.positions) - len(places)
    told = f"The last {count(len(places), 'position')} of {len(result.positions)}; to_frame() has all." if rest else ""
    return "".join(
        [
            '<div style="line-height:1.5">',
            f"<div><b>{escaped(title(result))}</b></div>",
            f"<div>After {code_of(named(result.tokens[-1]))}: {escaped(result.story())}.</div>",
            f'<div style="overflow:auto;max-height:480px"><table><tr><th>layer</th>{head}</tr>',
            *rows,
            "</table></div>",
            f"<div>{escaped(told)}</div>" if told else "",
            f'<div style="{DIM}">{escaped(provenance(result))}</div>',
            "</div>",
        ]
    )


def _cell(result: LensResult, place: int, layer: int) -> str:
    (word, p), *_ = result.top(layer, place, 1)
    red, green, blue = FOR
    colour = f"background-color:rgba({red},{green},{blue},{p * _TINT:.2f})"
    return f'<td style="text-align:left;{colour}">{code_of(named(word))} {escaped(probability(p))}</td>'


def lens_text(result: LensResult) -> str:
    """The last position, layer by layer: the best tokens with their probabilities, entropy, and the rank of the token
    that wins; no trailing newline."""
    lines = [title(result), f"After {named(result.tokens[-1])}: {result.story()}.", ""]
    table = [["layer", "best", "probability", "entropy", *(f"rank {named(word)}" for word in result.followed)]]
    for layer in range(result.n_layers):
        (word, p), *_ = result.top(layer, -1, 1)
        ranks = [str(int(rank)) for rank in result.rank[-1, layer]]
        table.append([str(layer), named(word), probability(p), f"{result.entropy[-1, layer]:.2f}", *ranks])
    widths = np.asarray([[len(cell) for cell in row] for row in table]).max(0)
    lines += ["  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in table]
    return "\n".join([*lines, "", f"  {provenance(result)}"])


def lens_page(result: LensResult, path: str | os.PathLike[str] | None = None) -> str:
    """The twin as a page of its own; written to `path` if given."""
    return plain_page(title(result), lens_html(result), path)
