"""A calibrated lens: one affine map a layer, from the state after the layer to the state that the head gets.

The plain lens reads an early state as if it were the last one, in a basis that the model has not yet written into.
Here a linear regression translates first:

1. Reference text goes through the model without interventions.  x is the state after layer l, after the final norm; y
   the state that the head gets.  The first token of each text is left out: as an attention sink it has a norm of its
   own, tens of times that of the others.
2. For each layer, A and b minimise the mean of |A x + b - y|^2 + ridge |A|^2 (in units of x's mean variance).  Sums
   of products are streamed in float64, so the closed form costs one pass over the text, and no gradient.
3. Every tenth text is held out.  On it, the divergence of both lenses, plain and calibrated, from the final
   distribution is measured at each layer, beside that of a guess that reads nothing: the head on the mean of y.

What is alike and what differs: the tuned lens (Belrose et al. 2023) has one affine map a layer too, applied before the
final norm and trained by gradient on the divergence itself; the linear shortcuts of Din et al. 2023 are the closed form
on raw states.  Ours is the closed form on normed states, where an outlier cannot outweigh the text.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, Cancelled
from interp_widgets.locate.calibration_file import LensCalibration, find, place
from interp_widgets.locate.lens_reading import log_softmax, read
from interp_widgets.models import reference_text
from interp_widgets.models.architectures import Site
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.memory import available_bytes, give_back
from interp_widgets.models.states import padded
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

RIDGE = 1e-3  # of x's mean variance; from 1e-4 to 1e-2 the held-out divergence of the default model is the same
HELD_OUT = 10  # every tenth text
MEASURED = 768  # tokens of the held-out texts at most
_CPU_TOKENS, _GPU_TOKENS = 512, 8_192  # of a pass
_PIECE = 6_400_000  # numbers of a piece of logits
_FEWEST = 20  # texts


def calibrate_lens(
    lm: LanguageModel,
    texts: Sequence[str] | None = None,
    *,
    ridge: float = RIDGE,
    refit: bool = False,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> LensCalibration:
    """The calibrated lens of this model: from the user's cache, or fitted (minutes for a small model on two cores).

    Parameters
    ----------
    texts: to fit and measure on, at least 20; by default the package's reference text
    ridge: penalty on the map, in units of the states' mean variance
    refit: fit also where the cache has it

    Active interventions do not take part: the fit is of the model as it was loaded.

    Raises
    ------
    ArgumentError, Cancelled, NonFiniteError, DiskFullError, and what `lm.encode` raises.
    """
    chosen = tuple(reference_text.sentences() if texts is None else texts)
    if len(chosen) < _FEWEST:
        raise ArgumentError(f"texts has {len(chosen)} texts; a lens is fitted on at least {_FEWEST}, better 1 000")
    if not ridge > 0:
        raise ArgumentError(f"ridge={ridge!r}: a positive number, such as {RIDGE}")
    path = place(lm.fingerprint, reference_text.corpus_hash(chosen), settings(ridge))
    known = None if refit else find(path)
    if known is not None:
        return known
    if callable(confirm) and not confirm(_cost(lm, chosen)):
        raise Cancelled("not confirmed; nothing was computed")
    return _fit(lm, chosen, ridge, path, progress, cancel)


def cached(lm: LanguageModel) -> LensCalibration | None:
    """The lens on the package's reference text with the settings by default, if it was fitted before."""
    texts = reference_text.sentences()
    return find(place(lm.fingerprint, reference_text.corpus_hash(texts), settings(RIDGE)))


def estimate_calibrate_lens(lm: LanguageModel, texts: Sequence[str] | None = None, **_: object) -> Cost:
    """What `calibrate_lens` would cost where the cache does not have it; runs nothing."""
    return _cost(lm, tuple(reference_text.sentences() if texts is None else texts))


def settings(ridge: float) -> dict[str, Any]:
    """What decides the numbers beside model and texts."""
    return {"ridge": ridge, "held_out": HELD_OUT, "measured": MEASURED, "version": 1}


def _cost(lm: LanguageModel, texts: Sequence[str]) -> Cost:
    a = lm.architecture
    tokens = sum(len(text) for text in texts) // 4  # a token of English has four to five letters
    parameters = sum(p.numel() for p in lm.model.parameters())
    squares = 4 * a.n_layers * a.width**2 * tokens  # multiplications in double precision, each for two
    heads = 2 * a.n_layers * MEASURED * a.vocabulary * a.width
    seconds = (tokens * parameters + squares + 2 * heads) / parameters * lm.seconds_per_token
    return Cost(len(texts), seconds, _bytes_of_layer(a.width) * a.n_layers + 4 * 3 * _PIECE)


def _bytes_of_layer(width: int) -> int:
    return 2 * 8 * (width + 1) ** 2


# Fitting


def _fit(
    lm: LanguageModel,
    texts: Sequence[str],
    ridge: float,
    path: Path,
    progress: Progress | bool | None,
    cancel: threading.Event | None,
) -> LensCalibration:
    a = lm.architecture
    began = time.perf_counter()
    ids = [lm.encode(text).ids for text in texts]
    fitting = [one for i, one in enumerate(ids) if i % HELD_OUT]
    held = [one for i, one in enumerate(ids) if i % HELD_OUT == 0]
    weight = np.zeros((a.n_layers, a.width, a.width), np.float32)
    bias = np.zeros((a.n_layers, a.width), np.float32)
    weight[-1] = np.eye(a.width)  # after the last layer, the normed state is the one that the head gets
    free = available_bytes(torch.device("cpu")) // 2
    together = max(int(free // _bytes_of_layer(a.width)), 1)  # layers whose sums fit in memory
    groups = [range(start, min(start + together, a.n_layers - 1)) for start in range(0, a.n_layers - 1, together)]
    tokens = sum(max(len(one) - 1, 0) for one in fitting)
    steps = len(groups) * tokens + MEASURED
    mean = torch.zeros(a.width, dtype=torch.float64)
    with torch.no_grad(), Bar(progress) as bar:
        done = 0
        for layers in groups:
            sums = {layer: _Sums(a.width) for layer in layers}
            for states, y in _passes(lm, fitting, layers, cancel):
                for layer in layers:
                    sums[layer].add(states.pop(layer), y)
                done += len(y)
                bar.advance(done, steps, "fitting the lens")
            for layer in layers:
                weight[layer], bias[layer] = sums[layer].solve(ridge)
                mean = sums[layer].mean
        measured = _measure(lm, held, weight, bias, mean, cancel, lambda n: bar.advance(done + n, steps, "testing it"))
        bar.finish("done")
    give_back()
    return LensCalibration.write(
        path,
        weight,
        bias,
        measured,
        fingerprint=lm.fingerprint,
        corpus=reference_text.corpus_hash(texts),
        settings=settings(ridge),
        tokens=tokens,
        texts=len(fitting),
        seconds=time.perf_counter() - began,
    )


def _passes(
    lm: LanguageModel, texts: Sequence[NDArray[np.int64]], layers: Sequence[int], cancel: threading.Event | None
) -> Iterator[tuple[dict[int, Tensor], Tensor]]:
    """Batch after batch: normed states (tokens, width) of each layer, and those that the head gets; first tokens of the
    texts left out."""
    order = sorted((one for one in texts if len(one) > 1), key=len)
    most = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    sites = [Site("resid_post", layer) for layer in layers]
    norm = lm.architecture.final_norm
    plain = Snapshot((), lm.architecture)
    start = 0
    while start < len(order):
        rows = max(most // len(order[min(start + most // len(order[start]), len(order) - 1)]), 1)
        ids, lengths = padded(order[start : start + rows])
        start += rows
        with lm.run(cancel=cancel, capture=sites, snapshot=plain) as run:
            y = lm.hidden(ids)
            seen = torch.arange(ids.shape[1]) < lengths[:, None]
            seen[:, 0] = False
            seen = seen.to(y.device)
            states = {layer: norm(run.captured.pop(site)[seen]) for layer, site in zip(layers, sites, strict=True)}
        yield states, y[seen]


class _Sums:
    """Sums of products of one layer, float64, on the CPU."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.x, self.y = torch.zeros(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
        self.xx = torch.zeros(width, width, dtype=torch.float64)
        self.xy = torch.zeros(width, width, dtype=torch.float64)

    def add(self, x: Tensor, y: Tensor) -> None:
        x, y = x.cpu().double(), y.cpu().double()
        self.count += len(x)
        self.x += x.sum(0)
        self.y += y.sum(0)
        self.xx.addmm_(x.T, x)
        self.xy.addmm_(x.T, y)

    @property
    def mean(self) -> Tensor:
        """Of y."""
        return self.y / max(self.count, 1)

    def solve(self, ridge: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A (outputs, inputs) and b; the constant is not penalised."""
        n = max(self.count, 1)
        x, y = self.x / n, self.y / n
        xx = self.xx / n - torch.outer(x, x)
        xy = self.xy / n - torch.outer(x, y)
        xx.diagonal().add_(ridge * float(xx.diagonal().mean()))
        a = torch.linalg.solve(xx, xy).T
        return a.float().numpy(), (y - a @ x).float().numpy()


# Measuring


def _measure(
    lm: LanguageModel,
    texts: Sequence[NDArray[np.int64]],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    mean: Tensor,
    cancel: threading.Event | None,
    advance: Callable[[int], None],
) -> dict[str, NDArray[np.float64]]:
    """Means over held-out tokens, by layer, of both lenses and of a guess that reads nothing."""
    a = lm.architecture
    layers = range(a.n_layers)
    names = ("plain", "calibrated", "nothing")
    kinds = ("divergence", "reverse", "agreement")
    total = {f"{what}_{name}": np.zeros(a.n_layers) for name in names for what in kinds}
    done = 0
    rows = max(_PIECE // a.vocabulary, 1)
    none = torch.zeros(0, dtype=torch.long)
    plain = Snapshot((), a)
    for states, y in _passes(lm, texts, layers, cancel):
        for start in range(0, len(y), rows):
            part = slice(start, min(start + rows, len(y), start + MEASURED - done))
            if part.stop <= part.start:
                return _means(total, done)
            with lm.run(cancel=cancel, snapshot=plain) as run:
                final = log_softmax(lm.head(y[part]))
                first = final.argmax(-1)
                for layer in layers:
                    run.check()
                    x = states[layer][part]
                    for name, state in _variants(x, weight[layer], bias[layer], mean if layer == 0 else None):
                        found = read(lm.head(state), final, 1, none.to(x.device), reverse=True)
                        own = (found.top_ids[:, 0] == first).double()
                        for what, value in zip(kinds, (found.divergence, found.reverse, own), strict=True):
                            total[f"{what}_{name}"][layer] += float(value.double().sum())
            done += part.stop - part.start
            advance(done)
    return _means(total, done)


def _variants(
    x: Tensor, weight: NDArray[np.float32], bias: NDArray[np.float32], mean: Tensor | None
) -> list[tuple[str, Tensor]]:
    found = [("plain", x), ("calibrated", translated(x, weight, bias))]
    if mean is not None:
        found.append(("nothing", mean.to(x.device, x.dtype).expand_as(x).contiguous()))
    return found


def translated(x: Tensor, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Tensor:
    """A x + b for normed states (..., width), in their dtype."""
    made = torch.nn.functional.linear(
        x.float(), torch.as_tensor(weight, device=x.device), torch.as_tensor(bias, device=x.device)
    )
    return made.to(x.dtype)


def _means(total: dict[str, NDArray[np.float64]], tokens: int) -> dict[str, NDArray[np.float64]]:
    """The guess is the same after each layer; it was read once."""
    for name in total:
        total[name] /= max(tokens, 1)
        if name.endswith("_nothing"):
            total[name][:] = total[name][0]
    return {**total, "tokens": np.asarray(float(tokens))}


__all__ = ["LensCalibration", "cached", "calibrate_lens", "estimate_calibrate_lens", "translated"]
