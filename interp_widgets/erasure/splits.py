"""Parts of labelled rows that share no group, each with all classes in like shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interp_widgets.erasure.labels import Integers, Label
from interp_widgets.errors import ArgumentError

PARTS = (0.5, 0.25, 0.25)  # to fit an eraser on, to train a probe on, to test it on


def split_groups(
    groups: Sequence[int],
    labels: Sequence[Label],
    forms: Sequence[str],
    shares: Sequence[float],
    seed: int,
    what: str = "templates",
) -> list[Integers]:
    """Row numbers of each part. Groups with the same classes and forms are dealt out in the given shares.

    what: how to call the groups. Raises ArgumentError: shares that are none, or too few groups for every part to get
    each class.
    """
    if len(shares) < 2 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ArgumentError(f"shares={tuple(shares)}: two or more numbers above 0 that add up to 1")
    members: dict[int, set[tuple[Label, str]]] = {}
    for one, label, form in zip(groups, labels, forms, strict=True):
        members.setdefault(one, set()).add((label, form))
    kinds: dict[tuple[tuple[Label, str], ...], list[int]] = {}
    for one, found in members.items():
        kinds.setdefault(tuple(sorted(found)), []).append(one)
    chance = np.random.default_rng(seed)
    part_of: dict[int, int] = {}
    ends = np.cumsum(shares)
    for kind in sorted(kinds):
        drawn = chance.permutation(sorted(kinds[kind]))
        for i, one in enumerate(drawn):
            part_of[int(one)] = min(int(np.searchsorted(ends, (i + 0.5) / len(drawn))), len(shares) - 1)
    of = np.asarray([part_of[one] for one in groups])
    parts = [np.flatnonzero(of == number) for number in range(len(shares))]
    classes = set(labels)
    for number, rows in enumerate(parts):
        lacking = sorted(classes - {labels[int(i)] for i in rows})
        if lacking:
            raise ArgumentError(
                f"{len(part_of)} {what} are too few for {len(shares)} parts: part {number} has no {lacking[0]!r}. Give"
                " more, or fewer parts"
            )
    return parts
