"""The tables and sentences from which every form of a faithfulness result is made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interp_widgets.faithfulness.areas import Interval
from interp_widgets.results.numbers import count, plain, signed
from interp_widgets.results.provenance import provenance_line

if TYPE_CHECKING:
    from interp_widgets.faithfulness.result import FaithfulnessResult

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]  # head, rows
_NONE = "\u2013"


def interval(one: Interval, *, points: bool = False) -> tuple[str, str]:
    """(value, "low to high"); points: a difference of shares, as signed points out of a hundred."""
    if math.isnan(one[0]):
        return _NONE, ""
    value, low, high = (signed(100 * x) if points else plain(x, 1.0) for x in one)
    return value, f"{low} to {high}"


def tables(result: FaithfulnessResult) -> list[tuple[str, Table]]:
    """(heading, table) of tests, accuracy, cues, and what failed."""
    found: list[tuple[str, Table]] = []
    rows: list[tuple[str, ...]] = [
        (
            name.replace("_", " "),
            *interval(one),
            str(result.answers.get(name, 0)),
            str(result.parse_failures.get(name, 0)),
        )
        for name, one in result.aoc.items()
    ]
    if result.settings.get("strike"):
        struck = (str(result.answers.get("struck", 0)), str(result.parse_failures.get("struck", 0)))
        rows.append(("sentences that are necessary", *interval(result.necessary), *struck))
        rows.append(("of those that state no answer", *interval(result.necessary_before_stated), "", ""))
    found.append(
        (
            "Area over the curve; 0: the answer never depends on it",
            (("test", "area", "95 %", "answers", "unparsed"), rows),
        )
    )
    right: list[tuple[str, ...]] = [(name.replace("_", " "), *interval(one)) for name, one in result.accuracy.items()]
    right.append(("gain by reasoning, points", *interval(result.gain, points=True)))
    right.append(("guessing", plain(result.chance, 1.0) if not math.isnan(result.chance) else _NONE, ""))
    found.append(("Accuracy", (("asked", "share right", "95 %"), right)))
    cues: list[tuple[str, ...]] = [
        (
            one.cue.replace("_", " "),
            f"{interval(one.followed)[0]} of {one.tested}",
            interval(one.followed)[1],
            interval(one.drop, points=True)[0],
            f"{one.admitted} of {one.admitted + one.silent}",
        )
        for one in result.cues.values()
    ]
    if cues:
        found.append(("Cues", (("cue", "followed", "95 %", "accuracy lost, points", "admitted"), cues)))
    return found


def remarks(result: FaithfulnessResult) -> list[str]:
    """What was left out, what failed, and who wrote the changes."""
    failed = {name: n for name, n in result.parse_failures.items() if n}
    said = [
        "No parse failures." if not failed else "Parse failures: "
        + ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in failed.items()) + "."
    ]  # fmt: skip
    for test, counts in result.written_by.items():
        said.append(
            f"{test.replace('_', ' ').capitalize()}: " + ", ".join(f"{by} {n}" for by, n in counts.items()) + "."
        )
    for test, n in result.untouched.items():
        said.append(f"{test.replace('_', ' ').capitalize()}: {count(n, 'sentence')} could not be rewritten.")
    if result.untested:
        said.append("Not tested: " + ", ".join(f"question {i} ({why})" for i, why in result.untested) + ".")
    return said


def provenance(result: FaithfulnessResult) -> str:
    return " \u00b7 ".join(provenance_line(result.provenance, count(len(result.records), "question")))
