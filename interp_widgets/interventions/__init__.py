"""Changes to a model's computation, each with an exact way back."""

from interp_widgets.interventions.ablation import Ablation
from interp_widgets.interventions.added_vector import AddedVector
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.dense_delta import DenseDelta
from interp_widgets.interventions.ledger import Ledger, Scope
from interp_widgets.interventions.low_rank import LowRank
from interp_widgets.interventions.steering import Condition, Steering

__all__ = [
    "Ablation",
    "AddedVector",
    "Condition",
    "DenseDelta",
    "Intervention",
    "Ledger",
    "LowRank",
    "Scope",
    "Steering",
]
