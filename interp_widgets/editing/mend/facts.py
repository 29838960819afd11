"""Facts to train an editor on, made by the package: relations and answers of its own, subjects partly invented.

None of them needs to be true.  An editor learns from them how a change of one answer is made, and prompts of the same
relation about other subjects show it what has to stay.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from interp_widgets.editing.evaluating.places import places
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError
from interp_widgets.packed import packed_text

_PARAPHRASES = 2


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(packed_text("editing/mend/relations.json"))
    return found


@cache
def _subjects(kind: str) -> tuple[str, ...]:
    table = _table()
    if kind == "people":
        return tuple(f"{first} {last}" for first in table["first names"] for last in table["last names"])
    if kind in ("countries", "landmarks"):
        return tuple(one.name for one in getattr(places(), kind))
    return tuple(table[kind])


def training_facts(count: int = 1000, *, seed: int = 0) -> tuple[Fact, ...]:
    """So many different facts, relations in turn, each with two other wordings and no neighbours of its own.

    Raises ArgumentError: fewer than one, or more than the table has questions for.
    """
    relations = _table()["relations"]
    most = sum(len(_subjects(one["subjects"])) * len(one["templates"]) for one in relations)
    if not 1 <= count <= most // 4:
        raise ArgumentError(f"count={count}: from 1 to {most // 4}")
    draw = np.random.default_rng(seed)
    found: dict[str, Fact] = {}
    turn = 0
    while len(found) < count:
        relation = relations[turn % len(relations)]
        turn += 1
        subjects, answers = _subjects(relation["subjects"]), relation["answers"]
        subject = subjects[int(draw.integers(len(subjects)))]
        templates = [relation["templates"][i] for i in draw.permutation(len(relation["templates"]))]
        prompts = [_asked(template, subject) for template in templates]
        template, name = prompts[0]
        if template.replace("{}", name) not in found:
            found[template.replace("{}", name)] = Fact(
                template,
                subject=name,
                target=" " + answers[int(draw.integers(len(answers)))],
                paraphrases=tuple(one.replace("{}", other) for one, other in prompts[1 : 1 + _PARAPHRASES]),
            )
    return tuple(found.values())


def _asked(template: str, subject: str) -> tuple[str, str]:
    """The template, and the subject as it stands there: "the iPad" inside a sentence, "The iPad" at its start."""
    return template, subject[0].upper() + subject[1:] if template.startswith("{}") else subject
