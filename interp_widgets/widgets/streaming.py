"""Generation with its sources, shown as a live matrix that fills while the text is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interp_widgets.widgets.kernel import running_kernel

if TYPE_CHECKING:
    from interp_widgets.attribution.live import LiveAttribution


def stream_bundle(live: LiveAttribution) -> dict[str, Any]:
    """What a notebook shows for `lm.stream(prompt, attribute=...)`: a widget that takes the steps, where there is a
    kernel to talk to it; else how to take them."""
    if running_kernel() is None:
        return {"text/plain": f"{live!r}; iterate over it, then ask for result()"}
    from interp_widgets.widgets.matrix import Matrix

    bundle: dict[str, Any] = Matrix(start=live.run)._repr_mimebundle_()[0]
    return bundle
