"""What the Jupyter kernel around us says: is there one, and which cell is being run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"


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
    `deleted` are cells that were deleted from the notebook since the last run. `count` is the number in `In [count]`.
    """

    cell: str
    run: str
    by_code: bool
    deleted: tuple[str, ...] = ()
    count: int = 0


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
    run, count = str(header.get("msg_id", "")), int(kernel.shell.execution_count)
    return Execution(str(cell or code), run, not cell, deleted, count)


def forget_output(count: int, model_id: str) -> None:
    """Let go of the pictures of one widget that IPython's history keeps; the plain text stays.

    Every output of a session is kept there in all its forms, so a cell that is run again and again adds up.
    """
    history = getattr(getattr(running_kernel(), "shell", None), "history_manager", None)
    kept = getattr(history, "outputs", {})
    for output in (*kept.get(count, ()), *kept.get(count - 1, ())):  # IPython counts on before the cell runs, or after
        bundle = output.bundle
        if isinstance(view := bundle.get(WIDGET_TYPE), dict) and view.get("model_id") == model_id:
            for form in bundle.keys() - {"text/plain"}:
                del bundle[form]
