"""Key statistics: the second moment C = E[k k^T] of a layer's MLP keys, over the tokens of some text.

An edit that must leave other keys alone weighs its update by the inverse of C (Meng et al. 2022, equation 2 and
appendix E.5).  The published C came from 44 million tokens of an encyclopaedia; a few times as many tokens as a key has
entries are enough (arXiv 2506.04226), so the package's reference text does, and nothing is fetched.

1. Text goes through the model up to the layer; every token's key counts, padding never.
2. Products are summed in float64, batch by batch.
3. C is kept in the user's cache under the model's fingerprint, the layer, the texts' hash and the number of tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, Cancelled, NonFiniteError
from interp_widgets.models import reference_text
from interp_widgets.models.architectures import Site
from interp_widgets.models.cache import cache_dir
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.kept import Kept
from interp_widgets.models.memory import give_back, in_batches
from interp_widgets.models.states import padded
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]
KIND, VERSION = "key statistics", 1
RIDGE = 1e-4  # of the mean of C's diagonal: what is added to it before it is inverted
_CPU_TOKENS, _GPU_TOKENS = 512, 16_384  # of a pass
_HELD = 32e6  # bytes of a file up to which it stays in memory


@dataclass(frozen=True, eq=False)
class KeyStatistics:
    """moment: float64, (keys, keys), the mean of k k^T; tokens: how many keys it is the mean of
    layer, fingerprint, corpus: of what; corpus is the SHA-256 of the texts"""

    moment: Floats
    tokens: int
    layer: int
    fingerprint: str
    corpus: str

    @cached_property
    def decomposition(self) -> tuple[Floats, Floats]:
        """Eigenvalues, ascending, and eigenvectors in columns."""
        values, vectors = np.linalg.eigh(self.moment)
        return np.asarray(values), np.asarray(vectors)

    @property
    def spectrum(self) -> Floats:
        """Eigenvalues, ascending."""
        return self.decomposition[0]

    @property
    def rank(self) -> int:
        """Eigenvalues above rounding error (numpy's own threshold for a matrix rank)."""
        values = self.spectrum
        return int((values > values[-1] * len(values) * np.finfo(np.float64).eps).sum())

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue; infinite where the rank is not full."""
        return float(self.spectrum[-1] / self.spectrum[0]) if self.rank == len(self.spectrum) else float("inf")

    def regularised(self, ridge: float = RIDGE) -> Floats:
        """C plus `ridge` times the mean of its diagonal, on the diagonal."""
        size = len(self.moment)
        return np.asarray(self.moment + ridge * np.trace(self.moment) / size * np.eye(size))

    def solve(self, keys: Floats, ridge: float = RIDGE) -> Floats:
        """(C + ridge)^-1 times keys (keys, n), by Cholesky. Raises NonFiniteError if C is not positive definite."""
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        try:
            return np.asarray(cho_solve(cho_factor(self.regularised(ridge)), keys))
        except LinAlgError as error:
            raise NonFiniteError(
                f"ridge={ridge}: the second moment of {self.tokens} tokens has rank {self.rank} of {len(self.moment)}"
                " and cannot be inverted; take more text or a larger ridge"
            ) from error

    def __repr__(self) -> str:
        return (
            f"<KeyStatistics of layer {self.layer}: {self.tokens} tokens, rank {self.rank} of {len(self.moment)}, "
            f"condition {self.condition:.1e}>"
        )


def key_statistics(
    lm: LanguageModel,
    layer: int,
    texts: Sequence[str] | None = None,
    *,
    refit: bool = False,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> KeyStatistics:
    """C of one layer, from the user's cache or computed without interventions.

    Parameters
    ----------
    texts: by default the package's reference text
    refit: compute also where the cache has it

    Raises
    ------
    ArgumentError: no texts; OutOfRangeError, NonFiniteError, DiskFullError, Cancelled
    """
    layer = lm.architecture.check_layer(layer)
    chosen = _chosen(texts)
    corpus = reference_text.corpus_hash(chosen)
    kept = Kept.within(cache_dir() / "statistics", KIND, VERSION, [lm.fingerprint, layer, corpus, VERSION])
    known = None if refit else _find(kept)
    if known is not None:
        return known
    if callable(confirm) and not confirm(_cost(lm, layer, chosen)):
        raise Cancelled("not confirmed; nothing was computed")
    ids = sorted((lm.encode(text).ids for text in chosen), key=len)
    total = sum(map(len, ids))
    site = Site("mlp_key", layer)
    size = lm.architecture.mlp_width
    moment = torch.zeros(size, size, dtype=torch.float64)
    tokens = _CPU_TOKENS if lm.device.type == "cpu" else _GPU_TOKENS
    rows = batch_size or max(tokens // len(ids[-1]), 1)
    plain = Snapshot((), lm.architecture)
    with (
        torch.no_grad(),
        Bar(progress) as bar,
        lm.run(cancel=cancel, capture=[site], until=layer, snapshot=plain) as run,
    ):
        done = 0

        def work(start: int, end: int) -> None:
            nonlocal done
            batch, lengths = padded(ids[start:end])
            lm.hidden(batch)
            seen = torch.arange(batch.shape[1]) < lengths[:, None]
            keys = run.captured.pop(site)
            keys = keys[seen.to(keys.device)].double()
            moment.add_((keys.T @ keys).cpu())
            done += len(keys)
            bar.advance(done, total, "key statistics")

        in_batches(len(ids), rows, work)
    give_back()
    found = KeyStatistics((moment / total).numpy(), total, layer, lm.fingerprint, corpus)
    if not np.isfinite(found.moment).all():
        raise NonFiniteError(f"the keys of layer {layer} hold NaN or infinity on this text")
    about = {"tokens": total, "layer": layer, "fingerprint": lm.fingerprint, "corpus": corpus}
    kept.write(about, {"moment": found.moment})
    return found


def estimate_key_statistics(lm: LanguageModel, layer: int, texts: Sequence[str] | None = None, **_: object) -> Cost:
    """What `key_statistics` would cost where the cache does not have it; runs nothing."""
    return _cost(lm, lm.architecture.check_layer(layer), _chosen(texts))


def _chosen(texts: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise ArgumentError("texts is one string; give a list of texts")
    chosen = tuple(reference_text.sentences() if texts is None else texts)
    if not chosen:
        raise ArgumentError("texts is empty; give some, or leave it out for the package's reference text")
    return chosen


def _cost(lm: LanguageModel, layer: int, texts: Sequence[str]) -> Cost:
    a = lm.architecture
    tokens = sum(len(text) for text in texts) // 4  # a token of English has four to five letters
    share = (layer + 1) / a.n_layers
    squares = 4 * a.mlp_width**2 / sum(p.numel() for p in lm.model.parameters())  # in double precision
    return Cost(len(texts), tokens * (share + squares) * lm.seconds_per_token, 3 * 8 * a.mlp_width**2)


def _find(kept: Kept) -> KeyStatistics | None:
    """From the cache; small ones are held, since one edit after the other asks for them and their decomposition."""
    try:
        about = kept.path.stat()
    except FileNotFoundError:
        return None
    return _held(kept, about.st_mtime_ns) if about.st_size <= _HELD else kept.find(_read)


@lru_cache(maxsize=8)
def _held(kept: Kept, written: int) -> KeyStatistics | None:
    found = kept.find(_read)
    if found is not None:
        found.moment.setflags(write=False)  # whoever gets it next must find it as it is
    return found


def _read(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> KeyStatistics:
    document = {name: about[name] for name in ("tokens", "layer", "fingerprint", "corpus")}
    return KeyStatistics(moment=arrays["moment"], **document)
