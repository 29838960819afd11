"""The word that follows from what fresh probes still find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.results.provenance import Verdict, Word

if TYPE_CHECKING:
    from interp_widgets.erasure.result import ErasureResult

GUARANTEES = {
    "leace": "no linear classifier",
    "mean_difference": "no linear classifier",
    "oracle": "no linear classifier",
    "quadratic": "no quadratic classifier",
}
_DAMAGE = 1.1  # times the perplexity: more is said


def judge(result: ErasureResult) -> Verdict:
    """Linear probe above the majority: do not trust. At the majority, but the MLP above: caution. Neither: trust."""
    linear = result.of("linear")
    before = result.of("linear", "before")
    worst = int(np.argmax(linear[:, 1]))
    where = f" at {result.places[worst]}" if len(result.places) > 1 else ""
    sentence = (
        f"a fresh linear probe is right in {_share(linear[worst])}{where}, always saying one class in"
        f" {result.majority:.1%}; before, {before[worst, 0]:.1%}"
    )
    why = [_guarantee(result)]
    word: Word = "trust"
    gone = bool(result.at_chance("linear").all())
    if "mlp" in result.probes:
        mlp = result.of("mlp")
        most = int(np.argmax(mlp[:, 1]))
        found = f"a nonlinear probe (MLP) is right in {_share(mlp[most])}"
        if mlp[most, 1] > result.majority:
            word = "caution"
            why.append(f"{found}: the concept is still in the states, where no linear reading sees it.")
        else:
            why.append(f"{found}: it finds nothing either.")
    if (before[:, 1] <= result.majority).all():
        word = "caution"
        why.append("No linear probe found the concept before either, so there was nothing to erase.")
    if not gone:
        word = "do not trust"
        why.append(
            "What is erased is erased from the states that the eraser was fitted on: fit it on more states, from more"
            " templates, or on states like those that it will meet; where the label shows in several ways, erase it in"
            " each (strata)."
        )
    random = result.of("linear", "random")
    if np.isfinite(random[worst, 0]):
        why.append(f"Random directions of the same rank leave {random[worst, 0]:.1%}.")
    if len(result.perplexity):
        plain, after, control = result.perplexity
        why.append(
            f"Perplexity of neutral text {after:.1f}, {plain:.1f} before"
            + (f", {control:.1f} under random directions." if np.isfinite(control) else ".")
        )
        if word == "trust" and after > _DAMAGE * plain:
            word = "caution"
    return Verdict(word, sentence, (*why, *(f"The eraser was {note}." for note in result.notes)))


def _share(row: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    return f"{row[0]:.1%} ({row[1]:.1%} to {row[2]:.1%})"


def _guarantee(result: ErasureResult) -> str:
    promise = GUARANTEES.get(result.method)
    if promise is None:
        return f"{result.method} promises nothing: what it leaves is what the probes find."
    return (
        f"The guarantee of {result.method}: {promise} on the {result.counts[0]} states that it was fitted on has a"
        " lower loss, of whatever convex kind, than a constant answer. It says nothing of other states, nor of other"
        " classifiers; and accuracy, which is no convex loss, may still be above the majority where the states are of"
        " several kinds."
    )
