"""Find a direction from contrast pairs, add it while the model runs, and measure what it does and what it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.lazy import lazy_names

if TYPE_CHECKING:
    from interp_widgets.steering.cohorts import Experiment as Experiment
    from interp_widgets.steering.cohorts import compare_cohorts as compare_cohorts
    from interp_widgets.steering.directions import METHODS as METHODS
    from interp_widgets.steering.pairs import ContrastPairs as ContrastPairs
    from interp_widgets.steering.presets import Presets as Presets
    from interp_widgets.steering.presets import Setting as Setting
    from interp_widgets.steering.sets import pair_set as pair_set
    from interp_widgets.steering.sets import pair_sets as pair_sets
    from interp_widgets.steering.similarity import cosines as cosines
    from interp_widgets.steering.similarity import layer_cosines as layer_cosines
    from interp_widgets.steering.vector import ControlVector as ControlVector

_WHERE = {
    "METHODS": "directions",
    "ContrastPairs": "pairs",
    "ControlVector": "vector",
    "Experiment": "cohorts",
    "Presets": "presets",
    "Setting": "presets",
    "compare_cohorts": "cohorts",
    "cosines": "similarity",
    "layer_cosines": "similarity",
    "pair_set": "sets",
    "pair_sets": "sets",
}

__getattr__, __dir__ = lazy_names(__name__, _WHERE)
__all__ = sorted(_WHERE)
