"""What a model wrote, token by token: its text, and which characters each token covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.models.prompts import decode

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


@dataclass(frozen=True)
class Continued:
    """text: as text, its first space kept; tokens: each alone; spans: start and end of each in `text`"""

    text: str = ""
    tokens: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


def continued(lm: LanguageModel, ids: Sequence[int]) -> Continued:
    """The text of generated token ids. A model may have more ids than its tokenizer has words, and a broken one may
    choose them; such an id is named by its number."""
    if not len(ids):
        return Continued()
    if max(ids) >= len(lm.tokenizer):
        pieces = [decode(lm.tokenizer, [i]) if i < len(lm.tokenizer) else f"\u27e8id {i}\u27e9" for i in ids]
        ends = np.cumsum([len(piece) for piece in pieces]).tolist()
        return Continued("".join(pieces), tuple(pieces), tuple(zip([0, *ends[:-1]], ends, strict=True)))
    spelled, text = lm.encode(ids), decode(lm.tokenizer, ids)
    spans = spelled.spans + (len(text) - len(spelled.text))  # decoders of Llama 2's kind strip a text's first space
    spans[0, 0] = 0
    clipped = np.clip(spans, 0, len(text)).tolist()
    return Continued(text, spelled.tokens, tuple((int(start), int(end)) for start, end in clipped))
