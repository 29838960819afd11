"""Where in the model an answer comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.lazy import lazy_names

if TYPE_CHECKING:
    from interp_widgets.locate.neuron_name_result import NameScore as NameScore
    from interp_widgets.locate.neuron_naming import score_name as score_name
    from interp_widgets.locate.saved import heads_from_weights as heads_from_weights
    from interp_widgets.locate.saved import lens_from_logits as lens_from_logits
    from interp_widgets.locate.saved import lens_from_states as lens_from_states
    from interp_widgets.locate.saved import patch_from_values as patch_from_values
    from interp_widgets.locate.saved import trace_from_values as trace_from_values

_WHERE = {
    "NameScore": "neuron_name_result",
    "heads_from_weights": "saved",
    "lens_from_logits": "saved",
    "lens_from_states": "saved",
    "patch_from_values": "saved",
    "score_name": "neuron_naming",
    "trace_from_values": "saved",
}

__getattr__, __dir__ = lazy_names(__name__, _WHERE)
__all__ = sorted(_WHERE)
