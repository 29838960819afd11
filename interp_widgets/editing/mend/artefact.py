"""A trained MEND network as a file: for one model, known by its fingerprint."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interp_widgets.editing.mend.network import MendNetwork
from interp_widgets.errors import ArgumentError, FileFormatError, FingerprintMismatchError
from interp_widgets.models.cache import cache_dir
from interp_widgets.storage import read_bundle, write_bundle

if TYPE_CHECKING:
    from interp_widgets.models.language_model import LanguageModel

KIND, VERSION = "MEND network", 1


@dataclass(frozen=True, eq=False)
class MendArtefact:
    """network: what was trained; layers: whose MLP matrices it changes; fingerprint, model: of what model
    about: how it was trained: facts, texts, steps, seed, seconds, ...
    curve: float64, (looks, 3): step, edit loss and locality loss (nats) on the facts that were held out"""

    network: MendNetwork
    layers: tuple[int, ...]
    fingerprint: str
    model: str
    about: dict[str, Any]
    curve: NDArray[np.float64]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Raises DiskFullError; nothing half-written stays."""
        document = {
            "layers": list(self.layers),
            "fingerprint": self.fingerprint,
            "model": self.model,
            "rank": self.network.rank,
            "shapes": {path: list(shape) for path, shape in self.network.shapes.items()},
            "about": self.about,
        }
        arrays = {f"network.{name}": tensor.cpu().numpy() for name, tensor in self.network.state_dict().items()}
        return write_bundle(path, KIND, VERSION, document, {**arrays, "curve": self.curve})

    @classmethod
    def load(cls, path: str | os.PathLike[str], lm: LanguageModel) -> MendArtefact:
        """Raises FileNotFoundError, FileFormatError; FingerprintMismatchError: it was trained for another model."""
        document, arrays = read_bundle(path, KIND, version=VERSION)
        try:
            made_for, model = str(document["fingerprint"]), str(document["model"])
            if made_for != lm.fingerprint:
                raise FingerprintMismatchError(
                    f"{os.fspath(path)} was trained for {model} with fingerprint {made_for[:12]}; this model,"
                    f" {lm.name}, has {lm.fingerprint[:12]}. Train one for it:"
                    " iw.editing.train_mend(lm)"
                )
            shapes = {str(name): (int(size[0]), int(size[1])) for name, size in document["shapes"].items()}
            network = MendNetwork(shapes, int(document["rank"]))
            weights = {name: array for name, array in arrays.items() if name.startswith("network.")}
            network.load_state_dict({name[8:]: torch.from_numpy(array) for name, array in weights.items()})
            layers = tuple(int(layer) for layer in document["layers"])
            about = dict(document["about"])
            return cls(network.requires_grad_(False).eval(), layers, made_for, model, about, arrays["curve"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise FileFormatError(f"{os.fspath(path)} is damaged: its network cannot be read ({error})") from error


def default_path(lm: LanguageModel) -> Path:
    """Where the network of a model is kept: in the user's cache."""
    return cache_dir() / "mend" / f"{lm.fingerprint[:32]}.safetensors"


def find_artefact(lm: LanguageModel, path: str | os.PathLike[str] | None) -> MendArtefact:
    """The one at `path`, or the one in the cache. Raises ArgumentError, which says how to train one, if neither is."""
    if path is not None:
        return MendArtefact.load(path, lm)
    try:
        return MendArtefact.load(default_path(lm), lm)
    except FileNotFoundError:
        raise ArgumentError(
            f"method='mend' needs a network that was trained for {lm.name}, and there is none yet. Train one, once:"
            " iw.editing.train_mend(lm, confirm=True), a quarter of an hour for the default model"
            " on two cores; or give a file: settings=MendSettings(artefact=path)"
        ) from None
