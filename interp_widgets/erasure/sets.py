"""The labelled sentences that come with the package, of our own writing: templates, words to fill them, and two forms
of what carries the label.  Nobody in them is a real person.

Every sentence stands there once for each class, equal but for those forms, so all sets are balanced, and what tells the
classes apart is the label alone.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import numpy as np

from interp_widgets.erasure.texts import LabelledTexts
from interp_widgets.errors import ArgumentError, not_one_of
from interp_widgets.packed import packed_names, packed_text

EACH = 24  # variants of a template
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=\|?(?!us)[aeiouAEIOU])")  # "a useful", "an old"


def labelled_sets() -> tuple[str, ...]:
    """Names of the sets: grammatical_gender, name_gender, sentiment, tense."""
    return packed_names("erasure/sets")


def labelled_set(name: str, *, each: int = EACH, seed: int = 0) -> LabelledTexts:
    """One of them by name: the same sentences for the same seed, everywhere.

    each: variants of a template, each once for every class; a template with fewer gives those that it has

    The label is carried by all tokens from the first differing word to the end. Raises ArgumentError.
    """
    if name not in labelled_sets():
        raise not_one_of("name", name, labelled_sets())
    if each < 1:
        raise ArgumentError(f"each={each}: at least one variant of each template")
    document = _document(name)
    rows = [
        (text, label, start, number, form)
        for number, template in enumerate(document["templates"])
        for form in [next(slot for slot in _SLOT.findall(template) if slot in document["forms"]).lower()]
        for text, label, start in _expanded(document, template, each, [seed, number])
    ]
    texts, labels, starts, templates, forms = zip(*rows, strict=True)
    spans = tuple((start, len(text)) for text, start in zip(texts, starts, strict=True))
    return LabelledTexts(name, texts, labels, spans, templates, forms)


def question_of(name: str) -> str:
    """What a label answers: "Is the person spoken of as she or as he?"."""
    return str(_document(name)["question"])


@cache
def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(packed_text(f"erasure/sets/{name}.json"))
    return document


def _expanded(document: dict[str, Any], template: str, each: int, seed: list[int]) -> list[tuple[str, str, int]]:
    """(text, label, where its labelled part begins) of the variants of one template."""
    forms, fillers = document["forms"], document["fillers"]
    slots = list(dict.fromkeys(_SLOT.findall(template)))
    sizes = [len(forms[slot] if slot in forms else fillers[slot]) for slot in slots]
    total = int(np.prod(sizes))
    drawn = np.random.default_rng(seed).choice(total, min(each, total), replace=False)
    found = []
    for number in drawn:
        picked = dict(zip(slots, np.unravel_index(int(number), sizes), strict=True))
        for c, label in enumerate(document["classes"]):
            marked = template
            for slot, i in picked.items():
                word = forms[slot][int(i)][c] if slot in forms else fillers[slot][int(i)]
                marked = marked.replace(f"{{{slot}}}", word)
            marked = _ARTICLE.sub(r"\1n ", marked[0].upper() + marked[1:])
            found.append((marked.replace("|", ""), str(label), marked.index("|")))
    return found
