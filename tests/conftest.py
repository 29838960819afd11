"""Shared by all tiers: an own place for what tests remember, and the models, each loaded once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.tiny import FAMILIES, make_lm

# The same examples in every run; `HYPOTHESIS_PROFILE=explore` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def default_lm():  # type: ignore[no-untyped-def]  # a LanguageModel; importing the type here would load torch for all
    """The embedded default model, float32 on the CPU. Prepared in the cache if it is not there yet."""
    import interp_widgets as iw

    return iw.load_model("smollm2", device="cpu")


@pytest.fixture(params=FAMILIES)
def any_lm(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]  # as above
    """A tiny random model of every architecture in turn."""
    return make_lm(request.param)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of data for tests; skips, saying so, where there is none."""
    folder = os.environ.get("INTERP_TEST_DATA")
    if not folder:
        pytest.skip("INTERP_TEST_DATA is not set: this test needs the data folder")
    return Path(folder)


@pytest.fixture(autouse=True)
def _no_change_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The shared default model leaves every test as it came: with an empty ledger."""
    yield
    if "default_lm" in request.fixturenames:
        lm = request.getfixturevalue("default_lm")
        names = list(lm.ledger)
        lm.ledger.clear()
        assert not names, f"the test left interventions on the shared model: {names}"
