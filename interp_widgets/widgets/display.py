"""What a notebook shows for a result, and keeps: the live widget, its data, the script-free twin, and text."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interp_widgets.attribution import (
    compare_html,
    compare_payload,
    compare_text,
    html,
    matrix_html,
    matrix_payload,
    matrix_text,
    payload,
    text,
)
from interp_widgets.editing.diff import html as diff_html
from interp_widgets.editing.diff import payload as diff_payload
from interp_widgets.editing.diff import text as diff_text
from interp_widgets.erasure import payload as erasure_payload
from interp_widgets.erasure import twin as erasure_twin
from interp_widgets.faithfulness import html as faithfulness_html
from interp_widgets.faithfulness import payload as faithfulness_payload
from interp_widgets.faithfulness import words as faithfulness_words
from interp_widgets.locate import (
    heads_html,
    heads_payload,
    heads_text,
    lens_html,
    lens_payload,
    lens_text,
    neuron_html,
    neuron_payload,
    neuron_text,
    patch_html,
    patch_payload,
    patch_text,
    trace_html,
    trace_payload,
    trace_text,
)
from interp_widgets.steering import console_html, console_payload, console_text
from interp_widgets.widgets.kernel import WIDGET_TYPE, running_kernel

if TYPE_CHECKING:
    from interp_widgets.attribution.comparison import ComparisonResult
    from interp_widgets.attribution.matrix import MatrixResult
    from interp_widgets.attribution.result import AttributionResult
    from interp_widgets.editing.diff.result import EditDiff
    from interp_widgets.erasure.result import ErasureResult
    from interp_widgets.faithfulness.result import FaithfulnessResult
    from interp_widgets.locate.heads_result import HeadsResult
    from interp_widgets.locate.lens_result import LensResult
    from interp_widgets.locate.neuron_result import NeuronResult
    from interp_widgets.locate.patch_result import PatchResult
    from interp_widgets.locate.trace_result import TraceResult
    from interp_widgets.steering.console import SteeringResult
    from interp_widgets.widgets.card import CardWidget


@dataclass(frozen=True)
class Kind:
    """One kind of picture: its MIME type, its widget's name, and how it is made in each form.

    `widget` is None where a result alone does not make one: the console needs vectors.
    """

    mime: str
    widget: str | None
    payload: Callable[[Any], dict[str, Any]]
    html: Callable[[dict[str, Any]], str]
    text: Callable[[dict[str, Any]], str]

    def still(self, payload: dict[str, Any]) -> dict[str, str]:
        """What hosts show that cannot draw the view: the script-free table, and text."""
        return {"text/html": self.html(payload), "text/plain": self.text(payload)}


HIGHLIGHT = Kind(payload.MIME_TYPE, "Highlight", payload.highlight_payload, html.highlight_html, text.text_of)
COMPARE = Kind(
    compare_payload.MIME_TYPE,
    "Compare",
    compare_payload.compare_payload,
    compare_html.compare_html,
    compare_text.text_of,
)
LENS = Kind(lens_payload.MIME_TYPE, "Lens", lens_payload.lens_payload, lens_html.lens_html, lens_text.text_of)
MATRIX = Kind(
    matrix_payload.MIME_TYPE,
    "Matrix",
    matrix_payload.matrix_payload,
    matrix_html.matrix_html,
    matrix_text.text_of,
)
NEURON = Kind(
    neuron_payload.MIME_TYPE,
    "Neuron",
    neuron_payload.neuron_payload,
    neuron_html.neuron_html,
    neuron_text.text_of,
)
STEERING = Kind(
    console_payload.MIME_TYPE,
    None,
    console_payload.console_payload,
    console_html.console_html,
    console_text.text_of,
)

EDIT = Kind(diff_payload.MIME_TYPE, "EditDiff", diff_payload.diff_payload, diff_html.diff_html, diff_text.text_of)
ERASURE = Kind(
    erasure_payload.MIME_TYPE,
    "Erasure",
    erasure_payload.erasure_payload,
    erasure_twin.erasure_html,
    erasure_twin.text_of,
)
FAITHFULNESS = Kind(
    faithfulness_payload.MIME_TYPE,
    "Faithfulness",
    faithfulness_payload.faithfulness_payload,
    faithfulness_html.faithfulness_html,
    faithfulness_words.text_of,
)
HEADS = Kind(heads_payload.MIME_TYPE, "Heads", heads_payload.heads_payload, heads_html.heads_html, heads_text.text_of)
PATCH = Kind(patch_payload.MIME_TYPE, "Patch", patch_payload.patch_payload, patch_html.patch_html, patch_text.text_of)
TRACE = Kind(trace_payload.MIME_TYPE, "Trace", trace_payload.trace_payload, trace_html.trace_html, trace_text.text_of)


def bundle_of(kind: Kind, result: Any, widget: CardWidget | None = None) -> dict[str, Any]:
    """All forms of one picture. Each display of a result makes a widget of its own, so each can be asked by itself."""
    picture = kind.payload(result)
    bundle: dict[str, Any] = {**kind.still(picture)}
    if widget is None:
        widget = _make_widget(kind, result)
    if widget is not None and not widget.closed:
        picture["model_id"] = widget.model_id
        bundle[WIDGET_TYPE] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {kind.mime: picture, **bundle}


def mimebundle(result: AttributionResult) -> dict[str, Any]:
    return bundle_of(HIGHLIGHT, result)


def compare_bundle(result: ComparisonResult) -> dict[str, Any]:
    return bundle_of(COMPARE, result)


def edit_diff_bundle(result: EditDiff) -> dict[str, Any]:
    return bundle_of(EDIT, result)


def erasure_bundle(result: ErasureResult) -> dict[str, Any]:
    return bundle_of(ERASURE, result)


def faithfulness_bundle(result: FaithfulnessResult) -> dict[str, Any]:
    return bundle_of(FAITHFULNESS, result)


def lens_bundle(result: LensResult) -> dict[str, Any]:
    return bundle_of(LENS, result)


def matrix_bundle(result: MatrixResult) -> dict[str, Any]:
    return bundle_of(MATRIX, result)


def neuron_bundle(result: NeuronResult) -> dict[str, Any]:
    return bundle_of(NEURON, result)


def steering_bundle(result: SteeringResult) -> dict[str, Any]:
    return bundle_of(STEERING, result)


def heads_bundle(result: HeadsResult) -> dict[str, Any]:
    return bundle_of(HEADS, result)


def patch_bundle(result: PatchResult) -> dict[str, Any]:
    return bundle_of(PATCH, result)


def trace_bundle(result: TraceResult) -> dict[str, Any]:
    return bundle_of(TRACE, result)


def _make_widget(kind: Kind, result: Any) -> CardWidget | None:
    """A widget where a kernel is there to talk to it and the widget library is installed."""
    if kind.widget is None or running_kernel() is None:
        return None
    from interp_widgets import widgets

    try:
        made: Callable[[Any], CardWidget] = getattr(widgets, kind.widget)
    except ImportError:
        return None
    try:
        return made(result)
    except FileNotFoundError as error:  # the still picture is better than none
        warnings.warn(f"no live widget: {error}", stacklevel=2)
        return None
