"""Exercise 6: the same by the library shap, as production code calls it.

Reference: the mean over all orders that the explainer's tree of tokens allows, one set after the other through the
model's own states and head (see `trees`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from interp_widgets.course.exercise import Arguments, Case, Exercise, Mistake
from interp_widgets.course.lab02.games import ModelGame
from interp_widgets.course.lab02.trees import forks_of, mean_over, orders_of
from interp_widgets.course.tiny_model import tiny_lm

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

_TOKENS = 6
_LEAST_WORD = 2


def _text(rng: np.random.Generator) -> Arguments:
    lm = tiny_lm()
    *ids, target, foil = (int(i) for i in rng.choice(np.arange(_LEAST_WORD, len(lm.tokenizer)), _TOKENS + 2, False))
    return lm, lm.tokenizer.decode(ids), target, foil


def _owen(lm: LanguageModel, text: str, target: int, foil: int) -> Tensor:
    ids = torch.as_tensor(lm.encode(text).ids)
    v = ModelGame(lm, ids, target, foil, int(lm.tokenizer.eos_token_id))
    return mean_over(list(orders_of(forks_of(lm, text))), v, len(ids))


Read = Callable[[Tensor, int, int], Tensor]


def _by_shap(
    lm: LanguageModel,
    text: str,
    target: int,
    foil: int,
    *,
    read: Read = lambda logits, target, foil: logits[target] - logits[foil],
    **masks: Any,
) -> Tensor:
    """What an answer with another masker, or another value, gets from the library."""
    import shap

    def value(texts: Any) -> Any:
        rows = [lm.next_logits(torch.tensor([lm.tokenizer(str(one))["input_ids"]]))[0] for one in texts]
        return np.asarray([float(read(row.double(), target, foil)) for row in rows])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, about itself
        explainer = shap.Explainer(value, shap.maskers.Text(lm.tokenizer, **masks))
        return torch.as_tensor(np.asarray(explainer([text], silent=True).values[0], dtype=np.float64))


def _with_end(lm: LanguageModel) -> dict[str, Any]:
    return {"mask_token": lm.tokenizer.eos_token, "collapse_mask_token": False}


SHAP = Exercise(
    id="lab02-q6",
    title="The same by shap",
    difficulty=2,
    minutes=20,
    signature="shap_scores(lm, text, target, foil)",
    cases=(
        Case(
            name="six words, on a tiny random model",
            points=3,
            arguments=_text,
            expected=_owen,
            relative=1e-6,
            absolute=1e-6,
            hint="shap.Explainer with a function from texts to numbers and a Text masker that puts the end-of-text"
            " token in the place of each deleted token; `.values[0]` as a tensor.",
        ),
    ),
    mistakes=(
        Mistake(
            name="three-dots",
            hint="The masker was given no mask_token, and then writes '...', one for several tokens in a row: the"
            " prompts get shorter. Give `mask_token=` and `collapse_mask_token=False`.",
            answer=lambda lm, text, target, foil: _by_shap(lm, text, target, foil),
        ),
        Mistake(
            name="collapsed",
            hint="Neighbouring deleted tokens were joined into one, which moves all later tokens:"
            " `collapse_mask_token=False`.",
            answer=lambda lm, text, target, foil: _by_shap(
                lm, text, target, foil, mask_token=lm.tokenizer.eos_token, collapse_mask_token=True
            ),
        ),
        Mistake(
            name="no-foil",
            hint="The foil is not in it: the value is the target's logit less the foil's.",
            answer=lambda lm, text, target, foil: _by_shap(
                lm, text, target, foil, read=lambda logits, target, foil: logits[target], **_with_end(lm)
            ),
        ),
        Mistake(
            name="wrong-sign",
            hint="Target and foil are exchanged.",
            answer=lambda lm, text, target, foil: -_owen(lm, text, target, foil),
        ),
        Mistake(
            name="probability",
            hint="These are probabilities. Take the difference of the logits, which is the log-odds of the two.",
            answer=lambda lm, text, target, foil: _by_shap(
                lm,
                text,
                target,
                foil,
                read=lambda logits, target, foil: logits.softmax(-1)[target] - logits.softmax(-1)[foil],
                **_with_end(lm),
            ),
        ),
    ),
    hints=(
        "`masker = shap.maskers.Text(lm.tokenizer, mask_token=lm.tokenizer.eos_token, collapse_mask_token=False)`.",
        "The function gets a list of texts: `torch.tensor([lm.tokenizer(str(one))['input_ids']])` makes one a batch of"
        " token ids. Return a NumPy array, one number for each text.",
        "`shap.Explainer(value, masker)([text], silent=True).values[0]`, then `torch.tensor`.",
    ),
    seconds=30.0,
)
