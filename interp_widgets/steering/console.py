"""What the steering console wrote last: two texts from one prompt, how each reads to the model that nothing steers,
and the grid of texts over layers and strengths, as far as it was filled."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
NAMES = ("unsteered", "steered")
REACH = 0.15  # of a slider whose vector has no measured bounds
WIDER = 4.0  # how much further it goes past its bounds


@dataclass(frozen=True)
class Written:
    """One continuation, without the token that ended it.

    text: as text; tokens, ids: token by token; spans: start and end of each in `text`
    probabilities: of each token, to the model that wrote it, at temperature 1
    read: log-probability of each token, to the unsteered model
    pace: seconds for each token
    """

    text: str = ""
    tokens: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    probabilities: tuple[float, ...] = ()
    read: tuple[float, ...] = ()
    pace: float = 0.0

    @property
    def perplexity(self) -> float:
        """To the unsteered model; nan for no tokens."""
        return float(np.exp(-np.mean(self.read))) if self.read else float("nan")

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Written:
        spans = tuple((int(start), int(end)) for start, end in document["spans"])
        lists = {name: tuple(document[name]) for name in ("tokens", "ids", "probabilities", "read")}
        return cls(**{**document, **lists, "spans": spans})


@dataclass(frozen=True)
class Used:
    """A vector as it was used, and what is known of its strengths.

    poles: words for the positive and the negative end; strength: in multiples of the mean residual norm, at each of
    `layers`; low, high: how far it goes without a deliberate act; measured: ((strength, perplexity ratio on neutral
    text), ...) at these layers, empty if nothing was measured there; limit: the ratio that bounds low and high, 0 then
    score_layer: where tokens are scored; unit: of their scores
    """

    name: str
    poles: tuple[str, str]
    strength: float
    layers: tuple[int, ...]
    low: float
    high: float
    measured: tuple[tuple[float, float], ...]
    limit: float
    score_layer: int
    unit: str

    @property
    def past(self) -> bool:
        return not self.low <= self.strength <= self.high

    @property
    def wide(self) -> tuple[float, float]:
        """How far it goes past its bounds; also where on a side nothing was found safe."""
        return min(WIDER * self.low, -REACH), max(WIDER * self.high, REACH)

    def damage(self, strength: float) -> tuple[float, float] | None:
        """The measured (strength, ratio) nearest to a strength."""
        return min(self.measured, key=lambda one: abs(one[0] - strength)) if self.measured else None

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Used:
        measured = tuple((float(strength), float(ratio)) for strength, ratio in document["measured"])
        poles, layers = tuple(document["poles"]), tuple(document["layers"])
        return cls(**{**document, "poles": poles, "layers": layers, "measured": measured})


@dataclass(frozen=True)
class Grid:
    """Texts over layers (down) and strengths (across) of one vector; None where nothing was written yet.

    layers: of each row; texts: [row][strength] -> continuations; concept: mean score, in `unit`; perplexity: ratio to
    the unsteered one. By the console each text continues the prompt greedily; by an evaluation (`by`) its prompts.
    """

    vector: str
    layers: tuple[tuple[int, ...], ...]
    strengths: tuple[float, ...]
    texts: tuple[tuple[tuple[str, ...] | None, ...], ...]
    concept: tuple[tuple[float | None, ...], ...]
    perplexity: tuple[tuple[float | None, ...], ...]
    unit: str
    by: str = "console"

    @property
    def filled(self) -> int:
        return sum(cell is not None for row in self.texts for cell in row)

    @classmethod
    def restore(cls, document: dict[str, Any]) -> Grid:
        texts = tuple(tuple(None if cell is None else tuple(cell) for cell in row) for row in document["texts"])
        lists = {name: tuple(tuple(row) for row in document[name]) for name in ("layers", "concept", "perplexity")}
        return cls(**{**document, **lists, "strengths": tuple(document["strengths"]), "texts": texts})


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class SteeringResult(Result):
    """One run of the console.

    Attributes
    ----------
    vectors: each with its strength, its layers and its bounds
    settings: positions, keep_norm, layers ([first, last, step], or None where each vector has its own),
        max_new_tokens, temperature, seed, past (whether strengths may go past the bounds)
    plain, steered: what was written without and with the vectors
    plain_scores, steered_scores: float64, (vectors, tokens), read by the unsteered model; 0 is the middle of a vector's
        fitting pairs, +1 the mean of its positives
    grid: texts over layers and strengths, or None
    complete: False before the first run
    verdict, provenance: as in other results; the prompt is `provenance.prompt`, and the interventions that it names
        were active in both texts
    """

    kind: ClassVar[str] = "steering"

    vectors: tuple[Used, ...]
    settings: dict[str, Any]
    plain: Written
    steered: Written
    plain_scores: Floats
    steered_scores: Floats
    grid: Grid | None
    complete: bool
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            "vectors": tuple(Used.restore(one) for one in document["vectors"]),
            "plain": Written.restore(document["plain"]),
            "steered": Written.restore(document["steered"]),
            "grid": None if document["grid"] is None else Grid.restore(document["grid"]),
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def text(self) -> str:
        """Both texts, one line each."""
        return f"{self.plain.text}\n{self.steered.text}"

    @property
    def tokens(self) -> tuple[str, ...]:
        """Those of the unsteered text, then those of the steered one: what a selection counts."""
        return (*self.plain.tokens, *self.steered.tokens)

    @property
    def ratio(self) -> float:
        """Perplexity of the steered text over that of the unsteered one; nan without texts."""
        return self.steered.perplexity / self.plain.perplexity

    @property
    def concept(self) -> Floats:
        """(vectors, 2): mean score of the unsteered and of the steered text; nan without tokens."""
        sides = (self.plain_scores, self.steered_scores)
        means = [
            side.mean(1) if side.shape[1] else np.full(len(self.vectors), np.nan) for side in map(np.asarray, sides)
        ]
        return np.asarray(np.stack(means, 1))

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    def to_frame(self) -> pd.DataFrame:
        """One row for each written token: text, position, token, probability, log_probability_unsteered, and the score
        along each vector."""
        import pandas as pd

        sides = ((self.plain, self.plain_scores), (self.steered, self.steered_scores))
        return pd.DataFrame(
            {
                "text": [name for name, (side, _) in zip(NAMES, sides, strict=True) for _ in side.tokens],
                "position": [i for side, _ in sides for i in range(len(side.tokens))],
                "token": list(self.tokens),
                "probability": [p for side, _ in sides for p in side.probabilities],
                "log_probability_unsteered": [p for side, _ in sides for p in side.read],
                **{
                    f"score {used.name}": np.concatenate([scores[i] for _, scores in sides])
                    for i, used in enumerate(self.vectors)
                },
            }
        )

    def plot(self) -> Figure:
        """Scores token by token, unsteered and steered, one panel for each vector; pyplot does not know the Figure."""
        from interp_widgets.steering.console_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; see AttributionResult.to_html."""
        from interp_widgets.steering.console_html import console_page

        return console_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.steering.console_text import console_text

        return console_text(self)

    def __repr__(self) -> str:
        used = ", ".join(f"{one.name} {one.strength:+g}" for one in self.vectors)
        return f"<SteeringResult: {used}; {len(self.steered.tokens)} tokens, {self.verdict.word}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import steering_bundle

        return steering_bundle(self)
