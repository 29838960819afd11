"""Control vectors as GGUF files, the format that llama.cpp and repeng share.

1. The architecture is "controlvector"; `controlvector.model_hint` names the family, `controlvector.layer_count` counts
   the tensors; each tensor `direction.<layer>` is float32, (width,).
2. The layer numbers are ours: `direction.12` is added to the residual stream after layer 12, counted from 0. (repeng
   reads hidden state 13, where 0 is the embedding; llama.cpp adds it to the output of block 12.) llama.cpp refuses a
   file with layer 0, so none is written.
3. Both programs add factor * direction at every token, prompt included; no norm is kept in the file. So either the
   directions are written as they are, and that factor is our alpha; or they are written times alpha, or times
   strength * mean residual norm, and the factor 1 is what was meant.
4. Keys of our own (`interp_widgets.*`) carry the fingerprint, the residual norms and the best layer. Other programs
   pass over them.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets import storage
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError, OutOfRangeError

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel
    from interp_widgets.steering.vector import ControlVector

_ARCHITECTURE = "controlvector"
_OURS = "interp_widgets.control_vector"
# How llama.cpp calls the families that transformers calls otherwise: its own generator writes these as the hint.
_ALSO_CALLED = {
    "gpt_neox": ("gptneox",),
    "mistral": ("llama",),
    "gemma3_text": ("gemma3",),
}


def write(
    vector: ControlVector,
    path: str | os.PathLike[str],
    *,
    layers: Sequence[int] | None = None,
    strength: float | None = None,
    alpha: float | None = None,
) -> Path:
    """What `ControlVector.to_gguf` does; see there."""
    from gguf import GGUFWriter

    if strength is not None and alpha is not None:
        raise ArgumentError("give strength or alpha, not both")
    scaled = strength is not None or alpha is not None
    if layers is None:
        layers = [vector.best_layer] if scaled else [layer for layer in vector.layers if layer > 0]
    layers, directions = sorted(set(layers)), vector.directions
    if not layers or 0 in layers or not set(layers) <= set(directions):
        raise OutOfRangeError(
            f"layers={layers}: {vector.name!r} has layers {vector.layers[0]} to {vector.layers[-1]}, and the format"
            " holds those from 1 on (llama.cpp refuses a file with layer 0)"
        )
    if scaled:  # what `steer` adds, its checks and warnings included
        act = vector.steer(layers=layers, strength=strength, alpha=alpha)
        if act.amounts.dim() != 1:
            raise ArgumentError("strength and alpha: one number each; a file has no rows")
        rows = (act.amounts[:, None] * act.directions).numpy()
    else:
        rows = np.stack([directions[layer] for layer in layers])
    with storage.atomic_file(path) as temporary:
        writer = GGUFWriter(temporary, _ARCHITECTURE)
        try:
            writer.add_string(f"{_ARCHITECTURE}.model_hint", vector.model_type)
            writer.add_uint32(f"{_ARCHITECTURE}.layer_count", len(layers))
            writer.add_string(_OURS, json.dumps(_document(vector, layers)))
            for layer, row in zip(layers, rows, strict=True):
                writer.add_tensor(f"direction.{layer}", np.ascontiguousarray(row, np.float32))
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
    return Path(path)


def _document(vector: ControlVector, layers: Sequence[int]) -> dict[str, Any]:
    norms = dict(zip(vector.layers, vector.norm.tolist(), strict=True))
    return {
        "name": vector.name,
        "poles": list(vector.poles),
        "method": vector.method,
        "pairs": vector.pairs,
        "model": vector.model,
        "fingerprint": vector.fingerprint,
        "best_layer": vector.best_layer if vector.best_layer in layers else None,
        "norm": [norms[layer] if np.isfinite(norms[layer]) else None for layer in layers],
    }


def read(path: str | os.PathLike[str], lm: LanguageModel) -> ControlVector:
    """What `ControlVector.from_gguf` does; see there."""
    from interp_widgets.steering.vector import ControlVector

    hint, ours, found = _contents(Path(path))
    _check_belongs(path, hint, ours, found, lm)
    layers = sorted(found)
    unknown = np.full(len(layers), np.nan)
    try:
        one, other = ours.get("poles", ("positive", "negative"))
        norms = dict(zip(layers, ours.get("norm", []), strict=False))
        best = ours.get("best_layer")
        return ControlVector(
            name=str(ours.get("name", Path(path).stem)),
            poles=(str(one), str(other)),
            method=str(ours.get("method", "imported")),
            pairs=int(ours.get("pairs", 0)),
            layers=tuple(layers),
            matrix=np.stack([found[layer] for layer in layers]),
            norm=np.asarray([norms.get(layer) or np.nan for layer in layers], np.float64),
            middle=unknown,
            half_gap=unknown,
            accuracy=unknown,
            separation=unknown,
            best_layer=best if best in layers else layers[len(layers) // 2],
            model=lm.name,
            model_type=lm.architecture.model_type,
            fingerprint=lm.fingerprint,
        )
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{os.fspath(path)} is damaged: its own keys cannot be read ({error})") from error


def _contents(path: Path) -> tuple[str, dict[str, Any], dict[int, NDArray[np.float32]]]:
    """(model hint, what we wrote beside it, layer -> direction) of a file. Raises FileFormatError."""
    from gguf import GGMLQuantizationType, GGUFReader

    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, "no such file; expected a control vector in GGUF", str(path))
    try:
        reader = GGUFReader(path)
        keys = {name: reader.fields[name].contents() for name in reader.fields if not name.startswith("GGUF.")}
        tensors = [(one.name, one.tensor_type, np.array(one.data)) for one in reader.tensors]
    except Exception as error:  # a damaged file fails inside the reader in whatever way its bytes happen to
        raise FileFormatError(f"{path} is not a GGUF file, or it is cut off: {error}") from error
    architecture = keys.get("general.architecture")
    if architecture != _ARCHITECTURE:
        raise FileFormatError(
            f"{path} is a GGUF file of architecture {architecture!r}, not a control vector ({_ARCHITECTURE!r})"
        )
    found: dict[int, NDArray[np.float32]] = {}
    for name, kind, data in tensors:
        word, _, number = name.partition(".")
        if word != "direction" or not number.isdecimal():
            raise FileFormatError(f"{path} holds a tensor {name!r}; a control vector has only direction.<layer>")
        if kind != GGMLQuantizationType.F32 or data.ndim != 1:
            raise FileFormatError(f"{path}: {name} is {kind.name} with shape {data.shape}; expected one float32 row")
        if not np.isfinite(data).all():
            raise FileFormatError(f"{path}: {name} holds NaN or infinity")
        found[int(number)] = data.astype(np.float32)
    if not found:
        raise FileFormatError(f"{path} is a control vector without a single direction")
    if len({row.shape for row in found.values()}) > 1:
        raise FileFormatError(f"{path}: its directions have different widths")
    try:
        ours = json.loads(keys.get(_OURS, "{}"))
    except (TypeError, ValueError):
        ours = None
    if not isinstance(ours, dict):
        raise FileFormatError(f"{path} is damaged: its own keys cannot be read")
    return str(keys.get(f"{_ARCHITECTURE}.model_hint", "")), ours, found


def _check_belongs(
    path: str | os.PathLike[str],
    hint: str,
    ours: Mapping[str, Any],
    found: Mapping[int, NDArray[np.float32]],
    lm: LanguageModel,
) -> None:
    a = lm.architecture
    width = len(next(iter(found.values())))
    made_for = ours.get("fingerprint")
    family = {a.model_type, *_ALSO_CALLED.get(a.model_type, ())}
    if (made_for is not None and made_for != lm.fingerprint) or width != a.width or (hint and hint not in family):
        raise FingerprintMismatchError(
            f"{os.fspath(path)} was made for {ours.get('model') or hint or 'an unnamed model'}, with fingerprint"
            f" {str(made_for)[:12] if made_for else 'not recorded'}, family {hint or 'not recorded'} and width {width};"
            f" this model, {lm.name}, has {lm.fingerprint[:12]}, {a.model_type} and {a.width}. Load the model that it"
            " was made for."
        )
    beyond = [layer for layer in found if layer >= a.n_layers]
    if beyond:
        raise OutOfRangeError(
            f"{os.fspath(path)} has a direction for layer {max(beyond)}; {lm.name} has layers 0 to {a.n_layers - 1}"
        )
