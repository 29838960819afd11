"""A lab as its learners take it, executed once for all tests that look at it.

The student's copy as it is, then the teacher's, with every answer written, in the same kernel: so each lab runs in a
fresh kernel and in one where it ran before, without answers and with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from interp_widgets.course.exercise import Lab
from tests.notebooks.executing import FOLDER, Notebook, execute
from tools.course import teachers_copy
from tools.masters import read


class Taken(NamedTuple):
    """What the cells of both copies showed."""

    student: Notebook
    teacher: Notebook


Runs = Callable[[Lab], Taken]


@pytest.fixture(scope="session")
def runs_of(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A lab's two copies after their run, offline, in a folder of its own."""
    done: dict[str, Taken] = {}

    def of(lab: Lab) -> Taken:
        if lab.id not in done:
            teacher = tmp_path_factory.mktemp("teacher") / f"{lab.notebook}.ipynb"
            teacher.write_text(teachers_copy(read(FOLDER / "masters" / f"{lab.notebook}.py"), lab), "utf-8")
            elsewhere = tmp_path_factory.mktemp("elsewhere")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("HF_HUB_OFFLINE", "1")
                patch.setenv("PIP_NO_INDEX", "1")
                patch.setenv("INTERP_WIDGETS_PROGRESS", str(teacher.parent / "progress.jsonl"))
                done[lab.id] = Taken(*execute([FOLDER / teacher.name, teacher], elsewhere, go_on=True))
            assert list(elsewhere.iterdir()) == [], "it leaves nothing in the folder where it runs"
        return done[lab.id]

    return of
