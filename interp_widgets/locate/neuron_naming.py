"""`iw.locate.score_name`: does a name for a neuron hold on texts from which it was not read?

A name is read off a neuron's top texts.  The test is on other texts: those with the concept against those without, told
apart by the neuron's largest activation in each.  Three controls stand beside it: chance (0.5), every other neuron of
the layer on the same texts, and the number of tokens alone, since a longer text has the larger maximum by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.locate.neuron_name_result import NameScore
from interp_widgets.locate.neuron_reading import Corpus, check_sign, check_whole, passes, read, reading_cost, site_of
from interp_widgets.locate.neuron_result import NeuronResult
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.results.numbers import count
from interp_widgets.results.provenance import Verdict, provenance_of

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
FEWEST = 5  # texts of a kind: an interval from fewer says nothing
WEAK = 0.8  # an area below tells texts apart, but not well
COMMON = 0.05  # share of the layer's neurons that do as well from which on it is no finding


def score_name(
    lm: LanguageModel,
    positives: Sequence[str],
    negatives: Sequence[str],
    *,
    layer: int,
    neuron: int,
    name: str = "the concept",
    sign: str = "positive",
    seen: NeuronResult | Sequence[str] = (),
    resamples: int = 2_000,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> NameScore:
    """How well a neuron's peak tells held-out texts with a concept from texts without it.

    The measure is the area under the ROC curve: the probability that a text with the concept has the larger peak than
    one without (Mann & Whitney 1947; ties count half). 0.5 is chance.

    Parameters
    ----------
    positives, negatives: texts with the concept and texts without, at least 5 each, all different; like each other in
        everything else, above all in length
    layer, neuron: as in `iw.max_activating`; sign: "negative" takes the most negative activation of each text
    name: the concept, for pictures
    seen: the texts off which the name was read (a NeuronResult: its best texts); none of them may be in the test
    resamples, seed: of the bootstrap over texts (95 %, percentiles, both kinds resampled)
    batch_size, progress, cancel, confirm: as in `iw.max_activating`

    Returns
    -------
    NameScore: area with its interval, the areas of all neurons of the layer, and a verdict

    Raises
    ------
    ArgumentError (too few texts, one of them twice or seen before), and what `iw.max_activating` raises
    """
    layer, neuron = lm.architecture.check_layer(layer), lm.architecture.check_neuron(neuron)
    direction = check_sign(sign)
    check_whole("resamples", resamples, 100)
    if batch_size is not None:
        check_whole("batch_size", batch_size)
    corpus, n = _corpus(lm, positives, negatives, seen)
    if callable(confirm) and not confirm(reading_cost(lm, corpus, layer, lm.architecture.mlp_width, batch_size)):
        raise Cancelled("not confirmed; nothing was computed")
    began = time.perf_counter()
    peaks = np.zeros((len(corpus), lm.architecture.mlp_width), np.float32)

    def take(chosen: list[int], found: Tensor, counted: Tensor) -> None:
        peaks[chosen] = (found * direction).masked_fill(~counted[..., None], -torch.inf).amax(1).cpu().numpy()

    with torch.no_grad(), lm.run(cancel=cancel, capture=[site_of(layer)], until=layer) as run, Bar(progress) as bar:
        run.check()
        read(lm, run, corpus, layer, None, take, batch_size=batch_size, advance=bar.advance)
        interventions = run.snapshot.names
    wins = _wins(peaks[:n, neuron], peaks[n:, neuron])
    area, low, high = _interval(wins, resamples, np.random.default_rng(seed))
    areas = roc_areas(peaks[:n], peaks[n:])
    lengths = corpus.counts[:, None].astype(np.float32)
    by_length = float(roc_areas(lengths[:n], lengths[n:])[0])
    return NameScore(
        name=name,
        layer=layer,
        neuron=neuron,
        sign=sign,
        positives=tuple(positives),
        negatives=tuple(negatives),
        positive_peaks=peaks[:n, neuron].astype(np.float64) * direction,
        negative_peaks=peaks[n:, neuron].astype(np.float64) * direction,
        area=area,
        low=low,
        high=high,
        areas=areas,
        area_by_length=by_length,
        verdict=_judge(neuron, area, low, high, areas, by_length),
        provenance=provenance_of(
            lm,
            "",
            bos=corpus.bos,
            interventions=interventions,
            seed=seed,
            batch_size=max(map(len, passes(lm, corpus, lm.architecture.mlp_width, batch_size))),
            forward_passes=len(corpus),
            seconds=time.perf_counter() - began,
        ),
    )


def roc_areas(positives: NDArray[np.float32], negatives: NDArray[np.float32]) -> Floats:
    """Area under the ROC curve of each column, from ranks: (texts, columns) each -> (columns,)."""
    from scipy.stats import rankdata

    n, m = len(positives), len(negatives)
    ranks = rankdata(np.concatenate([positives, negatives]), axis=0)[:n].sum(0)
    return np.asarray((ranks - n * (n + 1) / 2) / (n * m), np.float64)


def _wins(positives: NDArray[np.float32], negatives: NDArray[np.float32]) -> Floats:
    """1 where a text with the concept has the larger peak, 1/2 where both are equal: (positives, negatives)."""
    return np.asarray((positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives), np.float64)


def _interval(wins: Floats, resamples: int, chance: np.random.Generator) -> tuple[float, float, float]:
    """The area with its 95 % bootstrap interval; both kinds of texts are drawn with replacement."""
    n, m = wins.shape
    drawn = [chance.multinomial(size, np.full(size, 1 / size), resamples) for size in (n, m)]
    areas = ((drawn[0] @ wins) * drawn[1]).sum(1) / (n * m)
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(wins.mean()), float(low), float(high)


def _corpus(
    lm: LanguageModel, positives: Sequence[str], negatives: Sequence[str], seen: NeuronResult | Sequence[str]
) -> tuple[Corpus, int]:
    """Both kinds as one corpus, and how many of them have the concept."""
    first, second = (Corpus.of(lm, texts, name) for texts, name in ((positives, "positives"), (negatives, "negatives")))
    known = dict.fromkeys(seen.texts.values() if isinstance(seen, NeuronResult) else seen, "seen")
    for name, corpus in (("positives", first), ("negatives", second)):
        if len(corpus) < FEWEST:
            raise ArgumentError(f"{name} has {count(len(corpus), 'text')}; give at least {FEWEST}, better 30")
        for i, text in enumerate(corpus.texts):
            if text in known:
                where = known[text]
                why = "the name was read off it" if where == "seen" else f"it is {where} as well"
                raise ArgumentError(f"{name}[{i}]={text!r} cannot be in the test: {why}")
            known[text] = f"{name}[{i}]"
    return first.with_texts(second), len(first)


def _judge(neuron: int, area: float, low: float, high: float, areas: Floats, by_length: float) -> Verdict:
    measured = f"area under the ROC curve {area:.2f} (95 %: {low:.2f} to {high:.2f}; chance 0.50)"
    if low <= 0.5:
        lower = "; it is larger where the concept is missing" if high < 0.5 else ""
        return Verdict(
            "do not trust",
            f"the neuron does not tell these texts apart: {measured}{lower}",
            (
                "The name fits the texts off which it was read and not others: look at texts further down the list, or"
                " at what the neuron's top texts share beside this concept.",
            ),
        )
    as_well = int((np.delete(areas, neuron) >= area).sum())
    others = f"{as_well} of the {len(areas) - 1} other neurons of the layer do as well"
    if abs(by_length - 0.5) >= area - 0.5:
        return Verdict(
            "caution",
            f"{measured}, but the number of tokens alone gives {by_length:.2f}",
            ("A longer text has the larger maximum by itself. Take texts of like length.",),
        )
    if as_well > COMMON * (len(areas) - 1):
        return Verdict("caution", f"{measured}, but {others}", ("The concept is no matter of this neuron.",))
    if area < WEAK:
        return Verdict("caution", f"{measured}: better than chance, not well; {others}")
    return Verdict("trust", f"{measured}; {others}")
