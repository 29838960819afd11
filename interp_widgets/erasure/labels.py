"""States and labels as given by a person, checked: what cannot be erased or probed is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.errors import ArgumentError, NonFiniteError, not_one_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Label = str | int | bool


def as_states(states: Any, width: int | None = None, name: str = "states", *, copy: bool = True) -> Floats:
    """In float64, (n, width): a numpy array, a torch tensor on any device, or nested lists.

    copy: also where they are float64 already; without it they must not be written to

    Raises ArgumentError (shape, no rows, not numbers), NonFiniteError.
    """
    values = states.detach().cpu().double().numpy() if hasattr(states, "detach") else states
    try:
        found = np.array(values, dtype=np.float64, order="C", copy=True if copy else None)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{name} is not an array of numbers: {error}") from None
    if found.ndim != 2 or 0 in found.shape:
        raise ArgumentError(f"{name} has shape {found.shape}; expected (states, width), both at least 1")
    if width is not None and found.shape[1] != width:
        raise ArgumentError(f"{name} has width {found.shape[1]}; this eraser was fitted on {width}")
    # The sum is finite only if all are, and costs a tenth of looking at each.
    if not np.isfinite(found.sum()) and not np.isfinite(found).all():
        rows = np.flatnonzero(~np.isfinite(found).all(1))
        raise NonFiniteError(f"{name} holds NaN or infinity in {len(rows)} of {len(found)} rows, first in {rows[0]}")
    return found


def as_labels(labels: Any, n: int, name: str = "labels") -> NDArray[Any]:
    """(n,) of strings, integers or booleans; whole numbers written as floats count as integers.

    Raises ArgumentError.
    """
    values = labels.detach().cpu().numpy() if hasattr(labels, "detach") else labels
    if isinstance(values, str):
        raise ArgumentError(f"{name} is one string; give one label for each state")
    if isinstance(values, Sequence) and len({isinstance(one, str) for one in values}) > 1:
        # numpy would quietly make strings of the numbers
        raise ArgumentError(f"{name} mixes types: {sorted({type(one).__name__ for one in values})}; use one for all")
    found = np.asarray(values)
    if found.ndim != 1:
        raise ArgumentError(f"{name} has shape {found.shape}; expected one label for each of the {n} states")
    if len(found) != n:
        raise ArgumentError(f"{name} has {len(found)} entries, there are {n} states; give one for each")
    if found.dtype.kind == "O" and all(isinstance(one, str) for one in found):
        found = found.astype(str)  # as tables keep their texts
    if found.dtype.kind == "f":
        if not np.isfinite(found).all():
            raise NonFiniteError(f"{name} holds NaN or infinity; leave out the states that have no label")
        if (found != np.round(found)).any():
            raise ArgumentError(f"{name} holds fractions; labels are classes: strings, integers or booleans")
        found = found.astype(np.int64)
    if found.dtype.kind not in "biuUS":
        raise ArgumentError(f"{name} holds {found.dtype}; labels are classes: strings, integers or booleans")
    return found


def classes_of(labels: NDArray[Any], name: str = "labels") -> tuple[tuple[Label, ...], Integers]:
    """(classes, sorted; the number of each label's class). Raises ArgumentError for fewer than two classes."""
    kinds, index = np.unique(labels, return_inverse=True)
    if len(kinds) < 2:
        only = kinds[0].item() if len(kinds) else None
        raise ArgumentError(f"{name} has one class only, {only!r}; there is nothing to tell apart, give two or more")
    return tuple(one.item() for one in kinds), index.reshape(-1).astype(np.int64)


def indices_in(classes: Sequence[Label], labels: NDArray[Any], name: str = "labels") -> Integers:
    """The class of each label as a number, in an order that is given. Raises ArgumentError for an unknown class."""
    known = {one: i for i, one in enumerate(classes)}
    kinds, index = np.unique(labels, return_inverse=True)
    strange = next((one.item() for one in kinds if one.item() not in known), None)
    if strange is not None:
        raise not_one_of(name, strange, map(str, classes))
    table = np.asarray([known[one.item()] for one in kinds], np.int64)
    return np.asarray(table[index.reshape(-1)])
