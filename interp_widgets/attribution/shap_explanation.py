"""`iw.shap_explanation`: shap's own Explanation of a prompt, for its plots."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import torch

from interp_widgets.attribution.job import prepare, work_for
from interp_widgets.attribution.partition_shap import MAX_EVALS, explain
from interp_widgets.models.prompts import Prompt
from interp_widgets.models.question import Wish, ask

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel


def shap_explanation(
    lm: LanguageModel,
    prompt: Prompt,
    target: Wish | None = None,
    foil: Wish | None = None,
    *,
    function: str | None = None,
    group: str | None = None,
    delete: str = "eos",
    samples: int = MAX_EVALS,
    seed: int = 0,
    cancel: threading.Event | None = None,
) -> Any:
    """What shap's partition explainer says of one prompt: `shap.plots.text(iw.shap_explanation(lm, prompt)[0])`.

    Arguments as for `iw.attribute(..., method="partition_shap")`, whose scores are the explanation's values. Returns a
    shap.Explanation of one row: values (1, units), base_values, data (the units' texts), clustering. Raises what
    `iw.attribute` raises.
    """
    given = {"baseline": "zero", "steps": 50, "quadrature": "gauss-legendre", "delete": delete, "samples": samples}
    job = prepare(lm, prompt, target, foil, "partition_shap", function, group, given, None, seed, None)
    with torch.no_grad(), lm.run(cancel=cancel, prompt_length=len(job.encoded)):
        question = ask(lm, job.encoded, job.target, job.foil, job.function)
        return explain(work_for(job, question), samples)
