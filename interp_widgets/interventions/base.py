"""What every intervention is: a frozen change to the computation, which a ledger can hold, switch and save."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, FileFormatError
from interp_widgets.models.architectures import Architecture, Site
from interp_widgets.models.hooks import Action

if TYPE_CHECKING:
    from interp_widgets.interventions.ledger import Ledger

KINDS: dict[str, type[Intervention]] = {}  # filled by each class that is defined


class Intervention(ABC):
    """A change that acts while it is on in a ledger (`lm.ledger.add`) or inside `with lm.using(...)`.

    Its numbers never change after construction; only its name and its switch do, and those belong to the ledger.
    """

    kind: ClassVar[str]
    fingerprint: str | None = None  # of the only model that it fits, where its numbers were fitted to one

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in cls.__dict__:  # what several kinds share has none of its own
            KINDS[cls.kind] = cls

    def __init__(self) -> None:
        self._ledger: weakref.ref[Ledger] | None = None
        self._cast: dict[tuple[str, torch.device, torch.dtype], Tensor] = {}

    # How it acts (the `Change` protocol of models.hooks)

    @property
    def replaces(self) -> bool:
        """True if the result does not depend on what was there before; such changes act last at a site."""
        return False

    @abstractmethod
    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        """Where it acts, and the function from an activation to the new one at each of these sites."""

    @abstractmethod
    def check(self, architecture: Architecture) -> None:
        """Raise OutOfRangeError or ArgumentError if it does not fit this model."""

    @abstractmethod
    def describe(self) -> str:
        """A short text that names it where no name was given: "ablate head 3 of layer 5"."""

    # What it is made of, and what others should know who get it in a file

    @property
    def pieces(self) -> tuple[Intervention, ...]:
        """The changes that it consists of: itself, or the parts of a whole."""
        return (self,)

    def account(self) -> tuple[str, ...]:
        """What it does, in lines."""
        return (self.describe(),)

    # How it is saved

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Its settings as JSON values."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its tensors, float32 or float64."""
        return {}

    @classmethod
    @abstractmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Intervention:
        """The inverse of `document` and `arrays`."""

    # Its place in a ledger

    @property
    def ledger(self) -> Ledger | None:
        """The ledger that holds it, if any."""
        return self._ledger() if self._ledger is not None else None

    @property
    def name(self) -> str:
        """Its name in the ledger, or what it does."""
        ledger = self.ledger
        return (ledger.name_of(self) if ledger is not None else None) or self.describe()

    @property
    def enabled(self) -> bool:
        """True while it is on in a ledger."""
        ledger = self.ledger
        return ledger is not None and ledger.is_enabled(self)

    def undo(self) -> None:
        """Take it out of its ledger; the model then computes what it computed without it, to the last bit.

        Raises ArgumentError if it is in no ledger.
        """
        ledger = self.ledger
        if ledger is None or ledger.name_of(self) is None:
            raise ArgumentError(f"{self.describe()!r} is in no ledger, so there is nothing to undo")
        ledger.remove(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to one file (safetensors with JSON), with its model's fingerprint; `lm.ledger.load` reads it.

        Raises ArgumentError if it is in no ledger (then no model is known), DiskFullError.
        """
        ledger = self.ledger
        if ledger is None or ledger.name_of(self) is None:
            raise ArgumentError(f"{self.describe()!r} is in no ledger; add it first: lm.ledger.add(x)")
        ledger.save(path, only=[self])

    def __repr__(self) -> str:
        state = "on" if self.enabled else "off"
        return f"<{type(self).__name__} {self.name!r}, {state}>"

    def cast(self, key: str, tensor: Tensor, like: Tensor) -> Tensor:
        """`tensor` in the device and dtype of `like`, converted once for each."""
        where = (key, like.device, like.dtype)
        found = self._cast.get(where)
        if found is None:
            found = self._cast[where] = tensor.to(like.device, like.dtype)
        return found


def restore(kind: str, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Intervention:
    """The saved intervention of this kind. Raises FileFormatError for one that this version does not know."""
    cls = KINDS.get(kind)
    if cls is None:
        raise FileFormatError(f"the file holds an intervention of kind {kind!r}; this version knows {sorted(KINDS)}")
    return cls.from_parts(document, arrays)


def as_tensor(name: str, values: Any, shape: tuple[int | None, ...]) -> Tensor:
    """A copy on the CPU of numbers of the given shape (None: any size), float64 if given so, else float32.

    Raises ArgumentError naming the argument.
    """
    if isinstance(values, Tensor):
        tensor = values.detach().cpu()
    else:
        try:
            tensor = torch.from_numpy(np.array(values, dtype=np.float64 if _is_double(values) else np.float32))
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"{name} is not an array of numbers: {error}") from None
    tensor = tensor.to(torch.float64 if tensor.dtype == torch.float64 else torch.float32).clone()
    fits = tensor.dim() == len(shape) and all(n is None or n == m for n, m in zip(shape, tensor.shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ArgumentError(f"{name} has shape {tuple(tensor.shape)}; expected ({wanted})")
    if not torch.isfinite(tensor).all():
        raise ArgumentError(f"{name} holds NaN or infinity")
    return tensor


def as_number(name: str, value: Any) -> float:
    """A finite number. Raises ArgumentError naming the argument."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise ArgumentError(f"{name}={value!r}: a finite number")
    return number


def _is_double(values: Any) -> bool:
    return getattr(values, "dtype", None) == np.float64
