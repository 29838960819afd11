"""What a notebook shows for an attribution, and keeps: the live widget, its data, the script-free twin, and text."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from interp_widgets.attribution.html import highlight_html
from interp_widgets.attribution.payload import MIME_TYPE, highlight_payload
from interp_widgets.attribution.text import text_of
from interp_widgets.widgets.kernel import WIDGET_TYPE, running_kernel

if TYPE_CHECKING:
    from interp_widgets.attribution.result import AttributionResult
    from interp_widgets.widgets.highlight import Highlight


def still_forms(payload: dict[str, Any]) -> dict[str, str]:
    """What hosts show that cannot draw the view: the script-free table, and text."""
    return {"text/html": highlight_html(payload), "text/plain": text_of(payload)}


def mimebundle(result: AttributionResult, widget: Highlight | None = None) -> dict[str, Any]:
    """All forms of one picture. Each display of a result makes a widget of its own, so each can be asked by itself."""
    payload = highlight_payload(result)
    bundle: dict[str, Any] = {**still_forms(payload)}
    if widget is None:
        widget = _make_widget(result)
    if widget is not None and not widget.closed:
        payload["model_id"] = widget.model_id
        bundle[WIDGET_TYPE] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {MIME_TYPE: payload, **bundle}


def _make_widget(result: AttributionResult) -> Highlight | None:
    """A widget where a kernel is there to talk to it and the widget library is installed."""
    if running_kernel() is None:
        return None
    try:
        from interp_widgets.widgets.highlight import Highlight
    except ImportError:
        return None
    try:
        return Highlight(result)
    except FileNotFoundError as error:  # the still picture is better than none
        warnings.warn(f"no live widget: {error}", stacklevel=2)
        return None
