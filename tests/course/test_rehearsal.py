"""A class of thirty hands in lab 01, right, wrong, broken and dishonest, and nbgrader gives the marks that are due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.course.rehearsal import rehearse, table
from tests.course.submissions import CLASS

pytestmark = pytest.mark.rehearsal


@pytest.mark.timeout(1500)
def test_a_class(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    outcome = rehearse(tmp_path)
    print(table(outcome))
    record_property("seconds", outcome.seconds)
    assert outcome.ok, table(outcome)
    assert len(outcome.lines) == len(CLASS) >= 20
    collected = {path.parent.parent.name for path in (tmp_path / "submitted").glob("*/lab01/*.ipynb")}
    assert collected == {submission.name for submission in CLASS if submission.file}
    feedback = {path.parent.parent.name for path in (tmp_path / "feedback").glob("*/lab01/*.html")}
    assert feedback == collected - {"empty-file"}, "everybody whose notebook could be read gets a page"
