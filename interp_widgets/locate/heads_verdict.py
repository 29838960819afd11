"""How far the effects of single heads are to be believed: measured, for this prompt, on the heads that count most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.numbers import count, signed
from interp_widgets.results.provenance import Verdict

CHECKED = 5  # heads that are looked at twice
KEPT_MOST, KEPT_LEAST = 0.5, 0.2  # share of their effect that a sound ablation keeps under the other stand-in
_FOCUS = 0.5  # a head looks at one token if it gives it more than half
_IDLE = 0.1  # and does nothing if it moves the answer less than a tenth as far as the strongest
_BACKUP = 2.0  # heads back each other up if together they do more than so many times the sum
_NAMES = {"zero": "zero", "mean": "their mean over the prompt"}


def diagnose(
    effects: NDArray[np.float64],
    *,
    swapped: NDArray[np.float64],
    checked: NDArray[np.float64],
    joint: float | None,
    apart: NDArray[np.float64],
    changed: int,
    last: NDArray[np.float32],
) -> dict[str, float]:
    """Measured figures.

    effects: (cells,), of every head; checked, swapped: of the strongest, by the stand-in asked for and by the other one
    joint, apart: the heads that support the answer most, switched off together, and one by one
    changed: heads without which the first choice is another one
    last: (cells, tokens), attention of the last token

    Returns kept (share of the effect of the strongest heads that the other stand-in keeps, by sign), checked, changed,
    heads, strongest; joint, apart, joined where there are several; focused, idle (heads that look at one token, other
    than the first, and those of them that do next to nothing), attention_correlation (Spearman, over heads, of the
    largest weight on a token other than the first with the size of the effect; absent where it is not defined).
    """
    size = np.abs(effects)
    found = {
        "heads": float(len(effects)),
        "strongest": float(effects[int(size.argmax())]),
        "changed": float(changed),
        "checked": float(len(checked)),
    }
    if np.abs(checked).sum() > 0:
        found["kept"] = float((swapped * np.sign(checked)).sum() / np.abs(checked).sum())
    if joint is not None:
        found |= {"joint": joint, "apart": float(apart.sum()), "joined": float(len(apart))}
    if last.shape[1] > 1:  # the first token is where heads rest that have nothing to look for
        weight = last[:, 1:].max(1)
        focused = weight > _FOCUS
        found["focused"] = float(focused.sum())
        found["idle"] = float((size[focused] < _IDLE * size.max()).sum())
        if len(effects) > 2 and np.ptp(weight) > 0 and np.ptp(size) > 0:
            from scipy.stats import spearmanr

            found["attention_correlation"] = float(spearmanr(weight, size)[0])
    return found


def judge(found: dict[str, float], *, ablation: str, unit: str, strongest: tuple[int, int]) -> Verdict:
    """The word that follows from the figures of `diagnose`; `strongest`: (layer, head)."""
    many, heads = int(found["checked"]), int(found["heads"])
    here, other = (_NAMES["zero"], _NAMES["mean"]) if ablation == "zero" else (_NAMES["mean"], _NAMES["zero"])
    which = "The head" if many == 1 else f"The {many} heads that move the answer most"
    move = f"head {strongest[1]} of layer {strongest[0]} moves it most, by {signed(found['strongest'])} {unit}"
    if "kept" not in found:
        return Verdict("caution", "Switching heads off changes nothing at all here.", tuple(_why(found, ablation)))
    kept = found["kept"]
    told = (
        f"{which}, set to {here}, {'keeps' if many == 1 else 'keep'} {_percent(kept)} of the effect when set to"
        f" {other} ({KEPT_MOST:.0%} is due)".replace("%", "\u202f%")
    )
    backed = "joint" in found and abs(found["joint"]) > _BACKUP * abs(found["apart"])
    if kept < KEPT_LEAST:
        advice = (
            "what is drawn is mostly what a zero does, not what the heads say about this prompt"
            if ablation == "zero"
            else "with what stands in for a head, its effect changes"
        )
        return Verdict("do not trust", f"{told}: {advice}.", tuple(_why(found, ablation)))
    if kept < KEPT_MOST:
        return Verdict("caution", f"{told}; {move}.", tuple(_why(found, ablation)))
    if backed:
        sentence = (
            f"Heads stand in for each other: {int(found['joined'])} switched off together change it by"
            f" {signed(found['joint'])}, one by one by {signed(found['apart'])} in sum."
        )
        return Verdict("caution", sentence, tuple(_why(found, ablation)))
    if not found["changed"]:
        each = (
            "It does not change the first choice"
            if heads == 1
            else f"None of {heads} heads changes the first choice by itself"
        )
        return Verdict("caution", f"{each}; {move}.", tuple(_why(found, ablation)))
    without = count(int(found["changed"]), "head")
    return Verdict(
        "trust", f"{told}; {move}, and without {without} of {heads} the first choice is another one.",
        tuple(_why(found, ablation)),
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("-", "\u2212")


def _why(found: dict[str, float], ablation: str) -> list[str]:
    told = []
    if ablation == "zero":
        told.append(
            "A head never writes zero in an ordinary run: later layers were never trained on what then comes in. Take "
            "ablation='mean', which keeps what the head writes whatever it reads, and believe what both show."
        )
    else:
        told.append(
            "The mean over the prompt keeps what a head writes at every token, also of the answer; what it writes "
            "everywhere is not seen in the effect. Compare ablation='zero', and believe what both show."
        )
    if "joint" in found:
        told.append(
            f"The {int(found['joined'])} heads that support the answer most change it by {signed(found['joint'])} "
            f"together and by {signed(found['apart'])} in sum: heads can stand in for each other, so a small effect of "
            "one does not mean that it takes no part."
        )
    if found.get("focused"):
        number = count(int(found["focused"]), "head looks", "heads look")
        told.append(
            f"Attention is not an explanation: from the last token {number} mostly at one token other than the first, "
            f"and {int(found['idle'])} of them move the answer less than a tenth as far as the strongest head."
        )
    return told
