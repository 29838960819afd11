"""The work of the logit lens: layer after layer through the head, from the last one down, a few numbers kept a cell.

1. One pass of the model keeps the states that are asked for; each goes through the final norm, and through its map if
   the lens is a calibrated one.
2. Positions are taken in groups whose logits fit 25 MB, so that logits of all layers, positions and tokens never exist.
   In a group the final distribution comes first, then the layers, latest first: what is certain is seen first.
3. When all is read, the tokens that lead at some layer are followed through all layers of their position: a few columns
   of the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError
from interp_widgets.locate.calibration import LensCalibration, translated
from interp_widgets.locate.lens_reading import log_softmax, read
from interp_widgets.models.prompts import decode

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


class Headed(Protocol):
    """What reads states: a LanguageModel, or the head of one that runs elsewhere (see `locate.saved`)."""

    def head(self, hidden: Tensor, columns: Sequence[int] | None = None) -> Tensor: ...


class Stoppable(Protocol):
    """What says when to stop: a run of a model."""

    def check(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Cells:
    """What is known so far, (positions, layers, ...); not a number, and token -1, where nothing is yet.

    The fields are those of `LensResult` of the same names.
    """

    top_ids: NDArray[np.int64]
    top_probability: Floats
    entropy: Floats
    divergence: Floats
    log_probability: Floats
    rank: NDArray[np.int64]

    @classmethod
    def empty(cls, positions: int, layers: int, k: int, followed: int) -> Cells:
        shape = (positions, layers)
        return cls(
            top_ids=np.full((*shape, k), -1, np.int64),
            top_probability=np.full((*shape, k), np.nan),
            entropy=np.full(shape, np.nan),
            divergence=np.full(shape, np.nan),
            log_probability=np.full((*shape, followed), np.nan),
            rank=np.zeros((*shape, followed), np.int64),
        )


@dataclass(frozen=True, eq=False)
class Leaders:
    """The tokens that are first at some layer of their position: ids int64, (positions, most), -1 where there are
    fewer; log_probability: (positions, layers, most), not a number there."""

    ids: NDArray[np.int64]
    log_probability: Floats


def ready_states(
    lm: LanguageModel, states: Iterable[Tensor], final: Tensor, calibration: LensCalibration | None, *, residual: bool
) -> Tensor:
    """What the head gets for each layer, (layers, positions, width), from the states at the positions, layer by layer.

    residual: the last layer's state, normed, is `final` itself.
    """
    norm, layers = lm.architecture.final_norm, lm.architecture.n_layers
    made = torch.empty(layers, *final.shape, dtype=final.dtype, device=final.device)
    for layer, state in enumerate(states):
        if residual and layer == layers - 1:
            made[layer] = final
            continue
        normed = norm(state)
        made[layer] = normed if calibration is None else translated(normed, *calibration.layer(layer))
    return made


def fill(
    lm: Headed,
    run: Stoppable,
    ready: Tensor,
    final: Tensor,
    followed: Sequence[int],
    cells: Cells,
    *,
    group: int,
    residual: bool,
    tell: Callable[[int], None],
) -> Floats:
    """Fill `cells`, `group` positions at a time, layers from the last one down; `tell` hears how many cells are done.

    Returns the logarithms of the sums of exponentials, (positions, layers). Raises NonFiniteError, Cancelled.
    """
    layers, places = ready.shape[:2]
    k = cells.top_ids.shape[-1]
    ids = torch.as_tensor(list(followed), device=final.device, dtype=torch.long)
    normaliser = np.zeros((places, layers))
    done = 0
    for start in range(0, places, group):
        part = slice(start, start + group)
        logits = lm.head(final[part]).float()
        last = log_softmax(logits)
        for layer in reversed(range(layers)):
            run.check()
            own = residual and layer == layers - 1
            if not own:
                del logits  # first: two pieces at once are enough
                logits = lm.head(ready[layer, part])
            found = read(logits, last, k, ids)
            cells.top_ids[part, layer] = found.top_ids.cpu()
            cells.top_probability[part, layer] = found.top.exp().cpu()
            cells.entropy[part, layer] = found.entropy.cpu()
            cells.divergence[part, layer] = 0.0 if own else found.divergence.cpu()  # from itself: not even rounding
            cells.log_probability[part, layer] = found.log_probability.cpu()
            cells.rank[part, layer] = found.rank.cpu()
            normaliser[part, layer] = found.normaliser.cpu()
            done += len(last)
            tell(done)
    return normaliser


def leaders(lm: Headed, run: Stoppable, ready: Tensor, cells: Cells, normaliser: Floats) -> Leaders:
    """Follow the first choice of each layer through all layers of its position."""
    own = [_in_order(cells.top_ids[place, ::-1, 0]) for place in range(len(cells.top_ids))]
    most = max(map(len, own))
    ids = np.full((len(own), most), -1, np.int64)
    found = np.full((len(own), ready.shape[0], most), np.nan)
    for place, tokens in enumerate(own):
        run.check()
        logits = lm.head(ready[:, place], tokens).float().cpu().numpy().astype(np.float64)
        ids[place, : len(tokens)] = tokens
        found[place, :, : len(tokens)] = logits - normaliser[place, :, None]
    # Where a token is among the best its number is known already, from the whole product; the two differ by rounding.
    same = ids[:, None, :, None] == cells.top_ids[:, :, None, :]
    known = np.log(np.maximum(cells.top_probability, 1e-300))
    places, layers, which, best = np.nonzero(same)
    found[places, layers, which] = known[places, layers, best]
    return Leaders(ids, np.minimum(found, 0.0))


def follow(tokenizer: Any, vocabulary: int, tokens: Sequence[str | int], first: int) -> list[int]:
    """Ids of the tokens to follow: the model's first choice, then those asked for. Raises ArgumentError."""
    if isinstance(tokens, str):
        raise ArgumentError(f"tokens={tokens!r} is one string; give a list: tokens=[{tokens!r}]")
    chosen = [first]
    for token in tokens:
        if isinstance(token, str):
            ids = tokenizer(token, add_special_tokens=False)["input_ids"]
            if len(ids) != 1:
                raise ArgumentError(
                    f"tokens={token!r} is {len(ids)} tokens; the lens follows single ones. Give the first: "
                    f"{decode(tokenizer, ids[:1])!r}"
                )
            token = int(ids[0])
        if not 0 <= token < vocabulary:
            raise ArgumentError(f"tokens={token!r}: token ids go from 0 to {vocabulary - 1}")
        if token not in chosen:
            chosen.append(token)
    return chosen


def _in_order(tokens: NDArray[Any]) -> list[int]:
    """Each token once, as they come."""
    return list(dict.fromkeys(int(token) for token in tokens))
