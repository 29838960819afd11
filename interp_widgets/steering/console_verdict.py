"""Whether steering of this strength is known to leave the model's language whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

from interp_widgets.results.numbers import plain, signed
from interp_widgets.results.provenance import Verdict
from interp_widgets.steering.console import Used

LIMIT = 1.25  # perplexity of what was written, over the unsteered text's, where no bounds were measured
_UNMEASURED = (
    "Bounds hold for the layers that they were measured at. iw.evaluate_steering measures them on neutral text, and "
    "v.with_bounds(evaluation.bounds) keeps them with the vector."
)
_ALONE = "Bounds are measured for one vector at a time; together, vectors can do more damage than each alone."


def judge(vectors: Sequence[Used], base: float, steered: float) -> Verdict:
    """base, steered: perplexities of the two texts to the unsteered model; nan before there are any."""
    acting = [one for one in vectors if one.strength]
    if not acting:
        return Verdict("trust", "nothing steers: both texts are the model's own")
    ratio = steered / base if base and math.isfinite(base) and math.isfinite(steered) else math.nan
    told = f"; perplexity of the text {plain(ratio)} times that of the unsteered one" if math.isfinite(ratio) else ""
    past = [one for one in acting if one.measured and one.past]
    if past:
        return Verdict(
            "do not trust",
            f"past the bounds: {'; '.join(damage_of(one).removesuffix('.') for one in past)}{told}",
            ("Beyond its bounds steering breaks the language before it adds to the trait. Take a smaller strength.",),
        )
    unmeasured = [one for one in acting if not one.measured]
    if unmeasured:
        names = ", ".join(one.name for one in unmeasured)
        return Verdict("caution", f"no bounds were measured for {names} at these layers{told}", (_UNMEASURED,))
    if math.isfinite(ratio) and ratio > 2 * max(one.limit for one in acting):
        return Verdict("caution", f"within the bounds, and yet this text is damaged{told}", (_UNMEASURED,))
    if len(acting) > 1:
        return Verdict("caution", f"each vector is within its own bounds{told}", (_ALONE,))
    return Verdict("trust", f"within the bounds{told}")


def damage_of(used: Used, strength: float | None = None) -> str:
    """What was measured nearest to a strength, in words."""
    found = used.damage(used.strength if strength is None else strength)
    if found is None:
        return f"{used.name}: no damage was measured at these layers; iw.evaluate_steering measures it."
    at, ratio = found
    return (
        f"{used.name} at {signed(at)} made neutral text {plain(ratio)} times as perplexing (limit {plain(used.limit)})."
    )
