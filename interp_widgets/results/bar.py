"""Progress as the caller wants it: a function, a bar, or silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[int, int, str], None]


class Bar:
    """Progress as the caller wants it: a function, a tqdm bar, or silence."""

    def __init__(self, progress: Progress | bool | None) -> None:
        self._bar: Any = None
        self._tell = progress if callable(progress) else None
        self._wanted = progress is True
        self._total = 1

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, done: int, total: int, text: str) -> None:
        self._total = total
        if self._tell is not None:
            self._tell(done, total, text)
        elif self._wanted:
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(desc=text, total=total, leave=False)
            self._bar.total = total  # the next phase may count other things
            self._bar.set_description(text, refresh=False)
            self._bar.update(done - self._bar.n)

    def finish(self, text: str) -> None:
        """All is done, also where it took less than was planned."""
        self.advance(self._total, self._total, text)
