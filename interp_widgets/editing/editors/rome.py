"""ROME: one fact, one layer, a change of rank one (Meng et al. 2022, sections 3.1 and appendix E.5).

The MLP's value matrix W is read as a memory that answers a key with a value.  k is the key of the fact's subject, the
mean over its texts; delta what has to be added to the value there so that the new answer follows; u = C^-1 k, with C
the second moment of all keys.  Then

    W' = W + delta u^T / (k . u)

answers k with what it answered before plus delta, and changes what other keys get as little as C allows.

Forms, which differ in the key of the denominator:

averaged    the mean key on both sides (Gupta, Baskaran and Anumanchipalli 2024, "Rebuilding ROME"): W' k = W k + delta
            holds exactly, which is checked
published   u from the mean key, the denominator from the key of the plain prompt, as in ROME's code: where the two keys
            point apart the denominator is small, and the change so large that a single edit can break the model
plain       the plain prompt's key on both sides
two         the plain prompt's key and the mean key of the other texts both get delta, exactly; still of rank one. Where
            a subject begins a text its key there is another than behind a prefix, and an averaged key leaves it short
start       the subject's key at the beginning of a text and the mean key of the texts in which it stands further on: as
            "two" where the prompt begins with the subject. Elsewhere paraphrases that begin with it are reached too,
            and other subjects at the beginning of a text suffer (`benchmarks/EDITING.md`)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.editors.updates import violation
from interp_widgets.editing.fact import Fact
from interp_widgets.editing.keys_values.contexts import Row, context_prefixes, rows_of
from interp_widgets.editing.keys_values.statistics import RIDGE, KeyStatistics
from interp_widgets.editing.keys_values.subject_keys import at_subjects
from interp_widgets.editing.keys_values.value import Values, ValueSettings, optimise
from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.weight_size import relative_norm
from interp_widgets.models.architectures import Site
from interp_widgets.models.hooks import Snapshot

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
FORMS = ("averaged", "published", "plain", "two", "start")
_TWO = ("two", "start")  # that write delta for two keys


@dataclass(frozen=True)
class RomeSettings:
    """form: see the module's text; prefixes: lengths in tokens of the sampled texts before the prompt, five of each;
    plain_share: weight of the plain prompt in the mean key; None: as of every other text, as in ROME's code. A subject
        near a text's start has another key there than behind a prefix, and would get little of the change
    ridge: added to C, in units of the mean of its diagonal; value: of the optimisation"""

    form: str = "averaged"
    prefixes: Sequence[int] = (5, 10)
    plain_share: float | None = 0.5
    ridge: float = RIDGE
    value: ValueSettings = field(default_factory=ValueSettings)

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise not_one_of("form", self.form, FORMS)
        check_share(self.plain_share)
        if not self.ridge > 0:
            raise ArgumentError(f"ridge={self.ridge!r}: a number above 0, such as {RIDGE}")


@dataclass(frozen=True, eq=False)
class RankOne:
    """The change, and what was measured on the way.

    alignment: cosine of u with the key of the denominator, under C; near 0 the change is huge. Of two keys the
        smaller cosine: how well one direction serves both
    constraint: how far W' k is from W k + delta at the mean key, over the norm of delta, measured on the model's own
        values with the change in place; rounding error for form "averaged"
    growth: norm of the change over the norm of W; loss, probability, steps: of the optimisation, at its end
    """

    change: LowRank
    values: Values
    alignment: float
    growth: float
    constraint: float

    @property
    def loss(self) -> float:
        return float(self.values.loss[0])

    @property
    def probability(self) -> float:
        """Of the answer, a token, geometric mean over the texts that the value was found on."""
        return float(self.values.probability[0])


def rank_one(
    lm: LanguageModel,
    fact: Fact,
    layer: int,
    statistics: KeyStatistics,
    settings: RomeSettings,
    *,
    advance: Callable[[int, int, str], None] | None = None,
) -> RankOne:
    """The change of one layer's value matrix that makes the model answer with the fact's target.

    Open it inside a run: what is active there acts, and the change is meant to come on top of it.

    Raises ArgumentError: statistics of another layer or model, a key of zero; and what `rows_of` and `optimise` raise.
    """
    layer = lm.architecture.check_layer(layer)
    if statistics.layer != layer or statistics.fingerprint != lm.fingerprint:
        raise ArgumentError(f"statistics are of layer {statistics.layer} of another fit; the edit is at layer {layer}")
    rows = rows_of(lm, 0, fact, context_prefixes(lm, lengths=settings.prefixes))
    values = optimise(lm, [rows], layer, settings.value, advance=advance)
    mean, plain = values.mean_keys(settings.plain_share)[0], values.plain_keys[0].cpu().numpy()
    if _plain_alone(fact, settings):
        mean = values.mean_keys(0.0)[0]
    elif settings.form == "start":
        plain = at_subjects(lm, rows[-1:], [Site("mlp_key", layer)], layer)[Site("mlp_key", layer)][0]
    left, right, alignment = solve(
        values.delta[0].double().cpu().numpy(), mean, plain, statistics, form=settings.form, ridge=settings.ridge
    )
    change = LowRank(left[:, None], right[None], layer=layer)
    return RankOne(
        change,
        values,
        alignment,
        relative_norm(change, lm.architecture),
        _violation(lm, _weighted(rows, fact, settings), change, values),
    )


def _solve_two(delta: Floats, keys: Floats, statistics: KeyStatistics, ridge: float) -> tuple[Floats, Floats, float]:
    """u of the least u^T C u with k . u = 1 for both keys (keys, 2)."""
    solved = statistics.solve(keys, ridge)
    gram = keys.T @ solved
    weights = np.linalg.solve(gram, np.ones(2))
    u = solved @ weights
    alignment = 1 / np.sqrt(float(weights @ gram @ weights) * np.diag(gram).max())
    size = np.linalg.norm(u)
    return delta * size, u / size, float(alignment)


def check_share(plain_share: float | None) -> None:
    if plain_share is not None and not 0 <= plain_share <= 1:
        raise ArgumentError(f"plain_share={plain_share!r}: between 0 and 1, or None")


def _plain_alone(fact: Fact, settings: RomeSettings) -> bool:
    """Whether the plain prompt's key is one of the two, and so no part of the mean."""
    return settings.form == "two" or (settings.form == "start" and fact.subject_span[0] == 0)


def _weighted(rows: Sequence[Row], fact: Fact, settings: RomeSettings) -> list[list[tuple[Row, float]]]:
    """Of each key that delta is written for, the texts that it is the mean of, with their weights."""
    plain, *others = (row for row in rows if not row.watches)
    alone = _plain_alone(fact, settings)
    share = 0.0 if alone else settings.plain_share
    if share is None:
        share = 1 / (1 + len(others))
    mean = [(plain, share if others else 1.0), *((row, (1 - share) / len(others)) for row in others)]
    if settings.form not in _TWO:
        return [mean]
    return [[(plain if alone else rows[-1], 1.0)], mean]


def _violation(
    lm: LanguageModel, keys: Sequence[Sequence[tuple[Row, float]]], change: LowRank, values: Values
) -> float:
    """Of the constraint, the largest of all keys, by what the layer's down-projection puts out at the subject."""
    layer = lm.architecture.check_layer(change.layer)
    site = Site("mlp_value", layer)
    delta = values.delta[0].double().cpu().numpy()
    missed = []
    with lm.run() as run:
        edited = Snapshot((*run.snapshot.changes, change), lm.architecture)
        for texts in keys:
            rows, weights = [row for row, _ in texts], np.asarray([weight for _, weight in texts])
            before = at_subjects(lm, rows, [site], layer)[site]
            with lm.run(snapshot=edited):
                moved = at_subjects(lm, rows, [site], layer)[site] - before
            missed.append(violation(weights @ moved, delta))
    return float(max(missed))


def solve(
    delta: Floats,
    mean: Floats,
    plain: Floats,
    statistics: KeyStatistics,
    *,
    form: str = "averaged",
    ridge: float = RIDGE,
) -> tuple[Floats, Floats, float]:
    """left (width,) and right (keys,) with W' = W + left right^T, and the alignment, of two keys the smaller one.

    mean, plain: keys (keys,); of forms "two" and "start" the keys that both get delta

    Raises ArgumentError."""
    if form in _TWO and not np.allclose(mean, plain):
        return _solve_two(delta, np.stack([plain, mean], 1), statistics, ridge)
    direction = plain if form == "plain" else mean
    divisor = mean if form == "averaged" else plain
    u = statistics.solve(direction[:, None], ridge)[:, 0]
    product = float(divisor @ u)
    if product == 0:
        raise ArgumentError("the key of this subject is zero in this layer; edit another layer")
    lengths = np.sqrt(float(direction @ u) * float(divisor @ statistics.solve(divisor[:, None], ridge)[:, 0]))
    size = np.linalg.norm(u)
    return delta * size / product, u / size, product / float(lengths)
