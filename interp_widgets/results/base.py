"""What every analysis returns: a frozen dataclass of arrays with its provenance, which shows, saves and exports itself.

A result is data.  How it looks is the business of the package that made it: picture, plot and widget are imported when
first used, so that results are computed, saved and loaded where neither Jupyter nor pandas nor matplotlib is installed.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from interp_widgets import storage
from interp_widgets.errors import FileFormatError
from interp_widgets.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Where the class of each saved kind lives: a file says what it holds, and only then is that module imported.
_CLASSES = {
    "attribution matrix": ("interp_widgets.attribution.matrix", "MatrixResult"),
    "attribution result": ("interp_widgets.attribution.result", "AttributionResult"),
    "average trace": ("interp_widgets.locate.average", "AverageTrace"),
    "causal trace": ("interp_widgets.locate.trace_result", "TraceResult"),
    "comparison": ("interp_widgets.attribution.comparison", "ComparisonResult"),
    "heads": ("interp_widgets.locate.heads_result", "HeadsResult"),
    "edit diff": ("interp_widgets.editing.diff.result", "EditDiff"),
    "erasure": ("interp_widgets.erasure.result", "ErasureResult"),
    "edit evaluation": ("interp_widgets.editing.evaluating.evaluation_result", "EditEvaluation"),
    "faithfulness": ("interp_widgets.faithfulness.result", "FaithfulnessResult"),
    "patching": ("interp_widgets.locate.patch_result", "PatchResult"),
    "steering": ("interp_widgets.steering.console", "SteeringResult"),
    "logit lens": ("interp_widgets.locate.lens_result", "LensResult"),
    "neuron name": ("interp_widgets.locate.neuron_name_result", "NameScore"),
    "neurons": ("interp_widgets.locate.neuron_result", "NeuronResult"),
    "preservation": ("interp_widgets.editing.evaluating.preservation_result", "Preservation"),
    "steering evaluation": ("interp_widgets.steering.evaluation_result", "SteeringEvaluation"),
}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Result(ABC):
    """Base of all results; arrays are copied and read-only, so that a shown result cannot change under its picture.

    Subclasses are frozen dataclasses whose fields are arrays, JSON values, or (tuples of) dataclasses of JSON values;
    they set `kind`, the words by which a saved file names itself, and `format_version`.
    """

    kind: ClassVar[str]
    format_version: ClassVar[int] = 1

    provenance: Provenance

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.setflags(write=False)
            elif isinstance(value, dict):
                value = dict(value)
            else:
                continue
            object.__setattr__(self, field.name, value)

    @property
    def forward_passes(self) -> int:
        """Rows that went through the model."""
        return self.provenance.forward_passes

    @property
    def seconds(self) -> float:
        return self.provenance.seconds

    # On the disk

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one safetensors file with JSON in it, whole or not at all; returns the path. Raises DiskFullError."""
        document, arrays = self._parts()
        return storage.write_bundle(path, self.kind, self.format_version, document, arrays)

    def _parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The fields as JSON values and as arrays; of a result within this one the arrays are named after both."""
        document: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            elif isinstance(value, Result):
                document[field.name], own = value._parts()
                arrays |= {f"{field.name}.{name}": array for name, array in own.items()}
            else:
                document[field.name] = _to_json(value)
        return document, arrays

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote. `Result.load` reads any kind; a subclass refuses other kinds.

        Raises FileFormatError (another kind, newer, cut off, not ours), FileNotFoundError.
        """
        if not hasattr(cls, "kind"):
            return load_result(path)  # type: ignore[return-value]  # only Result itself has no kind
        document, arrays = storage.read_bundle(path, cls.kind, version=cls.format_version)
        try:
            return cls(**cls._restore(document, arrays))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileFormatError(f"{os.fspath(path)} is damaged: its {cls.kind} cannot be read ({error})") from error

    @classmethod
    @abstractmethod
    def _restore(cls, document: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
        """The fields, from what `save` wrote."""

    # In other forms

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The numbers as a table."""

    @abstractmethod
    def plot(self) -> Figure:
        """A matplotlib Figure of its own, which pyplot does not know."""

    @abstractmethod
    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page that draws the view by itself and asks no other address for anything; written to `path` if given."""

    @abstractmethod
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows and keeps."""


def _to_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    return value


def load_result(path: str | os.PathLike[str]) -> Result:
    """Read a saved result of whichever kind the file says it holds. Raises FileFormatError, FileNotFoundError."""
    kind = _kind_of(path)
    if kind not in _CLASSES:
        found = f"a saved {kind}" if kind else "nothing that this package saved"
        raise FileFormatError(f"{os.fspath(path)} holds {found}; expected one of: {', '.join(_CLASSES)}")
    module, name = _CLASSES[kind]
    found_class: type[Result] = getattr(importlib.import_module(module), name)
    return found_class.load(path)


def _kind_of(path: str | os.PathLike[str]) -> str | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("interp_widgets")
    except SafetensorError as error:
        raise FileFormatError(f"{os.fspath(path)} is not a saved result, or it is cut off: {error}") from error
