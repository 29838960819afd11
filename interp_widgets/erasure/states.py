"""`iw.erasure.labelled_states`: what a model makes of labelled texts, as arrays for `Eraser.fit` and `probe`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure.labels import Integers, Label
from interp_widgets.erasure.scrubbing import as_labelled, estimate_scrub
from interp_widgets.erasure.sweep import ORDER, Sweep, labelled_tokens
from interp_widgets.erasure.texts import LAST, LabelledTexts
from interp_widgets.errors import not_one_of
from interp_widgets.results.bar import Bar, Progress
from interp_widgets.results.cost import Cost, allow

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class LabelledStates:
    """m labelled tokens of some texts, text by text; the first token of a text is never among them.

    states: float32, (m, width)
    labels: (m,)
    text, position, word, template: int64, (m,), the number of its text, its place in it, its token id, and the number
        of its template
    """

    states: NDArray[np.float32]
    labels: NDArray[Any]
    text: Integers
    position: Integers
    word: Integers
    template: Integers

    def __len__(self) -> int:
        return len(self.states)


def labelled_states(
    lm: LanguageModel,
    texts: LabelledTexts | Sequence[str],
    labels: Sequence[Label] | None = None,
    *,
    layer: int,
    site: str = "resid_post",
    spans: Sequence[tuple[int, int]] | str = LAST,
    batch_size: int | None = None,
    progress: Progress | bool | None = None,
    cancel: threading.Event | None = None,
    confirm: Callable[[Cost], bool] | bool | None = None,
) -> LabelledStates:
    """States of the labelled tokens at one site, under what is active now.

    texts, labels, site, spans and the others: as in `iw.erase`; layer: from 0

    Raises ArgumentError, OutOfRangeError, what `lm.encode` raises, TooCostlyError, NonFiniteError, Cancelled.
    """
    known = as_labelled(texts, labels, spans)
    layer = lm.architecture.check_layer(layer)
    if site not in ORDER:
        raise not_one_of("site", site, ORDER)
    allow(estimate_scrub(lm, known, layers=[layer], site=site), confirm, "Take fewer texts (LabelledTexts.take)")
    tokens = labelled_tokens(lm, known)
    with lm.run(cancel=cancel) as run, Bar(progress) as bar:
        sweep = Sweep(lm, tokens, run.snapshot.changes, batch_size=batch_size, cancel=cancel)
        for below in range(layer):
            bar.advance(below, layer + 1, f"layer {below}")
            sweep.move(below)
        states = sweep.read(layer, site)
        bar.finish("states")
    return LabelledStates(
        states=states,
        labels=np.asarray([known.labels[i] for i in tokens.text]),
        text=tokens.text,
        position=tokens.position,
        word=tokens.token,
        template=np.asarray(known.templates, np.int64)[tokens.text],
    )
