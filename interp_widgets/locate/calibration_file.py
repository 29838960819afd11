"""A fitted lens in the user's cache: small numbers in memory, the maps on the disk until a layer asks for its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interp_widgets.models.cache import cache_dir
from interp_widgets.storage import write_bundle

KIND, VERSION = "lens calibration", 1
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """How far a lens is from the final distribution on held-out text, means over tokens, each (layers,).

    divergence: KL(lens || final), nats; reverse: KL(final || lens), nats; agreement: share of tokens at which the
    lens's first choice is the model's own
    """

    divergence: Floats
    reverse: Floats
    agreement: Floats


@dataclass(frozen=True, eq=False)
class LensCalibration:
    """An affine map for each layer of one model (see `locate.calibration`), and what was measured of it.

    fingerprint: of the model; corpus: SHA-256 of the texts; texts, tokens: how many it was fitted on
    tested: held-out tokens behind `plain`, `calibrated` and `nothing` (a guess that reads nothing: a constant)
    """

    path: Path
    fingerprint: str
    corpus: str
    settings: dict[str, Any]
    texts: int
    tokens: int
    tested: int
    seconds: float
    plain: Measured
    calibrated: Measured
    nothing: Measured
    n_layers: int

    def layer(self, layer: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight (width, width), outputs first, and bias (width,), read from the cache.

        Raises FileNotFoundError if the cache was cleared since.
        """
        from safetensors import safe_open

        with safe_open(self.path, framework="numpy") as file:
            return file.get_slice("weight")[layer], file.get_slice("bias")[layer]

    @classmethod
    def write(
        cls,
        path: Path,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32],
        measured: Mapping[str, Floats],
        **document: Any,
    ) -> LensCalibration:
        """Keep a fitted lens; returns it as `find` does. Raises DiskFullError."""
        write_bundle(path, KIND, VERSION, document, {"weight": weight, "bias": bias, **measured})
        found = find(path)
        assert found is not None
        return found

    def __repr__(self) -> str:
        return f"<LensCalibration: {self.n_layers} layers, fitted on {self.tokens} tokens, tested on {self.tested}>"


def place(fingerprint: str, corpus: str, settings: Mapping[str, Any]) -> Path:
    """The file of a model's lens, fitted on these texts with these settings; it may not exist yet."""
    text = json.dumps([fingerprint, corpus, dict(settings)], sort_keys=True)
    return cache_dir() / "lenses" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.safetensors"


def find(path: Path) -> LensCalibration | None:
    """The lens kept there; None where there is none that can be read: it is fitted again then."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            if (about.get("interp_widgets"), about.get("version")) != (KIND, str(VERSION)):
                return None
            document = json.loads(about["document"])
            read = file.get_tensor
            measured = {
                name: Measured(read(f"divergence_{name}"), read(f"reverse_{name}"), read(f"agreement_{name}"))
                for name in ("plain", "calibrated", "nothing")
            }
            layers = int(file.get_slice("bias").get_shape()[0])
            tested = int(read("tokens"))
            return LensCalibration(
                path=path,
                tested=tested,
                n_layers=layers,
                plain=measured["plain"],
                calibrated=measured["calibrated"],
                nothing=measured["nothing"],
                **document,
            )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None
