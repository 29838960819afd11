"""Take a concept out of activations while the model runs: x - left right (x - mean), at one or more places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.interventions.base import Intervention, as_tensor
from interp_widgets.interventions.positions import check_positions, chosen
from interp_widgets.models.architectures import LAYER_SITES, Architecture, Site
from interp_widgets.models.hooks import Action, Frame


class Erased(Intervention):
    """An affine projection at each of some places.

    Parameters
    ----------
    places: (site, layer) pairs, each once; site: one of `models.architectures.LAYER_SITES`, layer from 0
    means: for each place (width,); lefts: (width, rank); rights: (rank, width); float64 is kept
    positions: see `interventions.positions`
    source: what was erased, for its name; fingerprint: of the model that it was fitted to
    fitted_on, templates: int64, hashes of the texts and of the templates that it was fitted on, so that nobody tests it
        on them
    about: further settings, JSON values

    A place is computed in float64 where the device has it: the two factors nearly cancel where the concept lies in a
    direction of little variance.

    Raises ArgumentError; when added to a ledger, OutOfRangeError for a layer that the model does not have and
    FingerprintMismatchError for another model's.
    """

    kind = "eraser"

    def __init__(
        self,
        places: Sequence[tuple[str, int]],
        means: Sequence[Any],
        lefts: Sequence[Any],
        rights: Sequence[Any],
        *,
        positions: str | Sequence[int] = "all",
        source: str = "concept",
        fingerprint: str | None = None,
        fitted_on: Any = (),
        templates: Any = (),
        about: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.places = tuple((str(site), int(layer)) for site, layer in places)
        if not self.places or len(set(self.places)) != len(self.places):
            raise ArgumentError(f"places={places!r}: at least one (site, layer), each once")
        for site, _ in self.places:
            if site not in LAYER_SITES:
                raise not_one_of("site", site, LAYER_SITES)
        if not len(self.places) == len(means) == len(lefts) == len(rights):
            raise ArgumentError(
                f"means, lefts and rights have {len(means)}, {len(lefts)} and {len(rights)} entries for"
                f" {len(self.places)} places; give one of each for every place"
            )
        self.means, self.lefts, self.rights = [], [], []
        for i, (mean, left, right) in enumerate(zip(means, lefts, rights, strict=True)):
            centre = as_tensor(f"means[{i}]", mean, (None,))
            self.means.append(centre)
            self.lefts.append(as_tensor(f"lefts[{i}]", left, (len(centre), None)))
            self.rights.append(as_tensor(f"rights[{i}]", right, (self.lefts[i].shape[1], len(centre))))
        self.positions, self.source, self.fingerprint = check_positions(positions), source, fingerprint
        self.fitted_on, self.templates = (np.array(one, np.int64) for one in (fitted_on, templates))
        self.about = dict(about or {})

    @property
    def layers(self) -> tuple[int, ...]:
        return tuple(layer for _, layer in self.places)

    @property
    def ranks(self) -> tuple[int, ...]:
        """Dimensions that are taken at each place."""
        return tuple(left.shape[1] for left in self.lefts)

    def acts(self, architecture: Architecture) -> Sequence[tuple[Site, Action]]:
        return [
            (Site(site, architecture.check_layer(layer)), self.action(i))
            for i, (site, layer) in enumerate(self.places)
            if self.ranks[i]
        ]

    def action(self, i: int) -> Action:
        """What it does at its i-th place."""

        def erase(activation: Tensor, inputs: Tensor, frame: Frame | None) -> Tensor:
            wide = activation.float() if activation.device.type == "mps" else activation.double()
            mean, left, right = (
                self.cast(f"{name}.{i}", part[i], wide)
                for name, part in (("mean", self.means), ("left", self.lefts), ("right", self.rights))
            )
            changed = (wide - ((wide - mean) @ right.T) @ left.T).to(activation.dtype)
            mask = chosen(self.positions, frame, activation)
            return changed if mask is None else torch.where(mask, changed, activation)

        return erase

    def check(self, architecture: Architecture) -> None:
        for (site, layer), mean in zip(self.places, self.means, strict=True):
            architecture.check_layer(layer)
            width = width_at(architecture, site)
            if len(mean) != width:
                raise ArgumentError(
                    f"the eraser at layer {layer} {site} is for {len(mean)} numbers; this model has {width}"
                )

    def describe(self) -> str:
        site, layer = self.places[0]
        where = f"layer {layer} {site}" if len(self.places) == 1 else f"{len(self.places)} places"
        return f"erase {self.source} at {where}"

    def document(self) -> dict[str, Any]:
        positions = self.positions if isinstance(self.positions, str) else list(self.positions)
        return {
            "places": [list(place) for place in self.places],
            "positions": positions,
            "source": self.source,
            "fingerprint": self.fingerprint,
            "about": self.about,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts = (("mean", self.means), ("left", self.lefts), ("right", self.rights))
        arrays = {f"{name}.{i}": part.numpy() for name, tensors in parts for i, part in enumerate(tensors)}
        return {**arrays, "fitted_on": self.fitted_on, "templates": self.templates}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Erased:
        settings = dict(document)
        places = [(str(site), int(layer)) for site, layer in settings.pop("places")]
        means, lefts, rights = (
            [arrays[f"{name}.{i}"] for i in range(len(places))] for name in ("mean", "left", "right")
        )
        return cls(
            places, means, lefts, rights, fitted_on=arrays["fitted_on"], templates=arrays["templates"], **settings
        )


def width_at(architecture: Architecture, site: str) -> int:
    """How many numbers an activation at this site has."""
    if site == "mlp_key":
        return architecture.mlp_width
    return architecture.n_heads * architecture.head_dim if site == "head_out" else architecture.width
