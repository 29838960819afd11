"""Where to edit: the layer whose MLPs carry most of what a model recalls at a subject's last token.

Known facts (capitals and landmarks that the model answers right) are traced (Meng et al. 2022, section 2.2): the MLP
outputs of a window of layers are restored at the subject's last token, and the layer with the largest average effect is
taken.  It is measured once for a model, without interventions, and kept in the user's cache.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.evaluating.places import places
from interp_widgets.models.answers import score_answers
from interp_widgets.models.cache import cache_dir
from interp_widgets.models.hooks import Snapshot
from interp_widgets.models.kept import Kept
from interp_widgets.models.prompts import covering
from interp_widgets.results.bar import Bar, Progress

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

KIND, VERSION = "editing layer", 1
FACTS, FEWEST = 16, 4


@dataclass(frozen=True, eq=False)
class EditingLayer:
    """layer: the peak; layers: int64, those traced; effects: float64, (layers,), average indirect effect; facts: how
    many; 0 where the model knew too few of them, and the layer is a sixth of the way up"""

    layer: int
    layers: NDArray[np.int64]
    effects: NDArray[np.float64]
    facts: int


def editing_layer(
    lm: LanguageModel, *, progress: Progress | bool | None = None, cancel: threading.Event | None = None
) -> EditingLayer:
    """The layer to edit, from the cache or traced: about half a minute for the default model on two cores."""
    kept = Kept.within(cache_dir() / "editing_layer", KIND, VERSION, [lm.fingerprint, FACTS, VERSION])
    known = kept.find(
        lambda about, arrays: EditingLayer(
            int(about["layer"]), arrays["layers"], arrays["effects"], int(about["facts"])
        )
    )
    if known is not None:
        return known
    with lm.run(snapshot=Snapshot((), lm.architecture), cancel=cancel), Bar(progress) as bar:
        found = _traced(lm, bar)
    arrays = {"layers": found.layers, "effects": found.effects}
    kept.write({"layer": found.layer, "facts": found.facts}, arrays)
    return found


def traced_layer(lm: LanguageModel) -> tuple[int, ...]:
    """The layer to edit, alone."""
    return (editing_layer(lm).layer,)


def traced_range(lm: LanguageModel) -> tuple[int, ...]:
    """Five layers about the one to edit, or as many as there are."""
    middle, n = editing_layer(lm).layer, lm.architecture.n_layers
    first = min(max(middle - 2, 0), max(n - 5, 0))
    return tuple(range(first, min(first + 5, n)))


def late_layer(lm: LanguageModel) -> tuple[int, ...]:
    """Three quarters of the way up, where a prompt's end says what was asked."""
    return (3 * lm.architecture.n_layers // 4,)


def _questions() -> list[tuple[str, str, str]]:
    """(prompt, subject, answer)"""
    table = places()
    capitals = [(f"The capital of {one.name} is the city of", one.name, " " + one.capital) for one in table.countries]
    names = [(one.name[0].upper() + one.name[1:], " " + one.city) for one in table.landmarks]
    sights = [(f"{name} is located in the city of", name, city) for name, city in names]
    return [one for pair in zip(capitals, sights, strict=False) for one in pair]


def _traced(lm: LanguageModel, bar: Bar) -> EditingLayer:
    from interp_widgets.locate.tracing import causal_trace

    n = lm.architecture.n_layers
    layers = np.arange(0, n, max(n // 30, 1))
    questions = _questions()
    known = score_answers(lm, [(prompt, answer) for prompt, _, answer in questions]).first
    chosen = [one for one, is_known in zip(questions, known, strict=True) if is_known][:FACTS]
    if len(chosen) < FEWEST:
        return EditingLayer(n // 6, np.zeros(0, np.int64), np.zeros(0), 0)
    effects = []
    for number, (prompt, subject, answer) in enumerate(chosen):
        start = prompt.index(subject)
        last = covering(lm.encode(prompt).spans, start, start + len(subject))[1]
        trace = causal_trace(
            lm, prompt, subject=subject, kind="mlp", target=answer, positions=[last], layers=layers.tolist(),
            seed=number, confirm=True,
        )  # fmt: skip
        effects.append(trace.effects[0])
        bar.advance(number + 1, len(chosen), "tracing known facts")
    mean = np.mean(effects, axis=0)
    return EditingLayer(int(layers[mean.argmax()]), layers, mean, len(chosen))
