"""Whether what a lens says after a layer is what the model has there, or the lens's own error.

A lens is an instrument, and on held-out text its error can be measured: how far its distribution is from the model's
own.  What would be read without reading anything, one and the same distribution for every token, has a divergence too;
where the lens's is not below that, its words are not to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interp_widgets.results.numbers import count, plain
from interp_widgets.results.provenance import Verdict, Word

if TYPE_CHECKING:
    from interp_widgets.locate.calibration_file import LensCalibration

_HALF = 0.5  # of the divergence of a guess: from there on the lens knows more than it misses
_FIT = (
    "iw.calibrate_lens(lm) measures it on the package's reference text, and fits a calibrated lens beside it "
    "(minutes, once for each model)."
)
_PLAIN = (
    "The plain lens reads each state as if it were the last one. Early layers keep what they know in another form, so "
    "a strange word there says that the lens cannot read the layer, not that the model believes it. "
    "iw.logit_lens(lm, prompt, calibrated=True) translates each state first."
)
_CALIBRATED = (
    "The calibrated lens can only find what a linear map finds. It was fitted on other texts, without the first token "
    "of each, whose state is unlike all others."
)
_ALONE = (
    "What a layer adds is read alone, with the final norm of the whole state's place: norm and head are not linear, so "
    "these readings do not add up to the state's. iw.patch measures what a layer does."
)
_CHANGED = "Interventions are active, and the measurement was made without them."


@dataclass(frozen=True)
class HeldOut:
    """The lens measured on held-out text, by layer: means over `tokens` tokens.

    divergence: KL(lens || final), nats; reverse: KL(final || lens), nats; agreement: share of tokens at which its first
    choice is the model's own; guess, guess_reverse: the divergences of a guess that reads nothing
    """

    divergence: tuple[float, ...]
    reverse: tuple[float, ...]
    agreement: tuple[float, ...]
    guess: float
    guess_reverse: float
    tokens: int

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> HeldOut:
        lists: dict[str, Any] = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
        return cls(**{**document, **lists})

    def reads_from(self) -> int:
        """The first layer from which on the lens's divergence is below half of the guess's, to the end."""
        return _first_below(self.divergence, _HALF * self.guess)

    def beats_guess_from(self) -> int:
        """The first layer from which on the lens's divergence is below the guess's."""
        return _first_below(self.divergence, self.guess)


def _first_below(values: tuple[float, ...], limit: float) -> int:
    start = len(values)
    while start and values[start - 1] < limit:
        start -= 1
    return start


def held_out_of(calibration: LensCalibration | None, lens: str) -> HeldOut | None:
    """What was measured of the lens "plain" or "calibrated"; None if nothing was."""
    if calibration is None:
        return None
    found = calibration.calibrated if lens == "calibrated" else calibration.plain
    return HeldOut(
        divergence=tuple(map(float, found.divergence)),
        reverse=tuple(map(float, found.reverse)),
        agreement=tuple(map(float, found.agreement)),
        guess=float(calibration.nothing.divergence[0]),
        guess_reverse=float(calibration.nothing.reverse[0]),
        tokens=calibration.tested,
    )


def judge(site: str, calibrated: bool, measured: HeldOut | None, interventions: tuple[str, ...] = ()) -> Verdict:
    """The word for a whole table: how much of it can be read."""
    if site != "resid_post":
        return Verdict(
            "caution", "what a layer adds, read alone; how far such readings hold was not measured", (_ALONE,)
        )
    if measured is None:
        return Verdict(
            "caution", "how far this lens is off at each layer was not measured for this model", (_PLAIN, _FIT)
        )
    layers = len(measured.divergence)
    good, fair = measured.reads_from(), measured.beats_guess_from()
    name = "calibrated" if calibrated else "plain"
    middle = layers // 2
    sentence = (
        f"on {count(measured.tokens, 'held-out token')} the {name} lens is {plain(measured.divergence[middle])} nats "
        f"from the model's own distribution after layer {middle}, where a guess that reads nothing is "
        f"{plain(measured.guess)}; {_where(good, fair, layers)}"
    )
    why = [_CALIBRATED if calibrated else _PLAIN, *([_CHANGED] if interventions else [])]
    word: Word = "trust" if good <= layers // 3 else "caution" if good < layers - 1 else "do not trust"
    return Verdict("caution" if interventions and word == "trust" else word, sentence, tuple(why))


def _where(good: int, fair: int, layers: int) -> str:
    if good == 0:
        return "it is below half of that at every layer"
    reads = f"it is below half of that from layer {good} on" if good < layers else "it is nowhere below half of that"
    return reads + (f", and no better than the guess before layer {fair}" if fair else "")
