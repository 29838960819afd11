"""A fact: what a prompt about a subject should be answered with, and prompts by which an edit of it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

from interp_widgets.errors import ArgumentError


@dataclass(frozen=True)
class Fact:
    """An answer that the model should give, in place of the one that it gives.

    template: a prompt with {} where the subject stands, which ends right before the answer: "The capital of {} is"
    subject: what the fact is about
    target: the new answer, with its leading space: " Canberra"
    original: the answer that is replaced, with its leading space; "" if it does not matter
    paraphrases: other prompts that should get the new answer too
    neighbours: prompts whose answer should stay: a prompt whose answer is `original`, or a pair (prompt, answer)
    ripple: prompts whose answer follows from the new one: (prompt, answer), or (prompt, answer, what followed from
        `original`)

    Raises ArgumentError.
    """

    template: str
    _: KW_ONLY
    subject: str
    target: str
    original: str = ""
    paraphrases: Sequence[str] = ()
    neighbours: Sequence[str | tuple[str, str]] = ()
    ripple: Sequence[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in ("template", "subject", "target"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise ArgumentError(f"{name}={text!r}: a text of at least one letter")
        if self.template.count("{}") != 1:
            raise ArgumentError(
                f"template={self.template!r} has {self.template.count('{}')} places for the subject; write {{}} once,"
                " as in 'The capital of {} is'"
            )
        if self.subject != self.subject.strip():
            raise ArgumentError(f"subject={self.subject!r}: leave out the spaces around it; the template has them")
        if self.target == self.original:
            raise ArgumentError(f"target={self.target!r} is the original answer; there is nothing to change")
        for name in ("paraphrases", "neighbours", "ripple"):
            listed = getattr(self, name)
            if isinstance(listed, str):
                raise ArgumentError(f"{name}={listed!r} is one string; give a list: {name}=[{listed!r}]")
            kept = tuple(one if isinstance(one, str) else tuple(one) for one in listed)
            object.__setattr__(self, name, kept)  # the class is frozen, and its lists with it
        if not all(answer for _, answer in self.neighbour_answers()):
            raise ArgumentError(
                "neighbours: a prompt alone is answered by `original`; name it, or give (prompt, answer)"
            )
        for one in self.ripple:
            if isinstance(one, str) or len(one) not in (2, 3) or not all(isinstance(x, str) and x for x in one):
                raise ArgumentError(
                    f"ripple has {one!r}; give (prompt, answer), or (prompt, answer, what followed from the original)"
                )
            if len(one) == 3 and one[1] == one[2]:
                raise ArgumentError(f"ripple has {one!r}, whose answer does not change; that is a neighbour")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Fact:
        """From a CounterFact record (Meng et al. 2022): its answers come without a leading space, which is added.

        Raises ArgumentError for a record that lacks a field.
        """
        try:
            return cls(
                record["template"],
                subject=record["subject"],
                target=" " + record["target_new"].strip(),
                original=" " + record["target_true"].strip(),
                paraphrases=tuple(record["paraphrases"]),
                neighbours=tuple(record["neighbourhood"]),
            )
        except KeyError as error:
            raise ArgumentError(
                f"record has no field {error}; CounterFact records have template, subject, ..."
            ) from None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fact:
        """From its fields as JSON values, as `dataclasses.asdict` gives them. Raises ArgumentError."""
        names = {field.name for field in fields(cls)}
        unknown = sorted(set(document) - names)
        missing = sorted({"template", "subject", "target"} - set(document))
        if unknown or missing:
            told = f"has no {missing[0]!r}" if missing else f"has a field {unknown[0]!r}"
            raise ArgumentError(f"a fact {told}; its fields are {', '.join(sorted(names))}")
        return cls(document["template"], **{name: document[name] for name in document if name != "template"})

    @property
    def prompt(self) -> str:
        return self.template.replace("{}", self.subject)

    @property
    def subject_span(self) -> tuple[int, int]:
        """The characters of `prompt` that the subject takes: start and end."""
        start = self.template.index("{}")
        return start, start + len(self.subject)

    def neighbour_answers(self) -> tuple[tuple[str, str], ...]:
        """Each neighbour with the answer that should stay."""
        return tuple((one, self.original) if isinstance(one, str) else one for one in self.neighbours)

    def ripple_answers(self) -> tuple[tuple[str, str, str], ...]:
        """(prompt, answer that follows from `target`, the one that followed from `original` or ""), each."""
        return tuple((one[0], one[1], one[2] if len(one) == 3 else "") for one in self.ripple)
