"""The live views: one class for each, over one request protocol. Names load when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interp_widgets.lazy import lazy_names

if TYPE_CHECKING:
    from interp_widgets.widgets.compare import Compare as Compare
    from interp_widgets.widgets.edit_diff import EditDiff as EditDiff
    from interp_widgets.widgets.erasure import Erasure as Erasure
    from interp_widgets.widgets.faithfulness import Faithfulness as Faithfulness
    from interp_widgets.widgets.heads import Heads as Heads
    from interp_widgets.widgets.highlight import Highlight as Highlight
    from interp_widgets.widgets.lens import Lens as Lens
    from interp_widgets.widgets.matrix import Matrix as Matrix
    from interp_widgets.widgets.neuron import Neuron as Neuron
    from interp_widgets.widgets.patch import Patch as Patch
    from interp_widgets.widgets.steering import SteeringConsole as SteeringConsole
    from interp_widgets.widgets.trace import Trace as Trace

_MODULES = {
    "Compare": "compare",
    "EditDiff": "edit_diff",
    "Erasure": "erasure",
    "Faithfulness": "faithfulness",
    "Heads": "heads",
    "Highlight": "highlight",
    "Lens": "lens",
    "Matrix": "matrix",
    "Neuron": "neuron",
    "Patch": "patch",
    "SteeringConsole": "steering",
    "Trace": "trace",
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
__all__ = sorted(_MODULES)
