"""The question that most browser tests ask, as cells of a notebook."""

from __future__ import annotations

from typing import Any

from tests.browser.lab import notebook

LOAD = "import interp_widgets as iw\nlm = iw.load_model()"
ASK = (
    "result = iw.attribute(lm, 'The capital of Australia is', target=' Canberra', foil=' Sydney', "
    "method='integrated_gradients')"
)
SHOW = "widget = iw.widgets.Highlight(result)\nwidget"
PAYLOAD = "__import__('interp_widgets.attribution.payload', fromlist=['x']).highlight_payload(widget.result)"

AGAINST_SYDNEY = "What pulls towards ·Canberra, away from ·Sydney?"
WHY_SYDNEY = "Why ·Sydney rather than ·Canberra?"


def canberra() -> dict[str, Any]:
    """Cell 0 loads the model and asks about " Canberra" against " Sydney", cell 1 shows the widget."""
    return notebook(f"{LOAD}\n{ASK}", SHOW)
