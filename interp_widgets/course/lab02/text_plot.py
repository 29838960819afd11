"""shap's picture of a text, and what its masker makes of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

# shap 0.51 writes numbers as NumPy 2 names them, and no browser knows a colour rgba(np.float64(255.0), ...).
_NUMPY_NUMBER = re.compile(r"np\.float64\(([^()]*)\)")


def coloured(page: str) -> tuple[str, int]:
    """The picture with colours that a browser can read, and how many numbers were put right."""
    return _NUMPY_NUMBER.subn(r"\1", page)


def masked(lm: LanguageModel, text: str, kept: Sequence[bool], **masks: object) -> tuple[str, list[int]]:
    """What shap's Text masker makes of a text of which only these tokens are kept, and the ids that the model reads."""
    import shap

    masker = shap.maskers.Text(lm.tokenizer, **masks)
    changed = str(masker(np.asarray(kept, dtype=bool), text)[0][0])
    return changed, lm.tokenizer(changed)["input_ids"]
