"""GRACE: a codebook beside one layer, which answers only near what was edited (Hartvigsen et al. 2023).

A fact's key is what the layer's down-projection gets at the prompt's last token; its value, found by gradient, stands
in for the layer's answer wherever a key comes within the entry's radius.  No weight changes, so whatever stays outside
all balls is computed as before, to the last bit; each entry makes inference a little slower.

Where a new key falls decides about the radii (the paper's algorithm 1), d being its distance to the nearest entry and e
that entry's radius:

    far from all (d > radius + e)       a new entry of the initial radius
    near one with another answer        a new entry of radius d/2, and the old one shrinks to just below d/2
    near one with the same answer       the old entry grows to hold it; nothing is optimised

Answers are compared by their tokens (the published code compares the means of the token numbers).  A ball never grows
past half the way to an entry with another answer, so many edits cannot swallow each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from interp_widgets.editing.keys_values.contexts import Row
from interp_widgets.editing.keys_values.subject_keys import at_subjects
from interp_widgets.editing.keys_values.value import ValueSettings, optimise
from interp_widgets.editing.keys_values.where import late_layer
from interp_widgets.editing.registry import Editor, Job, Made
from interp_widgets.errors import ArgumentError
from interp_widgets.interventions.base import Intervention
from interp_widgets.interventions.codebook import Codebook
from interp_widgets.models.architectures import Site
from interp_widgets.models.memory import in_batches
from interp_widgets.models.prompts import continuation

Floats = NDArray[np.float64]
_CPU_FACTS, _GPU_FACTS = 16, 128  # of a batch
_EDGE = 1e-5  # by which two balls stay apart


@dataclass(frozen=True)
class GraceSettings:
    """radius: of a new entry, in units of the norm of its key; the published 1.0 to 3.0 are absolute, and mean other
        things in each model
    positions: which tokens ask the codebook, see `interventions.positions`
    value: of the optimisation; without penalties, since the value acts nowhere else"""

    radius: float = 0.3
    positions: str | Sequence[int] = "all"
    value: ValueSettings = field(
        default_factory=lambda: ValueSettings(steps=100, learning_rate=1.0, clamp=1e6, decay=0.0, kl_factor=0.0)
    )

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise ArgumentError(f"radius={self.radius!r}: a number above 0")


@dataclass(frozen=True, eq=False)
class Entry:
    """One ball: key (keys,), radius, the tokens of its answer, and whose fact's value stands in it."""

    key: Floats
    radius: float
    answer: tuple[int, ...]
    fact: int


def place(entries: Sequence[Entry], key: Floats, answer: tuple[int, ...], fact: int, radius: float) -> list[Entry]:
    """The entries after one more fact: see the module's rules. `radius`: of a new ball where there is room."""
    found = list(entries)
    if not found:
        return [Entry(key, radius, answer, fact)]
    distances = np.asarray([float(np.linalg.norm(one.key - key)) for one in found])
    at = int(distances.argmin())
    near, d = found[at], float(distances[at])
    if d > radius + near.radius:
        return [*found, Entry(key, radius, answer, fact)]
    if near.answer != answer:
        if d == 0:
            raise ArgumentError(
                "facts: two prompts that end alike in this layer have different answers; edit a later layer"
            )
        found[at] = Entry(near.key, min(near.radius, d / 2 - _EDGE), near.answer, near.fact)
        return [*found, Entry(key, min(radius, d / 2), answer, fact)]
    if d > near.radius:
        foes = [float(np.linalg.norm(one.key - near.key)) / 2 for one in found if one.answer != answer]
        limit = min(foes, default=np.inf) - _EDGE
        if d > limit:  # growing would reach into a foe's half: an entry of its own instead
            return [*found, Entry(key, min(radius, _room(found, key, answer)), answer, fact)]
        found[at] = Entry(near.key, d, answer, near.fact)
    return found


def _room(entries: Sequence[Entry], key: Floats, answer: tuple[int, ...]) -> float:
    return min(float(np.linalg.norm(one.key - key)) / 2 - _EDGE for one in entries if one.answer != answer)


def _beside(job: Job, layer: int, key: Floats) -> float:
    """The largest radius that reaches no further than half the way to an entry of another codebook that acts in this
    layer.  It belongs to another edit, which stays as it was made; where two balls meet, the later edit answers."""
    pieces = [piece for change in job.changes if isinstance(change, Intervention) for piece in change.pieces]
    books = [piece for piece in pieces if isinstance(piece, Codebook) and piece.layer == layer]
    distances = [np.linalg.norm(book.keys.double().numpy() - key, axis=1).min() for book in books]
    return max(float(min(distances)) / 2 - _EDGE, 0.0) if distances else np.inf


def _rows(job: Job) -> list[list[Row]]:
    """Each fact's prompt with its answer; the value acts at the prompt's last token."""
    rows = []
    for number, fact in enumerate(job.facts):
        encoded = job.lm.encode(fact.prompt)
        answer = continuation(job.lm.tokenizer, encoded, fact.target)
        end = len(encoded) - 1
        rows.append([Row(number, np.concatenate([encoded.ids, answer[:-1]]), end, len(encoded), answer)])
    return rows


def _run(job: Job) -> Made:
    lm, (layer,) = job.lm, job.layers
    own: GraceSettings = job.settings
    rows = _rows(job)
    site = Site("mlp_key", layer)
    keys = at_subjects(lm, [row for (row,) in rows], [site], layer)[site]
    entries: list[Entry] = []
    for (row,), key in zip(rows, keys, strict=True):
        radius = own.radius * float(np.linalg.norm(key))
        entries = place(entries, key, tuple(row.answer.tolist()), row.fact, radius)
    entries = [dataclasses.replace(one, radius=min(one.radius, _beside(job, layer, one.key))) for one in entries]
    needed = sorted({one.fact for one in entries})
    values = np.zeros((len(rows), lm.architecture.width), np.float32)
    loss = np.zeros(len(rows))

    def work(start: int, end: int) -> None:
        chosen = needed[start:end]
        found = optimise(lm, [rows[i] for i in chosen], layer, own.value, advance=job.steps_of(start, end))
        values[chosen] = (found.base + found.delta).float().cpu().numpy()
        loss[chosen] = found.loss
        job.advance(end, len(needed), "values")

    in_batches(len(needed), _CPU_FACTS if lm.device.type == "cpu" else _GPU_FACTS, work)
    part = Codebook(
        np.stack([one.key for one in entries]).astype(np.float32),
        values[[one.fact for one in entries]],
        np.asarray([one.radius for one in entries], np.float32),
        layer=layer,
        positions=own.positions,
    )
    return Made(
        (part,),
        {"loss": float(loss[needed].mean()), "entries": float(len(entries)), "growth": 0.0},
    )


EDITOR = Editor(
    name="grace",
    label="GRACE",
    source="Hartvigsen et al. 2023, algorithm 1",
    settings=GraceSettings,
    several=False,
    where=late_layer,
    run=_run,
)
