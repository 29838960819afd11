"""The default model, for the few cases that a tiny random one cannot stand for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@lru_cache(maxsize=1)
def default_lm() -> LanguageModel:
    """A copy of its own (on the CPU its weights are shared): the learner's may have been changed."""
    from interp_widgets.models import live
    from interp_widgets.models.loading import load_model

    lm = load_model()
    live.leave_out(lm)
    return lm
