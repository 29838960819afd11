from __future__ import annotations

import pytest

from interp_widgets.results import static


@pytest.fixture(autouse=True)
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The view need not be built for these tests."""
    monkeypatch.setattr(static, "static_text", lambda name: f"/* {name} */")
