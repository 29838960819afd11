"""`LabelledTexts`: sentences in which some tokens carry a label; parts of them share no sentence, no template.

A probe is only as honest as its split.  Sentences of one template are near copies: a part holds whole templates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interp_widgets.erasure.labels import Integers, Label, as_labels, classes_of
from interp_widgets.erasure.splits import PARTS, split_groups
from interp_widgets.errors import ArgumentError

LAST = "last"


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """n texts.

    name: of the concept; texts, labels: (n,)
    spans: (n,) of (start, end), characters; the tokens that lie in it at least in part carry the label
    templates: (n,), a number for each; texts of one number are kept together when they are split
    forms: (n,), how the label shows (she or her, say): every part gets a like share of each; "" where that is all one
    """

    name: str
    texts: tuple[str, ...]
    labels: tuple[Label, ...]
    spans: tuple[tuple[int, int], ...]
    templates: tuple[int, ...]
    forms: tuple[str, ...]

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        labels: Sequence[Label],
        *,
        name: str = "concept",
        spans: Sequence[tuple[int, int]] | str = LAST,
        templates: Sequence[int] | None = None,
    ) -> LabelledTexts:
        """From lists of the same length.

        spans: (start, end) of the characters that carry the label, or "last": the last character's token, or "all"
        templates: which texts are variants of one another, by number; by default each stands alone

        Raises ArgumentError (unequal lengths, one class, an empty text, a span outside its text).
        """
        if isinstance(texts, str):
            raise ArgumentError("texts is one string; give a list of texts")
        n = len(texts)
        if not n:
            raise ArgumentError("texts is empty; give texts of two classes or more")
        wrong = next((i for i, text in enumerate(texts) if not isinstance(text, str) or not text.strip()), None)
        if wrong is not None:
            raise ArgumentError(f"texts[{wrong}] is {texts[wrong]!r}; each must be a text with a word in it")
        values = as_labels(labels, n)
        classes_of(values)
        if isinstance(spans, str):
            if spans not in (LAST, "all"):
                raise ArgumentError(f"spans={spans!r}: 'last', 'all', or (start, end) for each text")
            known = tuple((len(text) - 1 if spans == LAST else 0, len(text)) for text in texts)
        else:
            known = tuple((int(start), int(end)) for start, end in spans)
            if len(known) != n:
                raise ArgumentError(f"spans has {len(known)} entries for {n} texts")
        for i, ((start, end), text) in enumerate(zip(known, texts, strict=True)):
            if not 0 <= start < end <= len(text):
                raise ArgumentError(f"spans[{i}]={(start, end)}: within text {i}, which has {len(text)} characters")
        if templates is not None and len(templates) != n:
            raise ArgumentError(f"templates has {len(templates)} entries for {n} texts")
        numbers = tuple(range(n)) if templates is None else tuple(int(one) for one in templates)
        return cls(name, tuple(texts), tuple(one.item() for one in values), known, numbers, ("",) * n)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def classes(self) -> tuple[Label, ...]:
        return tuple(sorted(set(self.labels)))

    def __repr__(self) -> str:
        count = len(set(self.templates))
        classes = ", ".join(map(str, self.classes))
        return f"<LabelledTexts {self.name!r}: {len(self)} texts of {count} templates, {classes}>"

    def subset(self, rows: Sequence[int] | Integers) -> LabelledTexts:
        """Some of the texts, by number."""
        chosen = [int(i) for i in rows]
        return LabelledTexts(
            self.name,
            tuple(self.texts[i] for i in chosen),
            tuple(self.labels[i] for i in chosen),
            tuple(self.spans[i] for i in chosen),
            tuple(self.templates[i] for i in chosen),
            tuple(self.forms[i] for i in chosen),
        )

    def and_(self, other: LabelledTexts) -> LabelledTexts:
        """These texts, then the others'."""
        return LabelledTexts(
            self.name,
            self.texts + other.texts,
            self.labels + other.labels,
            self.spans + other.spans,
            self.templates + other.templates,
            self.forms + other.forms,
        )

    def take(self, n: int, *, seed: int = 0) -> LabelledTexts:
        """At most n texts, drawn so that classes keep their shares; templates are drawn from at random."""
        chance = np.random.default_rng(seed)
        of = np.asarray([self.classes.index(label) for label in self.labels])
        order = chance.permutation(len(self))
        rank = np.empty(len(self))
        for c in range(len(self.classes)):
            own = order[of[order] == c]
            rank[own] = (np.arange(len(own)) + 0.5) / len(own)
        return self.subset(np.sort(np.argsort(rank, kind="stable")[:n]))

    def split(self, shares: Sequence[float] = PARTS, *, seed: int = 0) -> tuple[LabelledTexts, ...]:
        """Parts that share no text and no template, each with all classes in like shares.

        shares: of the templates in each part, adding up to 1; by default half for the eraser, a quarter to train a
        probe on, a quarter to test it on

        Raises ArgumentError: shares that are none, or too few templates for every part to get one of each class.
        """
        # Two templates may give the same sentence: they stay together, so that no part holds another's text.
        groups = _joined(self.texts, self.templates)
        return tuple(self.subset(rows) for rows in split_groups(groups, self.labels, self.forms, shares, seed))

    @property
    def hashes(self) -> NDArray[np.int64]:
        """(n,), of the texts: 64 bits of SHA-256."""
        return np.asarray([_hash(text) for text in self.texts], np.int64)

    @property
    def template_hashes(self) -> NDArray[np.int64]:
        """Of the templates, each once, as this name's: known in a part that was split off as well."""
        return np.asarray([_hash(f"{self.name}\0{one}") for one in sorted(set(self.templates))], np.int64)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)


def _joined(texts: Sequence[str], templates: Sequence[int]) -> list[int]:
    """For each text the number of its group: templates that share a text count as one."""
    leader: dict[int, int] = {one: one for one in templates}

    def find(one: int) -> int:
        while leader[one] != one:
            one = leader[one]
        return one

    seen: dict[str, int] = {}
    for text, one in zip(texts, templates, strict=True):
        other = seen.setdefault(text, one)
        a, b = sorted((find(one), find(other)))
        leader[b] = a
    return [find(one) for one in templates]
