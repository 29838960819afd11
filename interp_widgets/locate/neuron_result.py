"""What `iw.max_activating` found."""

from __future__ import annotations

import dataclasses
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ModelUnavailableError, OutOfRangeError
from interp_widgets.locate import neuron_verdict
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class TopText:
    """One text: `value`, the neuron's largest activation in it (smallest for sign "negative"), on `token`, which covers
    the characters `span`; `share` of the neuron's activation over all texts that lies in this one."""

    text: str
    index: int
    token: str
    position: int
    span: tuple[int, int]
    value: float
    share: float


@dataclass(frozen=True, eq=False)
class Context:
    """A text with the activation of every token: float32 (tokens,), nan for special tokens, which do not count."""

    text: str
    token_ids: Ints
    spans: Ints
    activations: Singles


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NeuronResult(Result):
    """The k best texts of N neurons of one layer, best first, with figures over all tokens.

    Attributes
    ----------
    layer: from 0; neurons: int64, (N,), their numbers; sign: "positive" or "negative", in which direction is best
    n_texts, corpus: how many texts were read, and their SHA-256; tokens_counted, tokens_left_out: special tokens are
        left out
    values: float32, (N, k), the largest activation in each of the best texts (smallest for sign "negative")
    text_index, positions, token_ids: int64, (N, k): which text, and the token where it peaks; spans: (N, k, 2), the
        characters that this token covers
    masses: float64, (N, k), sum over the text's tokens of the activation's part with this sign; total_mass: (N,), over
        all texts; text_tokens: int64, (N, k), tokens of the text that count
    mean, deviation, minimum, maximum, above_zero: (N,), over all tokens that count; above_zero is a share
    bin_width: (N,); counts: int64, (N, bins): see `histogram`
    promoted, promoted_ids, demoted, demoted_ids: (N, tokens), logits and ids; see `neuron_weights.promotion`
    words: id -> text of a token; texts: index -> text, of those that are best for some neuron
    shown: the row of the neuron that a card shows; tried: texts of one's own whose activations follow in the contexts
    context_lengths, context_ids, context_spans, context_activations: every token of the best texts of the neuron shown,
        and of those tried, one text after the other; see `contexts`
    """

    kind: ClassVar[str] = "neurons"

    layer: int
    neurons: Ints
    sign: str
    n_texts: int
    corpus: str
    tokens_counted: int
    tokens_left_out: int
    values: Singles
    text_index: Ints
    positions: Ints
    token_ids: Ints
    spans: Ints
    masses: Floats
    text_tokens: Ints
    total_mass: Floats
    mean: Floats
    deviation: Floats
    minimum: Singles
    maximum: Singles
    above_zero: Floats
    bin_width: Floats
    counts: Ints
    promoted: Floats
    promoted_ids: Ints
    demoted: Floats
    demoted_ids: Ints
    words: dict[int, str]
    texts: dict[int, str]
    shown: int
    tried: tuple[str, ...]
    context_lengths: Ints
    context_ids: Ints
    context_spans: Ints
    context_activations: Singles

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        return {
            **document,
            **arrays,
            "words": {int(i): word for i, word in document["words"].items()},  # JSON has no numbers as keys
            "texts": {int(i): text for i, text in document["texts"].items()},
            "tried": tuple(document["tried"]),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def k(self) -> int:
        return int(self.values.shape[1])

    @property
    def neuron(self) -> int:
        """The one that a card shows."""
        return int(self.neurons[self.shown])

    @property
    def tokens(self) -> tuple[str, ...]:
        """The token at which each text peaks, of the neuron shown; then one for each text tried."""
        return (*(self.words[int(i)] for i in self.token_ids[self.shown]), *self.tried)

    @property
    def text(self) -> str:
        """What the tokens belong to: the neuron shown."""
        return f"neuron {self.neuron} of layer {self.layer}"

    def row(self, neuron: int | None = None) -> int:
        """Where a neuron stands in the arrays; None is the one shown. Raises OutOfRangeError."""
        if neuron is None:
            return self.shown
        found = np.flatnonzero(self.neurons == neuron)
        if isinstance(neuron, bool) or not len(found):
            there = str(self.neurons[0]) if len(self.neurons) == 1 else f"{self.neurons[0]} to {self.neurons[-1]}"
            raise OutOfRangeError(f"neuron={neuron!r}: this result holds {there} of layer {self.layer}")
        return int(found[0])

    def top(self, neuron: int | None = None, k: int | None = None) -> list[TopText]:
        """The best texts of a neuron (the one shown by default), best first. Raises OutOfRangeError."""
        row = self.row(neuron)
        total = float(self.total_mass[row])
        return [
            TopText(
                text=self.texts[int(index)],
                index=int(index),
                token=self.words[int(self.token_ids[row, i])],
                position=int(self.positions[row, i]),
                span=(int(self.spans[row, i, 0]), int(self.spans[row, i, 1])),
                value=float(self.values[row, i]),
                share=float(self.masses[row, i]) / total if total else 0.0,
            )
            for i, index in enumerate(self.text_index[row, :k])
        ]

    def held(self, neuron: int | None = None) -> float:
        """Share of the neuron's activation (its part with this sign, summed over all tokens) that lies in its k best
        texts: what a name that is read off them can be about, at most. nan if there is none."""
        row = self.row(neuron)
        total = float(self.total_mass[row])
        return float(self.masses[row].sum()) / total if total else float("nan")

    def histogram(self, neuron: int | None = None) -> tuple[Floats, Ints]:
        """(edges (bins + 1,), counts (bins,)) over all tokens that count; the lower edge belongs to a bin. Bins are a
        power of two wide, zero is an edge, empty bins at both ends are left out."""
        row = self.row(neuron)
        bins = np.flatnonzero(self.counts[row])
        first, last = int(bins[0]), int(bins[-1]) + 1
        middle = self.counts.shape[1] // 2
        edges = (np.arange(first, last + 1) - middle) * float(self.bin_width[row])
        return edges, self.counts[row, first:last]

    def promotes(self, neuron: int | None = None) -> list[tuple[str, float]]:
        """Tokens that the output weight promotes when the neuron is active, most first, with logits; see
        `neuron_weights.promotion` for what these are."""
        row = self.row(neuron)
        return [(self.words[int(i)], float(x)) for i, x in zip(self.promoted_ids[row], self.promoted[row], strict=True)]

    def demotes(self, neuron: int | None = None) -> list[tuple[str, float]]:
        """As `promotes`, of the tokens that it demotes."""
        row = self.row(neuron)
        return [(self.words[int(i)], float(x)) for i, x in zip(self.demoted_ids[row], self.demoted[row], strict=True)]

    def contexts(self) -> list[Context]:
        """Activations of every token: of the best texts of the neuron shown, in order (none where a result of a whole
        layer was made without a look at one neuron, see `show`), then of the texts tried."""
        ends = np.cumsum(self.context_lengths)
        tried = len(self.context_lengths) - len(self.tried)
        names = [self.texts[int(i)] for i in self.text_index[self.shown, :tried]] + list(self.tried)
        return [
            Context(name, self.context_ids[a:b], self.context_spans[a:b], self.context_activations[a:b])
            for name, a, b in zip(names, ends - self.context_lengths, ends, strict=True)
        ]

    # What it means

    def finding(self, neuron: int | None = None) -> str:
        """The measured part of the neuron that its best texts show."""
        return neuron_verdict.finding(self, neuron)

    def verdict(self, neuron: int | None = None) -> Verdict | None:
        """Caution where the list does not show what it seems to; see `neuron_verdict.verdict`."""
        return neuron_verdict.verdict(self, neuron)

    # Looking at one neuron

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    def show(self, neuron: int | None = None, *, cancel: threading.Event | None = None) -> NeuronResult:
        """This result with another neuron of the layer shown, and the activations of every token of its best texts if
        the model is in memory (one pass over these texts). Texts tried are kept.

        Raises OutOfRangeError, ArgumentError where other interventions are active than when the texts were read,
        Cancelled.
        """
        row = self.row(neuron)
        lm = self.model()
        best = [] if lm is None else [self.texts[int(i)] for i in self.text_index[row]]
        tried = () if lm is None else self.tried
        return self._with(row, lm, best, tried, cancel)

    def with_text(self, text: str, *, cancel: threading.Event | None = None) -> NeuronResult:
        """This result with a text of one's own, and the activations of the neuron shown on it; the text tried before is
        let go. Raises ModelUnavailableError, ArgumentError, EmptyPromptError, PromptTooLongError, Cancelled."""
        lm = self.model()
        if lm is None:
            raise ModelUnavailableError(
                f"{self.provenance.model} is no longer in memory. Load it again and run this cell once more; the last"
                " result stays."
            )
        known = len(self.context_lengths) > len(self.tried)
        best = [self.texts[int(i)] for i in self.text_index[self.shown]] if known else []
        return self._with(self.shown, lm, best, (text,), cancel)

    def _with(
        self,
        row: int,
        lm: LanguageModel | None,
        best: list[str],
        tried: tuple[str, ...],
        cancel: threading.Event | None,
    ) -> NeuronResult:
        from interp_widgets.locate.neuron_contexts import contexts_of, no_contexts

        if lm is None:
            return dataclasses.replace(self, shown=row, tried=(), **no_contexts())
        fields = contexts_of(lm, self, int(self.neurons[row]), best, tried, cancel)
        return dataclasses.replace(self, shown=row, tried=tried, **fields)

    # In other forms

    def to_frame(self) -> pd.DataFrame:
        """One row for each neuron and text: neuron, rank (from 1), text, index, token, position, activation, share."""
        import pandas as pd

        rows, ranks = (index.ravel() for index in np.indices(self.values.shape))
        with np.errstate(invalid="ignore"):
            shares = np.nan_to_num(self.masses / self.total_mass[:, None])
        return pd.DataFrame(
            {
                "neuron": self.neurons[rows],
                "rank": ranks + 1,
                "text": [self.texts[int(i)] for i in self.text_index.ravel()],
                "index": self.text_index.ravel(),
                "token": [self.words[int(i)] for i in self.token_ids.ravel()],
                "position": self.positions.ravel(),
                "activation": self.values.ravel(),
                "share": shares.ravel(),
            }
        )

    def plot(self) -> Figure:
        """Histogram of the neuron shown, with the region of its best texts, and those texts' peaks."""
        from interp_widgets.locate.neuron_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; it asks no other address for anything. Written to `path` if given."""
        from interp_widgets.locate.neuron_html import neuron_page

        return neuron_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.neuron_text import neuron_text

        return neuron_text(self)

    def __repr__(self) -> str:
        many = f"neuron {self.neuron}" if len(self.neurons) == 1 else f"{len(self.neurons)} neurons"
        return f"<NeuronResult: {many} of layer {self.layer}, top {self.k} of {self.n_texts} texts, {self.sign}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import neuron_bundle

        return neuron_bundle(self)
