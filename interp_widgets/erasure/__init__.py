"""Taking a concept out of a model's states, and measuring what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.lazy import lazy_names

if TYPE_CHECKING:
    from interp_widgets.erasure.eraser import Eraser as Eraser
    from interp_widgets.erasure.eraser import ErasureWarning as ErasureWarning
    from interp_widgets.erasure.evaluation import evaluate as evaluate
    from interp_widgets.erasure.fitting import EraserFitter as EraserFitter
    from interp_widgets.erasure.probing import probe as probe
    from interp_widgets.erasure.result import ErasureResult as ErasureResult
    from interp_widgets.erasure.scrubbing import scrub as scrub
    from interp_widgets.erasure.sets import labelled_set as labelled_set
    from interp_widgets.erasure.sets import labelled_sets as labelled_sets
    from interp_widgets.erasure.states import labelled_states as labelled_states
    from interp_widgets.erasure.texts import LabelledTexts as LabelledTexts

_WHERE = {
    "Eraser": "eraser",
    "EraserFitter": "fitting",
    "ErasureResult": "result",
    "ErasureWarning": "eraser",
    "LabelledTexts": "texts",
    "evaluate": "evaluation",
    "labelled_set": "sets",
    "labelled_sets": "sets",
    "labelled_states": "states",
    "probe": "probing",
    "scrub": "scrubbing",
}

__getattr__, __dir__ = lazy_names(__name__, _WHERE)
__all__ = sorted(_WHERE)
