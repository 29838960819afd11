"""What a lab's text says, to be held against what its cells showed."""

from __future__ import annotations

import re

from interp_widgets.course.exercise import Lab
from tests.notebooks.executing import FOLDER
from tools.masters import read

NUMBER = r"([+-]?\d+\.?\d*)"


def text_of(lab: Lab) -> str:
    master = read(FOLDER / "masters" / f"{lab.notebook}.py")
    return "\n\n".join(cell.source for cell in master.cells if cell.kind == "markdown")


def numbers_of(text: str, lab: Lab) -> set[str]:
    """All numbers of a text, but for those in code, formulas and ids."""
    plain = re.sub(rf"`[^`]*`|\$[^$]*\$|{lab.id}-[qw]\d+", "", text)
    return set(re.findall(r"\d+(?:\.\d+)?", plain))


def numbers(line: str) -> list[float]:
    return [float(found) for found in re.findall(r"[+-]?\d+\.\d+|[+-]?\d+", line)]


def after(word: str, line: str) -> float:
    """The number that follows a word."""
    found = re.search(rf"{re.escape(word)} +{NUMBER}", line)
    assert found is not None, (word, line)
    return float(found[1])
