"""See what is going on inside a language model, in the notebook where you are working.

The names below are the front door.  They load when first used, so that `import interp_widgets` takes no torch.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from interp_widgets._version import __version__

if TYPE_CHECKING:
    from interp_widgets.attribution.api import attribute as attribute
    from interp_widgets.attribution.compare import compare as compare
    from interp_widgets.attribution.comparison import ComparisonResult as ComparisonResult
    from interp_widgets.attribution.continuation import Continuation as Continuation
    from interp_widgets.attribution.matrix import MatrixResult as MatrixResult
    from interp_widgets.attribution.registry import attribution_methods as attribution_methods
    from interp_widgets.attribution.result import AttributionResult as AttributionResult
    from interp_widgets.attribution.shap_explanation import shap_explanation as shap_explanation
    from interp_widgets.checkup import doctor as doctor
    from interp_widgets.editing.api import edit as edit
    from interp_widgets.editing.diff.api import edit_diff as edit_diff
    from interp_widgets.editing.diff.result import EditDiff as EditDiff
    from interp_widgets.editing.edit import Edit as Edit
    from interp_widgets.editing.evaluating.evaluation import evaluate_edit as evaluate_edit
    from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation as EditEvaluation
    from interp_widgets.editing.fact import Fact as Fact
    from interp_widgets.erasure.result import ErasureResult as ErasureResult
    from interp_widgets.erasure.scrubbing import erase as erase
    from interp_widgets.faithfulness.api import cot_faithfulness as cot_faithfulness
    from interp_widgets.faithfulness.result import FaithfulnessResult as FaithfulnessResult
    from interp_widgets.interventions.ablation import Ablation as Ablation
    from interp_widgets.interventions.added_vector import AddedVector as AddedVector
    from interp_widgets.interventions.dense_delta import DenseDelta as DenseDelta
    from interp_widgets.interventions.export import export_checkpoint as export_checkpoint
    from interp_widgets.interventions.export_lora import export_lora as export_lora
    from interp_widgets.interventions.low_rank import LowRank as LowRank
    from interp_widgets.locate.average import AverageTrace as AverageTrace
    from interp_widgets.locate.average import average_trace as average_trace
    from interp_widgets.locate.calibration import calibrate_lens as calibrate_lens
    from interp_widgets.locate.heads import heads as heads
    from interp_widgets.locate.heads_result import HeadsResult as HeadsResult
    from interp_widgets.locate.lens_result import LensResult as LensResult
    from interp_widgets.locate.logit_lens import logit_lens as logit_lens
    from interp_widgets.locate.neuron_result import NeuronResult as NeuronResult
    from interp_widgets.locate.neurons import max_activating as max_activating
    from interp_widgets.locate.patch_result import PatchResult as PatchResult
    from interp_widgets.locate.patching import patch as patch
    from interp_widgets.locate.trace_result import TraceResult as TraceResult
    from interp_widgets.locate.tracing import causal_trace as causal_trace
    from interp_widgets.models.cache import clear_cache as clear_cache
    from interp_widgets.models.language_model import LanguageModel as LanguageModel
    from interp_widgets.models.loading import load_model as load_model
    from interp_widgets.planning import estimate as estimate
    from interp_widgets.results.base import load_result as load_result
    from interp_widgets.steering.console import SteeringResult as SteeringResult
    from interp_widgets.steering.evaluation import evaluate_steering as evaluate_steering
    from interp_widgets.steering.evaluation_result import SteeringEvaluation as SteeringEvaluation
    from interp_widgets.steering.fit import control_vector as control_vector
    from interp_widgets.steering.pairs import ContrastPairs as ContrastPairs
    from interp_widgets.steering.vector import ControlVector as ControlVector

_FRONT_DOOR = {
    "Ablation": "interp_widgets.interventions.ablation",
    "AddedVector": "interp_widgets.interventions.added_vector",
    "AttributionResult": "interp_widgets.attribution.result",
    "AverageTrace": "interp_widgets.locate.average",
    "ComparisonResult": "interp_widgets.attribution.comparison",
    "ContrastPairs": "interp_widgets.steering.pairs",
    "ControlVector": "interp_widgets.steering.vector",
    "Continuation": "interp_widgets.attribution.continuation",
    "DenseDelta": "interp_widgets.interventions.dense_delta",
    "Edit": "interp_widgets.editing.edit",
    "EditDiff": "interp_widgets.editing.diff.result",
    "EditEvaluation": "interp_widgets.editing.evaluating.evaluation_result",
    "ErasureResult": "interp_widgets.erasure.result",
    "Fact": "interp_widgets.editing.fact",
    "FaithfulnessResult": "interp_widgets.faithfulness.result",
    "HeadsResult": "interp_widgets.locate.heads_result",
    "LanguageModel": "interp_widgets.models.language_model",
    "LensResult": "interp_widgets.locate.lens_result",
    "LowRank": "interp_widgets.interventions.low_rank",
    "MatrixResult": "interp_widgets.attribution.matrix",
    "NeuronResult": "interp_widgets.locate.neuron_result",
    "PatchResult": "interp_widgets.locate.patch_result",
    "SteeringEvaluation": "interp_widgets.steering.evaluation_result",
    "SteeringResult": "interp_widgets.steering.console",
    "TraceResult": "interp_widgets.locate.trace_result",
    "attribute": "interp_widgets.attribution.api",
    "attribution_methods": "interp_widgets.attribution.registry",
    "average_trace": "interp_widgets.locate.average",
    "calibrate_lens": "interp_widgets.locate.calibration",
    "causal_trace": "interp_widgets.locate.tracing",
    "clear_cache": "interp_widgets.models.cache",
    "compare": "interp_widgets.attribution.compare",
    "control_vector": "interp_widgets.steering.fit",
    "cot_faithfulness": "interp_widgets.faithfulness.api",
    "doctor": "interp_widgets.checkup",
    "edit": "interp_widgets.editing.api",
    "edit_diff": "interp_widgets.editing.diff.api",
    "erase": "interp_widgets.erasure.scrubbing",
    "estimate": "interp_widgets.planning",
    "evaluate_edit": "interp_widgets.editing.evaluating.evaluation",
    "evaluate_steering": "interp_widgets.steering.evaluation",
    "export_checkpoint": "interp_widgets.interventions.export",
    "export_lora": "interp_widgets.interventions.export_lora",
    "heads": "interp_widgets.locate.heads",
    "load_model": "interp_widgets.models.loading",
    "load_result": "interp_widgets.results.base",
    "logit_lens": "interp_widgets.locate.logit_lens",
    "max_activating": "interp_widgets.locate.neurons",
    "patch": "interp_widgets.locate.patching",
    "shap_explanation": "interp_widgets.attribution.shap_explanation",
}
_MAKES_MODELS = ("LanguageModel", "load_model")
_ROOMS = (
    "attribution",
    "course",
    "editing",
    "erasure",
    "errors",
    "faithfulness",
    "interventions",
    "locate",
    "models",
    "results",
    "steering",
    "widgets",
)


def __getattr__(name: str) -> Any:
    if name in _FRONT_DOOR:
        found = getattr(importlib.import_module(_FRONT_DOOR[name]), name)
        globals()[name] = found
        if name in _MAKES_MODELS and "ipykernel" in sys.modules:
            # The status bar hears of models from the first one on; elsewhere nobody would listen.
            importlib.import_module("interp_widgets.widgets.status").start()
        return found
    if name in _ROOMS:
        return importlib.import_module(f"interp_widgets.{name}")
    raise AttributeError(f"module 'interp_widgets' has no attribute {name!r}; it has {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return sorted([*_FRONT_DOOR, *_ROOMS, "__version__"])


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab finds the prebuilt extension."""
    return [{"src": "labextension", "dest": "interp-labextension"}]


__all__ = ["__version__", *sorted(_FRONT_DOOR)]
