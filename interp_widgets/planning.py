"""`iw.estimate`: what an analysis would cost, without running it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interp_widgets.attribution.api import attribute, estimate_attribute
from interp_widgets.attribution.compare import compare, estimate_compare
from interp_widgets.editing.diff.api import edit_diff, estimate_edit_diff
from interp_widgets.editing.evaluating.evaluation import estimate_evaluate_edit, evaluate_edit
from interp_widgets.editing.evaluating.preservation import estimate_preservation_suite, preservation_suite
from interp_widgets.editing.keys_values.statistics import estimate_key_statistics, key_statistics
from interp_widgets.editing.mend.training import estimate_train_mend, train_mend
from interp_widgets.erasure.evaluation import estimate_evaluate, evaluate
from interp_widgets.erasure.scrubbing import erase, estimate_erase, estimate_scrub, scrub
from interp_widgets.errors import ArgumentError
from interp_widgets.faithfulness.api import cot_faithfulness, estimate_cot_faithfulness
from interp_widgets.locate.calibration import calibrate_lens, estimate_calibrate_lens
from interp_widgets.locate.heads import estimate_heads, heads
from interp_widgets.locate.logit_lens import estimate_logit_lens, logit_lens
from interp_widgets.locate.neurons import estimate_max_activating, max_activating
from interp_widgets.locate.patching import estimate_patch, patch
from interp_widgets.locate.tracing import causal_trace, estimate_causal_trace
from interp_widgets.results.cost import Cost
from interp_widgets.steering.evaluation import estimate_evaluate_steering, evaluate_steering
from interp_widgets.steering.fit import control_vector, estimate_control_vector

_ESTIMATES: dict[Callable[..., Any], Callable[..., Cost]] = {
    attribute: estimate_attribute,
    causal_trace: estimate_causal_trace,
    calibrate_lens: estimate_calibrate_lens,
    compare: estimate_compare,
    control_vector: estimate_control_vector,
    cot_faithfulness: estimate_cot_faithfulness,
    edit_diff: estimate_edit_diff,
    erase: estimate_erase,
    evaluate: estimate_evaluate,
    evaluate_edit: estimate_evaluate_edit,
    evaluate_steering: estimate_evaluate_steering,
    heads: estimate_heads,
    key_statistics: estimate_key_statistics,
    logit_lens: estimate_logit_lens,
    patch: estimate_patch,
    preservation_suite: estimate_preservation_suite,
    scrub: estimate_scrub,
    max_activating: estimate_max_activating,
    train_mend: estimate_train_mend,
}


def estimate(analysis: Callable[..., Any], *args: Any, **kwargs: Any) -> Cost:
    """Forward passes, seconds and bytes of `analysis(*args, **kwargs)`: `iw.estimate(iw.attribute, lm, prompt)`.

    Runs nothing. Seconds follow from the speed that the model's self-check measured. Raises ArgumentError for a
    function that is not an analysis of this package.
    """
    found = _ESTIMATES.get(analysis)
    if found is None:
        known = ", ".join(f"iw.{known.__name__}" for known in _ESTIMATES)
        raise ArgumentError(f"analysis={analysis!r} has no estimate; those that have one: {known}")
    return found(*args, **kwargs)
