"""A lab's teacher's copy, executed twice in one kernel, once for all tests that look at it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interp_widgets.course.exercise import Lab
from tests.notebooks.executing import FOLDER, Notebook, execute
from tools.course import teachers_copy
from tools.masters import read

Runs = Callable[[Lab], list[Notebook]]


@pytest.fixture(scope="session")
def runs_of(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """For a lab: what its cells showed in the first and in the second run, offline, in a folder of its own."""
    done: dict[str, list[Notebook]] = {}

    def of(lab: Lab) -> list[Notebook]:
        if lab.id not in done:
            copy = tmp_path_factory.mktemp("teacher") / f"{lab.notebook}.ipynb"
            copy.write_text(teachers_copy(read(FOLDER / "masters" / f"{lab.notebook}.py"), lab), "utf-8")
            elsewhere = tmp_path_factory.mktemp("elsewhere")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("HF_HUB_OFFLINE", "1")
                patch.setenv("PIP_NO_INDEX", "1")
                patch.setenv("INTERP_WIDGETS_PROGRESS", str(copy.parent / "progress.jsonl"))
                done[lab.id] = execute(copy, elsewhere, times=2)
            assert list(elsewhere.iterdir()) == [], "it leaves nothing in the folder where it runs"
        return done[lab.id]

    return of
