"""`iw.control_vector`: from contrast pairs to a direction for each layer, in one batched pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.models.memory import forward_bytes
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.states import last_states
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost
from interp_widgets.steering.directions import check_method, cross_validated, direction
from interp_widgets.steering.pairs import ContrastPairs, as_pairs
from interp_widgets.steering.vector import ControlVector

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_FOLDS = 5


def control_vector(
    lm: LanguageModel,
    positive: ContrastPairs | Sequence[Prompt],
    negative: Sequence[Prompt] | None = None,
    method: str = "mean",
    *,
    layers: Sequence[int] | None = None,
    name: str | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> ControlVector:
    """A direction for each layer, from the hidden states of the last token of each prompt.

    Parameters
    ----------
    positive, negative: two lists of prompts, the same place in each a pair; or ContrastPairs alone
    method: "mean", "pca_uncentred", "pca_centred" or "logistic"; see `steering.directions`
    layers: which ones, from 0; by default all
    name: how to call it; by default that of the pairs
    seed: orders the pairs for the cross-validation
    batch_size, progress, cancel, confirm: as in `iw.attribute`

    Returns
    -------
    ControlVector: inactive; use it with `lm.steered(v, strength=...)` or `lm.ledger.add(v.steer(strength=...))`. Its
    best layer is the one in the middle half of the depth whose d' on pairs left out is highest; `iw.evaluate_steering`
    measures what each does

    Raises
    ------
    ArgumentError (empty or unequal lists, a pair of equal prompts, also after templating; no direction), what
    `lm.encode` raises, OutOfRangeError, NonFiniteError, MemoryExhaustedError, Cancelled
    """
    pairs = as_pairs(positive, negative)
    check_method(method)
    chosen = [lm.architecture.check_layer(i) for i in (range(lm.architecture.n_layers) if layers is None else layers)]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ArgumentError(f"layers={layers!r}: at least one layer, each once")
    _check_templated(lm, pairs)
    if callable(confirm) and not confirm(_cost(lm, pairs)):
        raise Cancelled("not confirmed; nothing was computed")
    prompts = [*pairs.positive, *pairs.negative]
    with Bar(progress) as bar:
        found = last_states(lm, prompts, layers=chosen, batch_size=batch_size, cancel=cancel, advance=bar.advance)
    order = np.random.default_rng(seed).permutation(len(pairs))
    states = found.last.astype(np.float64)
    up, down = states[: len(pairs)][order], states[len(pairs) :][order]
    rows, checks = [], []
    for i, layer in enumerate(chosen):
        try:
            rows.append(direction(method, up[:, i], down[:, i]))
        except ArgumentError as error:
            raise ArgumentError(f"layer {layer}: {error}") from None
        checks.append(cross_validated(method, up[:, i], down[:, i], _FOLDS))
    matrix = np.asarray(rows)
    high, low = (np.einsum("plw,lw->l", side, matrix) / len(pairs) for side in (up, down))
    accuracy, separation = np.asarray(checks).T
    return ControlVector(
        name=name or pairs.name,
        poles=pairs.poles,
        method=method,
        pairs=len(pairs),
        layers=tuple(chosen),
        matrix=matrix.astype(np.float32),
        norm=found.norm,
        middle=(high + low) / 2,
        half_gap=(high - low) / 2,
        accuracy=accuracy,
        separation=separation,
        best_layer=_best(chosen, separation, lm.architecture.n_layers),
        model=lm.name,
        model_type=lm.architecture.model_type,
        fingerprint=lm.fingerprint,
        fitted_under=lm.ledger.active_names(),
    )


def _best(layers: Sequence[int], separation: NDArray[np.float64], depth: int) -> int:
    """Highest d' in the middle half of the depth: late layers tell traits apart just as well, but what is added there
    has little of the model left to act on."""
    inside = np.asarray([depth // 4 <= layer <= 3 * depth // 4 for layer in layers])
    known = np.isfinite(separation)
    allowed = known & inside if (known & inside).any() else known
    return layers[int(np.argmax(np.where(allowed, separation, -np.inf)))] if known.any() else layers[len(layers) // 2]


def estimate_control_vector(
    lm: LanguageModel,
    positive: ContrastPairs | Sequence[Prompt],
    negative: Sequence[Prompt] | None = None,
    method: str = "mean",
    **settings: object,
) -> Cost:
    """What `control_vector` with the same arguments would cost; runs nothing."""
    return _cost(lm, as_pairs(positive, negative))


def _cost(lm: LanguageModel, pairs: ContrastPairs) -> Cost:
    lengths = [len(lm.encode(prompt)) for prompt in (*pairs.positive, *pairs.negative)]
    return Cost(len(lengths), sum(lengths) * lm.seconds_per_token, forward_bytes(lm, max(lengths) * 8))


def _check_templated(lm: LanguageModel, pairs: ContrastPairs) -> None:
    for i, (one, other) in enumerate(zip(pairs.positive, pairs.negative, strict=True)):
        if np.array_equal(lm.encode(one).ids, lm.encode(other).ids):
            raise ArgumentError(f"pair {i} has the same tokens on both sides after the model's template: {one!r}")
