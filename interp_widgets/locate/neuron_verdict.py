"""What the best texts of a neuron show of it, in words; whether a name for it fits is for a test on other texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interp_widgets.results.numbers import count, plain
from interp_widgets.results.provenance import Verdict

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_result import NeuronResult


def percent(share: float) -> str:
    """Two digits: "31 %", "2.1 %", "0.034 %"; the ends are not rounded away."""
    if 0.995 <= share < 1:
        return "> 99 %"
    x = 100 * share
    return f"{plain(x, x if x < 1 else None)} %" if x < 1 and x else f"{x:.{0 if x >= 9.95 or not x else 1}f} %"


def side(result: NeuronResult) -> str:
    return "below zero" if result.sign == "negative" else "above zero"


def finding(result: NeuronResult, neuron: int | None = None) -> str:
    """How much of the neuron's activation its best texts hold, beside their share of the tokens, which is what they
    would hold if activation were spread evenly; and at how many different tokens they peak."""
    row, held = result.row(neuron), result.held(neuron)
    if math.isnan(held):
        return f"The neuron is never {side(result)} in {count(result.n_texts, 'text')}."
    even = percent(float(result.text_tokens[row].sum()) / result.tokens_counted)
    peaks = count(len(set(result.token_ids[row].tolist())), "different token")
    if result.k == result.n_texts:
        return f"These are all {result.n_texts} texts that were read; they peak at {peaks}.{_other_side(result, row)}"
    return (
        f"The top {result.k} of {count(result.n_texts, 'text')} hold {percent(held)} of the neuron's activation"
        f" {side(result)}, with {even} of the tokens; they peak at {peaks}.{_other_side(result, row)}"
    )


def _other_side(result: NeuronResult, row: int) -> str:
    """Said where the neuron is further away from zero on the side that the list does not show."""
    low, high = float(result.minimum[row]), float(result.maximum[row])
    if result.sign == "negative":
        return f" It reaches further above zero ({plain(high)}) than below ({plain(low)})." if high > -low else ""
    return f" It reaches further below zero ({plain(low)}) than above ({plain(high)})." if -low > high else ""


def verdict(result: NeuronResult, neuron: int | None = None) -> Verdict | None:
    """Caution where the list does not show what it seems to: the neuron is hardly active, or it peaks where a text
    begins, whatever the text says. None otherwise; a name is tested by `iw.locate.score_name`."""
    row, k = result.row(neuron), result.k
    values = result.values[row]
    active = int((values < 0 if result.sign == "negative" else values > 0).sum())
    if active < k:
        return Verdict(
            "caution",
            f"only {active} of these {k} peaks {'is' if active == 1 else 'are'} {side(result)}; the other texts are"
            " those in which it comes nearest",
            (f"In all other texts the neuron is never {side(result)}. The other sign may show what it does.",),
        )
    first = int((result.positions[row] == 0).sum())
    if 2 * first >= k:
        return Verdict(
            "caution",
            f"{first} of these {k} peaks stand on the first token of their text, whatever the text says",
            (
                "Where no beginning-of-sequence token stands in front, the first token of a text is an attention sink:"
                " its state is tens of times as large as others and much the same in every text. A peak there tells"
                " where a token stands, not what it means.",
            ),
        )
    return None
