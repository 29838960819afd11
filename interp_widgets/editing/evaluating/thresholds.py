"""From where on an edit has broken the model: what the collapse alarm reads, and the lines that it watches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.results.numbers import plain

ACTIONS = ("warn", "roll back")


@dataclass(frozen=True)
class Alarm:
    """What to do where an edit breaks the model, and from where on it counts as broken.

    The lines lie between what was measured of good and of broken edits of the default model:

    single ROME edits                       growth 0.13 to 0.15, alignment 0.96 to 1, perplexity up by 1 % at most
    six of them                             growth 0.32, perplexity up by 2 %
    one with a clamp of 20, of 60           growth 0.45 and 1.2, perplexity up by 1 % and 8 %
    one, its change times 3, 6, 10, 20      growth 0.42, 0.84, 1.4, 2.8, perplexity up by 2 %, 4 %, 12 %, 76 %
    the published form at the first token   growth 1.1 and 1.4, alignment 0.26 and 0.23, perplexity up by 6 % and 8 %,
                                            and the new answer does not hold

    Entropy moved by a tenth at most in all of these; a model that repeats itself loses far more. A model that is edited
    on purpose far from where it was may take other lines.

    action: "warn", or "roll back": the edit never enters the ledger, and `CollapseError` is raised
    growth: largest change of a layer's value matrix, all edits that are on together, over the matrix (Frobenius norms)
    alignment: smallest cosine, under the key statistics, of the key that an edit is written for and the key that it is
        divided by; near 0 the change is huge (`editing.editors.rome`)
    perplexity: largest perplexity of the package's neutral texts, over the model's without edits
    entropy: smallest generation entropy, over the model's without edits

    Raises ArgumentError.
    """

    action: str = "warn"
    growth: float = 0.5
    alignment: float = 0.5
    perplexity: float = 1.1
    entropy: float = 0.8

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise not_one_of("alarm", self.action, ACTIONS, ", None (measure nothing), or an editing.Alarm")
        for name, least in (("growth", 0.0), ("alignment", 0.0), ("perplexity", 1.0), ("entropy", 0.0)):
            value = getattr(self, name)
            if not least <= value < math.inf:
                raise ArgumentError(f"{name}={value!r}: a finite number of at least {least:g}")

    def of_growth(self, growth: Mapping[int, float]) -> str:
        """A sentence if the line is crossed, else ""; so do the others."""
        layer = max(growth, key=lambda one: growth[one], default=None)
        if layer is None or growth[layer] <= self.growth:
            return ""
        where = f"layer {layer}" if layer >= 0 else "the embedding or the head"
        size = _percent(growth[layer])
        return f"The weights of {where} changed by {size} of their norm (limit {_percent(self.growth)})."

    def of_alignment(self, alignment: float) -> str:
        if math.isnan(alignment) or alignment >= self.alignment:
            return ""
        return (
            f"The keys of the edit point apart: alignment {plain(alignment)} (at least {plain(self.alignment)}), so the"
            " change is larger than the fact needs."
        )

    def of_perplexity(self, before: float, after: float) -> str:
        if after <= self.perplexity * before:
            return ""
        ratio = f"{plain(after / before)} times" if math.isfinite(after) else "infinitely"
        return f"Neutral text is {ratio} as perplexing as to the model without edits (limit {plain(self.perplexity)})."

    def of_entropy(self, before: float, after: float) -> str:
        if after >= self.entropy * before:
            return ""
        return (
            f"What the model writes repeats itself: its entropy is {plain(after)} bits, {plain(before)} without edits"
            f" (at least {_percent(self.entropy)} of it)."
        )


@dataclass(frozen=True)
class AlarmReading:
    """What was read after an edit, all edits that were on included, beside the model without any of them.

    growth: by layer, the change of its matrices over the matrices (Frobenius norms; the largest of a layer; -1: the
        embedding or the head)
    alignment: of this edit's keys; nan where its editor has none
    perplexity, entropy: (before, after)
    crossed: a sentence for each line that was crossed
    """

    growth: dict[int, float]
    alignment: float
    perplexity: tuple[float, float]
    entropy: tuple[float, float]
    crossed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "growth": {str(layer): size for layer, size in self.growth.items()}}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AlarmReading:
        return cls(
            growth={int(layer): float(size) for layer, size in document["growth"].items()},
            alignment=float(document["alignment"]),
            perplexity=(float(document["perplexity"][0]), float(document["perplexity"][1])),
            entropy=(float(document["entropy"][0]), float(document["entropy"][1])),
            crossed=tuple(document["crossed"]),
        )


def _percent(share: float) -> str:
    return f"{plain(100 * share)} %"
