"""Replies of a server on the disk: one small file each, under a name made of all that the reply depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interp_widgets.faithfulness.asking import Messages
from interp_widgets.models.cache import cache_dir
from interp_widgets.models.kept import Kept

KIND, VERSION = "server reply", 1


@dataclass(frozen=True)
class Reply:
    """text: may be empty; whole: False where it was cut by the number of tokens; tokens as the server counts, or 0"""

    text: str
    whole: bool = True
    tokens_in: int = 0
    tokens_out: int = 0


class Replies:
    """Those of one model at one address. Neither key nor question stands in a file: its name is a hash, it holds the
    reply. keep=False: none are read or written."""

    def __init__(self, base_url: str, model: str, *, keep: bool) -> None:
        self._of, self._wanted = (base_url, model), keep
        self.found = 0

    def find(self, messages: Messages, drawn: dict[str, Any]) -> Reply | None:
        if not self._wanted:
            return None
        found = self._file(messages, drawn).find(lambda document, _: Reply(**document))
        self.found += found is not None
        return found

    def keep(self, messages: Messages, drawn: dict[str, Any], reply: Reply) -> None:
        """Raises DiskFullError."""
        if self._wanted:
            self._file(messages, drawn).write(asdict(reply), {})

    def _file(self, messages: Messages, drawn: dict[str, Any]) -> Kept:
        depends = [*self._of, [list(message) for message in messages], sorted(drawn.items())]
        return Kept.within(cache_dir() / "replies", KIND, VERSION, depends)
