"""The live views: one class for each, over one request protocol. Names load when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp_widgets.widgets.highlight import Highlight as Highlight

__all__ = ["Highlight"]


def __getattr__(name: str) -> Any:
    if name == "Highlight":
        from interp_widgets.widgets.highlight import Highlight

        return Highlight
    raise AttributeError(f"module 'interp_widgets.widgets' has no attribute {name!r}; it has {', '.join(__all__)}")
