"""JupyterLab loads the style sheets of all views at once: a class means the same in each of them."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

STYLE = Path(__file__).parents[2] / "labextension/style"
IMPORTED = re.compile(r"@import (?:url\()?'\./(\w+)\.css'")
RULE = re.compile(r"^\.iw (\.iw-[\w-]+) \{", re.MULTILINE)


def imported(name: str, seen: set[str]) -> set[str]:
    for other in IMPORTED.findall((STYLE / f"{name}.css").read_text("utf-8")):
        if other not in seen:
            seen.add(other)
            imported(other, seen)
    return seen


def test_no_class_is_styled_by_two_sheets_that_do_not_know_each_other() -> None:
    below = {file.stem: imported(file.stem, set()) for file in STYLE.glob("*.css")}
    sheets: dict[str, set[str]] = defaultdict(set)
    for name in below:
        for selector in RULE.findall((STYLE / f"{name}.css").read_text("utf-8")):
            sheets[selector].add(name)
    assert len(sheets) > 100
    twice = {
        selector: sorted(names)
        for selector, names in sheets.items()
        if any(a != b and a not in below[b] and b not in below[a] for a in names for b in names)
    }
    assert twice == {}
