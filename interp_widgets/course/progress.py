"""What was tried and reached: a file of lines on this machine, in no cache, sent nowhere.

Each attempt adds one line of JSON: when, which exercise, points, which known mistake; never the answer itself.  A line
that cannot be read is passed over, so that a cut-off write loses one attempt at most.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp_widgets.course.report import Report


@dataclass(frozen=True)
class Attempt:
    """time: of the attempt, in UTC. mistake: the name of the known one that was recognised, or None."""

    time: datetime
    exercise: str
    points: float
    of: float
    mistake: str | None


def progress_file() -> Path:
    """Where attempts are kept: INTERP_WIDGETS_PROGRESS, or the platform's place for a person's data."""
    chosen = os.environ.get("INTERP_WIDGETS_PROGRESS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "interp-widgets"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support" / "interp-widgets"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "interp-widgets"
    return folder / "progress.jsonl"


def record(report: Report) -> str:
    """Keep an attempt; says where the person stands, or why it could not be kept."""
    attempt = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "exercise": report.exercise.id,
        "points": report.points,
        "of": report.of,
        "mistake": report.mistake.name if report.mistake is not None else None,
    }
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One short write at the end of the file: two notebooks at once do not lose each other's lines. It begins with
        # a line end, so that a line cut off before it does not spoil it.
        with path.open("ab", buffering=0) as file:
            file.write(f"\n{json.dumps(attempt)}".encode())
    except OSError as error:
        return f"not recorded: {path} cannot be written ({error.strerror or error}); INTERP_WIDGETS_PROGRESS moves it"
    tries = sum(one.exercise == report.exercise.id for one in attempts())
    return f"attempt {tries}, recorded on this machine"


def attempts() -> Iterator[Attempt]:
    """All that were recorded, oldest first."""
    try:
        text = progress_file().read_text("utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        attempt = _attempt(line)
        if attempt is not None:
            yield attempt


def _attempt(line: str) -> Attempt | None:
    try:
        found: dict[str, Any] = json.loads(line)
        mistake = found["mistake"]
        return Attempt(
            datetime.fromisoformat(found["time"]),
            str(found["exercise"]),
            float(found["points"]),
            float(found["of"]),
            None if mistake is None else str(mistake),
        )
    except (ValueError, KeyError, TypeError):
        return None


def best() -> dict[str, float]:
    """The most points reached, by exercise."""
    reached: dict[str, float] = {}
    for attempt in attempts():
        reached[attempt.exercise] = max(attempt.points, reached.get(attempt.exercise, 0.0))
    return reached


def forget() -> None:
    """Remove the record from this machine."""
    progress_file().unlink(missing_ok=True)
