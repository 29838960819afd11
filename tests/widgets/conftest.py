"""A live model that answers as told, and no widget left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ipywidgets.widgets.widget import _instances

from interp_widgets.attribution import api
from tests.widgets.fakes import FakeAttribute, FakeModel, living


@pytest.fixture
def attribute(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAttribute]:
    fake = FakeAttribute()
    monkeypatch.setattr(api, "attribute", fake)
    with living(FakeModel()):
        yield fake
    fake.release.set()


@pytest.fixture(autouse=True)
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle need not be built for these tests."""
    monkeypatch.setattr("interp_widgets.widgets.base.static_text", lambda name: f"/* {name} */")


@pytest.fixture(autouse=True)
def _no_widget_left() -> Iterator[None]:
    yield
    for widget in list(_instances.values()):
        widget.close()
    assert not _instances
