"""Many texts on their way through the model together, one layer at a time.

An eraser at a layer has to be fitted on what the erased layers before it give, for all texts at once.  Running each
text from the start for every layer costs the square of the depth; here all texts wait between two layers, so that
every layer is computed once for each thing that is asked of it.

1. The model itself is run without computing any layer, which gives the states that enter the first one and what the
   model passes to each (masks, rotations).
2. `read` computes a layer on all texts and gives the states of the labelled tokens at one site; `move` goes on.

The first token of a text is left out: its state is an attention sink, tens of times as long as others, and the same in
every text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.erasure.labels import Integers
from interp_widgets.erasure.texts import LabelledTexts
from interp_widgets.errors import ArgumentError, NonFiniteError
from interp_widgets.interventions.erased import width_at
from interp_widgets.models.architectures import Site
from interp_widgets.models.hooks import Change, LayerCall, Snapshot, set_frame
from interp_widgets.models.resume import call_layer
from interp_widgets.models.states import padded

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

# In which order a layer computes them: an eraser at one changes what comes after it.
ORDER = ("resid_pre", "head_out", "attn_out", "mlp_key", "mlp_value", "mlp_out", "resid_post")
_FAR = 8  # tokens behind the first labelled one; those further away are of one kind
_CPU_TOKENS, _GPU_TOKENS = 1_024, 16_384  # of a pass


@dataclass(frozen=True, eq=False)
class Tokens:
    """The labelled tokens of some texts, m of them, text by text.

    text, position, token: int64, (m,), the number of its text, its place there, and its id
    lengths: int64, (texts,), tokens of each text; ids: (texts,), the token ids of each
    """

    text: Integers
    position: Integers
    token: Integers
    lengths: Integers
    ids: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.text)


def labelled_tokens(lm: LanguageModel, texts: LabelledTexts) -> Tokens:
    """Raises ArgumentError for a text without a labelled token after its first; what `lm.encode` raises."""
    ids, text, position, token = [], [], [], []
    for number, (one, (start, end)) in enumerate(zip(texts.texts, texts.spans, strict=True)):
        encoded = lm.encode(one)
        inside = (encoded.spans[:, 0] < end) & (encoded.spans[:, 1] > start)
        inside[0] = False
        at = np.flatnonzero(inside)
        if not len(at):
            raise ArgumentError(
                f"texts[{number}]={one!r} has no labelled token after its first one, whose state says nothing; write"
                " a longer text, or a later span"
            )
        ids.append(encoded.ids)
        text.append(np.full(len(at), number))
        position.append(at)
        token.append(encoded.ids[at])
    lengths = np.asarray([len(one) for one in ids], np.int64)
    return Tokens(np.concatenate(text), np.concatenate(position), np.concatenate(token), lengths, tuple(ids))


def strata_of(texts: LabelledTexts, tokens: Tokens) -> list[str]:
    """(m,), the kind of each labelled token: the form of its text, and how far behind the first one."""
    first = np.flatnonzero(np.r_[True, tokens.text[1:] != tokens.text[:-1]])
    behind = tokens.position - np.repeat(tokens.position[first], np.diff(np.r_[first, len(tokens)]))
    return [
        f"{texts.forms[text]}+{min(distance, _FAR)}"
        for text, distance in zip(tokens.text.tolist(), behind.tolist(), strict=True)
    ]


@dataclass(eq=False)
class _Batch:
    lengths: Tensor
    rows: Tensor  # of the labelled tokens in the batch
    places: Tensor
    wanted: Integers  # their numbers among all labelled tokens
    calls: list[LayerCall]
    states: Tensor


class Sweep:
    """See the module's text. Open it inside a run of the model.

    tokens: which ones are read; changes: what acts; both may be looked at, `changes` also replaced between two steps
    """

    def __init__(
        self,
        lm: LanguageModel,
        tokens: Tokens,
        changes: Sequence[Change],
        *,
        batch_size: int | None = None,
        cancel: threading.Event | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> None:
        self.lm, self.tokens, self.changes = lm, tokens, tuple(changes)
        self._cancel, self._advance = cancel, advance
        self._batches = [self._begin(rows) for rows in self._grouped(batch_size)]

    def _grouped(self, batch_size: int | None) -> list[Integers]:
        """Texts of like length together."""
        lengths = self.tokens.lengths
        order = np.argsort(lengths, kind="stable")
        budget = _CPU_TOKENS if self.lm.device.type == "cpu" else _GPU_TOKENS
        groups, start = [], 0
        while start < len(order):
            size = 1
            while start + size < len(order) and (
                size < batch_size if batch_size else (size + 1) * lengths[order[start + size]] <= budget
            ):
                size += 1
            groups.append(order[start : start + size])
            start += size
        return groups

    def _begin(self, texts: Integers) -> _Batch:
        lm = self.lm
        ids, lengths = padded([self.tokens.ids[i] for i in texts])
        row_of = {int(text): row for row, text in enumerate(texts)}
        wanted = np.flatnonzero(np.isin(self.tokens.text, texts))
        calls: list[LayerCall] = []
        first = Site("resid_pre", 0)
        snapshot = Snapshot(self.changes, lm.architecture)
        with (
            torch.no_grad(),
            lm.run(cancel=self._cancel, snapshot=snapshot, before=[first], until=-1, calls=calls) as run,
        ):
            lm.hidden(ids)
            states = run.given[first]
        return _Batch(
            lengths=lengths,
            rows=torch.tensor([row_of[int(text)] for text in self.tokens.text[wanted]], dtype=torch.long),
            places=torch.as_tensor(self.tokens.position[wanted]),
            wanted=wanted,
            calls=calls,
            states=states,
        )

    def read(self, layer: int, kind: str, *, move: bool = False) -> NDArray[np.float32]:
        """States of the labelled tokens, (m, width at the site), after all changes at it.

        move: the texts go on to the next layer as well. Raises NonFiniteError, Cancelled.
        """
        return self._read(layer, kind, move=move, given=False)[0]

    def read_both(
        self, layer: int, kind: str, *, move: bool = False
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same before any change at the site, and after all of them."""
        after, before = self._read(layer, kind, move=move, given=True)
        return before, after

    def _read(self, layer: int, kind: str, *, move: bool, given: bool) -> list[NDArray[np.float32]]:
        site = Site(kind, layer)
        shape = (len(self.tokens), width_at(self.lm.architecture, kind))
        found = [np.empty(shape, np.float32) for _ in range(1 + given)]
        snapshot = Snapshot(self.changes, self.lm.architecture)
        before = [site] if given else []
        run = self.lm.run(cancel=self._cancel, snapshot=snapshot, capture=[site], before=before)
        with torch.no_grad(), run:
            for batch in self._batches:
                after = self._layer(layer, batch)
                for part, seen in zip(found, (run.captured, run.given), strict=False):
                    states = seen.pop(site)
                    at = states[batch.rows.to(states.device), batch.places.to(states.device)]
                    part[batch.wanted] = at.float().cpu().numpy()
                if move:
                    batch.states = after
        if not all(np.isfinite(part).all() for part in found):
            raise NonFiniteError(f"states at {site} hold NaN or infinity; an active intervention may be too strong")
        return found

    def move(self, layer: int) -> None:
        """Compute a layer on all texts, which then wait behind it."""
        snapshot = Snapshot(self.changes, self.lm.architecture)
        with torch.no_grad(), self.lm.run(cancel=self._cancel, snapshot=snapshot):
            for batch in self._batches:
                batch.states = self._layer(layer, batch)

    def change(self, action: Callable[[Tensor], Tensor]) -> None:
        """Apply a function to all states that wait."""
        for batch in self._batches:
            batch.states = action(batch.states)

    def _layer(self, layer: int, batch: _Batch) -> Tensor:
        with self.lm.run(prompt_length=batch.lengths):  # what acts by position knows where each text ends
            set_frame(self.lm.board, batch.states, past=0)
            after = call_layer(self.lm, layer, batch.calls[layer], batch.states, None)
        if self._advance is not None:
            self._advance(int(batch.lengths.sum()))
        return after
