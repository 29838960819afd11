"""The contrast sets that come with the package, of our own writing: each has pairs to fit and others to test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from interp_widgets.errors import not_one_of
from interp_widgets.models.prompts import Prompt
from interp_widgets.packed import packed_names, packed_text
from interp_widgets.steering.pairs import ContrastPairs


@dataclass(frozen=True, eq=False)
class PairSet:
    """fitting, held_out: pairs of other topics and words; question: what differs within a pair; neutral_prompts: open
    prompts whose continuations would show the trait."""

    name: str
    question: str
    fitting: ContrastPairs
    held_out: ContrastPairs
    neutral_prompts: tuple[Prompt, ...]


def pair_sets() -> tuple[str, ...]:
    """Names of the sets."""
    return packed_names("steering/sets")


@cache
def pair_set(name: str) -> PairSet:
    """One of them by name. Raises ArgumentError."""
    if name not in pair_sets():
        raise not_one_of("name", name, pair_sets())
    document = json.loads(packed_text(f"steering/sets/{name}.json"))
    poles = (document["positive"], document["negative"])

    def pairs(rows: list[dict[str, Any]]) -> ContrastPairs:
        return ContrastPairs(
            tuple(row["positive"] for row in rows), tuple(row["negative"] for row in rows), name=name, poles=poles
        )

    return PairSet(
        name=name,
        question=document["question"],
        fitting=pairs(document["fitting"]),
        held_out=pairs(document["held_out"]),
        neutral_prompts=tuple(document["neutral_prompts"]),
    )
