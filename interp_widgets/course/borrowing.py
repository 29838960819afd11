"""The learner's own functions put to work on the real model, or the package's where one is not written yet.

What stands further down in a notebook then needs no answer, and says what it took instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Borrower:
    """Calls written functions, and takes others where they do not work. told: a line for each that was borrowed"""

    def __init__(self) -> None:
        self.told: list[str] = []

    def call(self, written: Callable[..., Any], instead: Callable[[], Any], *given: Any) -> Any:
        name = written.__name__
        try:
            return written(*given)
        except NotImplementedError:
            why = f"{name} is not written yet; the package's is used"
        except Exception as error:
            why = f"{name} raised {type(error).__name__}; the package's is used"
        if why not in self.told:
            self.told.append(why)
        return instead()
