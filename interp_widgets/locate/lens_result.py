"""What `iw.logit_lens` found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import not_one_of
from interp_widgets.locate.lens_verdict import HeldOut
from interp_widgets.results.base import Result
from interp_widgets.results.provenance import Provenance, Verdict
from interp_widgets.results.text import named

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from interp_widgets.models.language_model import LanguageModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LensResult(Result):
    """The next-token distribution after each layer (L) at each position (P).

    positions: (P,), in the prompt; tokens, token_ids: those that stand there
    site: "resid_post", "attn_out" or "mlp_out"
    lens: "plain" or "calibrated"
    complete: False where it was handed over while the work goes on: cells that are not read yet have token -1, and nan
    top_ids, top_probability: (P, L, k), the best tokens, best first; words: id -> text
    entropy: (P, L), nats; divergence: (P, L), KL(lens || final), nats
    followed: the tokens that are followed, the model's first choice first; log_probability, rank: (P, L, followed);
        rank 1 is the best
    leader_ids: (P, M), the tokens that are first after some layer, those of late layers first, -1 where there are
        fewer; leader_log_probability: (P, L, M), nan there
    held_out: what was measured of this lens on held-out text, by layer; None if nothing was
    verdict: how much of the table can be believed
    """

    kind: ClassVar[str] = "logit lens"

    text: str
    tokens: tuple[str, ...]
    token_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    site: str
    lens: str
    complete: bool
    top_ids: NDArray[np.int64]
    top_probability: Floats
    entropy: Floats
    divergence: Floats
    followed: tuple[str, ...]
    followed_ids: NDArray[np.int64]
    log_probability: Floats
    rank: NDArray[np.int64]
    leader_ids: NDArray[np.int64]
    leader_log_probability: Floats
    words: dict[int, str]
    held_out: HeldOut | None
    verdict: Verdict

    @classmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        held = document["held_out"]
        if held is not None:
            held = HeldOut.from_json(held)
        return {
            **document,
            **arrays,
            "tokens": tuple(document["tokens"]),
            "followed": tuple(document["followed"]),
            "words": {int(i): word for i, word in document["words"].items()},  # JSON has no numbers as keys
            "held_out": held,
            "verdict": Verdict(**{**document["verdict"], "why": tuple(document["verdict"]["why"])}),
            "provenance": Provenance.from_json(document["provenance"]),
        }

    @property
    def n_layers(self) -> int:
        return int(self.entropy.shape[1])

    @property
    def read(self) -> NDArray[np.bool_]:
        """(P, L): which cells have been read; all of a complete result."""
        return self.top_ids[..., 0] >= 0

    def model(self) -> LanguageModel | None:
        """The model that it came from, if one with the same weights is in memory."""
        from interp_widgets.models import live

        return live.find(self.provenance.fingerprint)

    def top(self, layer: int, position: int = -1, k: int | None = None) -> list[tuple[str, float]]:
        """The best tokens of one cell with their probabilities; `position` is an index into `positions`."""
        ids, p = self.top_ids[position, layer, :k], self.top_probability[position, layer, :k]
        return [(self.words[int(i)], float(x)) for i, x in zip(ids, p, strict=True)]

    def leads_from(self, token: str | None = None, position: int = -1) -> int | None:
        """The layer from which on a followed token (the model's first choice by default) is first to the end; None if
        it is not first after the last layer. Raises ArgumentError for a token that is not followed."""
        token = self.followed[0] if token is None else token
        if token not in self.followed:
            raise not_one_of("token", token, self.followed)
        first = self.rank[position, :, self.followed.index(token)] == 1
        if not first[-1]:
            return None
        behind = np.flatnonzero(~first)
        return int(behind[-1]) + 1 if len(behind) else 0

    def story(self, position: int = -1) -> str:
        """Who leads when, over the last third of the layers, where the lens reads the model's own language:
        "·Sydney leads at layers 20 to 27, ·Canberra at layers 28 to 29". Of layers that are not read yet nothing is
        said."""
        best = self.top_ids[position, :, 0]
        runs: list[tuple[int, int, int]] = []  # id, first layer, last layer
        for layer in range(2 * self.n_layers // 3, self.n_layers):
            if best[layer] < 0:
                continue
            if runs and runs[-1][0] == best[layer]:
                runs[-1] = (runs[-1][0], runs[-1][1], layer)
            else:
                runs.append((int(best[layer]), layer, layer))
        told = [
            f"{named(self.words[word])} {'' if i else 'leads '}at {_layers(first, last)}"
            for i, (word, first, last) in enumerate(runs)
        ]
        return ", ".join(told)

    def to_frame(self) -> pd.DataFrame:
        """One row for each position and layer: the best token with its probability, entropy, divergence, and for each
        followed token its log-probability and rank."""
        import pandas as pd

        places, layers = (index.ravel() for index in np.indices(self.entropy.shape))
        table = {
            "position": self.positions[places],
            "token": [self.tokens[i] for i in places],
            "layer": layers,
            "best": [self.words.get(int(i), "") for i in self.top_ids[..., 0].ravel()],
            "probability": self.top_probability[..., 0].ravel(),
            "entropy": self.entropy.ravel(),
            "divergence": self.divergence.ravel(),
        }
        for i, name in enumerate(self.followed):
            table[f"log_probability {name}"] = self.log_probability[..., i].ravel()
            table[f"rank {name}"] = self.rank[..., i].ravel()
        return pd.DataFrame(table)

    def plot(self) -> Figure:
        """Layers upwards, positions across; the best token in each cell, coloured by its probability."""
        from interp_widgets.locate.lens_plot import plot

        return plot(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page with data and view in it; it asks no other address for anything. Written to `path` if given.

        Raises FileNotFoundError if the view is not built.
        """
        from interp_widgets.locate.lens_html import lens_page

        return lens_page(self, path)

    def __str__(self) -> str:
        from interp_widgets.locate.lens_text import lens_text

        return lens_text(self)

    def __repr__(self) -> str:
        return (
            f"<LensResult: {len(self.positions)} positions, {self.n_layers} layers of {self.site}, {self.lens} lens; "
            f"{self.story()}>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from interp_widgets.widgets.display import lens_bundle

        return lens_bundle(self)


def _layers(first: int, last: int) -> str:
    return f"layer {first}" if first == last else f"layers {first} to {last}"
