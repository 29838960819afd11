"""What erasing costs: the model's reading of neutral text, what it knows about other things, and the control for both.

A model that answers at random has no concepts left either, so every number stands beside that of an eraser of the same
rank in random directions.
"""

from __future__ import annotations

import json
import threading
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from interp_widgets.erasure.closed_forms import random_directions
from interp_widgets.erasure.labels import Floats
from interp_widgets.errors import NonFiniteError
from interp_widgets.interventions.erased import Erased
from interp_widgets.models.answers import score_answers
from interp_widgets.packed import packed_text

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_NORMAL = 1.959964


def random_like(x: Erased, *, seed: int = 0) -> Erased:
    """An eraser at the same places, about the same means, of the same ranks, in random directions."""
    shapes = zip(x.means, x.ranks, strict=True)
    drawn = [random_directions(len(mean), rank, seed + i) for i, (mean, rank) in enumerate(shapes)]
    return Erased(
        x.places,
        x.means,
        drawn,
        [one.T for one in drawn],
        positions=x.positions,
        source="random directions",
        fingerprint=x.fingerprint,
        about={"method": "random", "seed": seed},
    )


@cache
def questions() -> tuple[tuple[str, str, str], ...]:
    """(beginning of a sentence, its right end, a wrong one), of our own writing; no person is in them."""
    document = json.loads(packed_text("erasure/questions.json"))
    return tuple((prompt, right, wrong) for prompt, right, wrong in document["questions"])


def answered(lm: LanguageModel, *, cancel: threading.Event | None = None) -> Floats:
    """(share right, low, high) of `questions` under what is active now: the right end is more probable, a token, than
    the wrong one; Wilson's interval, 95 %. A model whose numbers are not finite has none right."""
    asked = questions()
    try:
        mean = score_answers(lm, [(prompt, end) for prompt, *ends in asked for end in ends], cancel=cancel).mean
        right = int((mean.reshape(-1, 2)[:, 0] > mean.reshape(-1, 2)[:, 1]).sum())
    except NonFiniteError:
        right = 0
    n, z = len(asked), _NORMAL
    share = right / n
    middle, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.asarray([share, (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)])
