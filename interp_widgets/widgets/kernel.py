"""What the Jupyter kernel around us says: is there one, and which cell is being run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


def running_kernel() -> Any | None:
    """The ipykernel that this process is, or None; imports nothing."""
    ipython = sys.modules.get("IPython")
    if ipython is None or "ipykernel" not in sys.modules:
        return None
    return getattr(ipython.get_ipython(), "kernel", None)


@dataclass(frozen=True)
class Execution:
    """One run of a cell: `cell` is the same for every run of it, `run` differs.

    `by_code` says that the host names no cells and the code itself had to do: two cells may have the same.
    `deleted` are cells that were deleted from the notebook since the last run.
    """

    cell: str
    run: str
    by_code: bool
    deleted: tuple[str, ...] = ()


def execution() -> Execution | None:
    """The run in whose course this is called; None outside a kernel and in answers to a click."""
    kernel = running_kernel()
    if kernel is None:
        return None
    parent = kernel.get_parent("shell") or {}
    header = parent.get("header") or {}
    if header.get("msg_type") != "execute_request":
        return None
    metadata = parent.get("metadata") or {}
    cell = metadata.get("cellId")
    deleted = tuple(str(gone) for gone in metadata.get("deletedCells") or ())
    code = str((parent.get("content") or {}).get("code", ""))
    return Execution(str(cell or code), str(header.get("msg_id", "")), not cell, deleted)
