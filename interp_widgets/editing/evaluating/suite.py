"""A regression suite: what an edited model must answer, in a file that a person keeps and runs in CI.

    suite = iw.editing.EditSuite.from_edit(lm, edit)
    suite.save("canberra.json")

    python -m interp_widgets.editing verify canberra.json --edit canberra.safetensors --junit canberra.xml

The file is JSON, meant to be read and changed by hand: the facts with their paraphrases, neighbours and ripple, facts
that must be kept, and for each of these parts the smallest share that must hold.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interp_widgets.editing.edit import Edit
from interp_widgets.editing.evaluating.country_facts import Question
from interp_widgets.editing.evaluating.evaluation import questions_of
from interp_widgets.editing.evaluating.evaluation_result import PARTS
from interp_widgets.editing.evaluating.fluency import perplexity_of
from interp_widgets.editing.evaluating.preservation import PreservationSuite, preservation_suite
from interp_widgets.editing.evaluating.verification import Case, Verification
from interp_widgets.editing.fact import Fact
from interp_widgets.errors import ArgumentError, FileFormatError
from interp_widgets.models.answers import score_answers
from interp_widgets.storage import atomic_file

if TYPE_CHECKING:
    from interp_widgets.interventions.base import Intervention
    from interp_widgets.models.language_model import LanguageModel

KIND, VERSION = "edit suite", 1
KEPT = "preservation"
ALL_PARTS = (*PARTS, KEPT)
SLACK = 0.03  # of a share, what may be lost from what the edit reached; the facts themselves may lose nothing
ROOM = 1.05  # of the perplexity
PRESERVED = 100  # facts of the preservation suite that go into the file


@dataclass(frozen=True)
class EditSuite:
    """facts: what is asked, with all prompts; kept: facts that must stay, each with wrong answers of the same type
    at_least: part -> the smallest share of its prompts that must hold; a part that is not named is only reported
    perplexity: the largest one of the package's neutral texts, or None
    model: the name of the one that it was made with

    Raises ArgumentError.
    """

    facts: tuple[Fact, ...]
    kept: tuple[Question, ...]
    at_least: dict[str, float]
    perplexity: float | None = None
    model: str = ""

    def __post_init__(self) -> None:
        if not self.facts:
            raise ArgumentError("facts is empty; a suite asks about one at least")
        for part, share in self.at_least.items():
            if part not in ALL_PARTS or not 0 <= share <= 1:
                raise ArgumentError(f"at_least has {part}={share!r}; parts are {', '.join(ALL_PARTS)}, shares 0 to 1")
        if self.perplexity is not None and not 1 <= self.perplexity < math.inf:
            raise ArgumentError(f"perplexity={self.perplexity!r}: a finite number of at least 1, or None")

    @classmethod
    def from_edit(
        cls,
        lm: LanguageModel,
        edit: Intervention,
        records: Sequence[Fact] | None = None,
        *,
        preservation: PreservationSuite | int = PRESERVED,
        cancel: threading.Event | None = None,
    ) -> EditSuite:
        """A suite of what an edit reaches now, beside whatever else is active: each part may lose 3 points of it, the
        facts themselves nothing, and the perplexity may rise by 5 %.

        records: by default the edit's own facts; preservation: a suite, or how many facts of the model's own one go in,
        0 for none

        Raises ArgumentError: no facts; and what `iw.editing.preservation_suite` raises.
        """
        facts = tuple(records) if records is not None else edit.facts if isinstance(edit, Edit) else ()
        if isinstance(preservation, int):
            kept = preservation_suite(lm, size=preservation, cancel=cancel).questions if preservation else ()
        else:
            kept = preservation.questions
        open_suite = cls(facts, kept, {}, None, lm.name)
        with lm.using(*([] if edit in lm.ledger.active else [edit])):
            found = open_suite.verify(lm, cancel=cancel)
            perplexity = perplexity_of(lm, cancel=cancel)
        shares = {
            part: max(math.floor(100 * (share - (0 if part == "fact" else SLACK)) + 1e-9) / 100, 0.0)
            for part, share in found.shares.items()
        }
        return cls(facts, kept, shares, round(ROOM * perplexity, 2), lm.name)

    def verify(self, lm: LanguageModel, *, cancel: threading.Event | None = None) -> Verification:
        """Ask the model, with all that is active on it now.

        An answer holds if it is above the other one, by log-probability a token; where there is no other one, if it is
        the first choice token by token. Raises TargetError, NonFiniteError, Cancelled.
        """
        asked = list(self._asked())
        found = score_answers(lm, [(prompt, one) for _, _, prompt, *answers in asked for one in answers], cancel=cancel)
        cases, at = [], 0
        for part, subject, prompt, *answers in asked:
            means, first = found.mean[at : at + len(answers)], bool(found.first[at])
            at += len(answers)
            rival = answers[1 + int(means[1:].argmax())] if len(answers) > 1 else ""
            lead = float(means[0] - means[1:].max()) if rival else math.nan
            cases.append(Case(part, subject, prompt, answers[0], rival, lead > 0 if rival else first, lead))
        perplexity = None if self.perplexity is None else perplexity_of(lm, cancel=cancel)
        return Verification(tuple(cases), dict(self.at_least), perplexity, self.perplexity, lm.name)

    def _asked(self) -> Iterator[tuple[str, ...]]:
        """(part, subject, prompt, answer that must lead, others)"""
        for fact in self.facts:
            for part, prompt, wanted, other in questions_of(fact):
                yield (part, fact.subject, prompt, wanted, *([other] if other else []))
        for one in self.kept:
            yield KEPT, one.kind, one.prompt, one.answer, *one.wrong

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as JSON, whole or not at all; returns the path. Raises DiskFullError."""
        document = {
            "interp_widgets": KIND,
            "version": VERSION,
            "model": self.model,
            "at_least": self.at_least,
            "perplexity_at_most": self.perplexity,
            "facts": [asdict(fact) for fact in self.facts],
            "preservation": [asdict(one) for one in self.kept],
        }
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EditSuite:
        """Read what `save` wrote, or a person changed. Raises FileNotFoundError, FileFormatError that says where."""
        where = os.fspath(path)
        try:
            document = json.loads(Path(path).read_text("utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise FileFormatError(f"{where} is no JSON: {error}") from error
        if not isinstance(document, Mapping) or document.get("interp_widgets") != KIND:
            raise FileFormatError(f'{where} is no edit suite: it has no "interp_widgets": "{KIND}"')
        if not isinstance(document.get("version"), int) or document["version"] > VERSION:
            raise FileFormatError(
                f"{where} has version {document.get('version')!r}; this Interp Widgets reads up to {VERSION}"
            )
        facts = [_read(where, "facts", i, _fact, one) for i, one in enumerate(_listed(where, document, "facts"))]
        kept = [_read(where, KEPT, i, _question, one) for i, one in enumerate(_listed(where, document, KEPT))]
        try:
            return cls(
                tuple(facts),
                tuple(kept),
                {str(part): float(share) for part, share in document.get("at_least", {}).items()},
                None if document.get("perplexity_at_most") is None else float(document["perplexity_at_most"]),
                str(document.get("model", "")),
            )
        except (ArgumentError, TypeError, ValueError, AttributeError) as error:
            raise FileFormatError(f"{where}: {error}") from error


def _listed(where: str, document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name, [])
    if not isinstance(found, list):
        raise FileFormatError(f"{where}: {name!r} is not a list")
    return found


def _read(where: str, name: str, i: int, make: Any, one: Any) -> Any:
    try:
        return make(one)
    except (ArgumentError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(f"{where}: {name}[{i}] cannot be read: {error}") from error


def _fact(document: Any) -> Fact:
    if not isinstance(document, Mapping):
        raise ArgumentError(f"{document!r} is no fact")
    return Fact.from_json(document)


def _question(document: Any) -> Question:
    names = {"kind", "prompt", "answer", "wrong"}
    if not isinstance(document, Mapping) or set(document) != names:
        raise ArgumentError(f"{document!r} needs just these fields: {', '.join(sorted(names))}")
    wrong = document["wrong"]
    texts = [document[name] for name in ("kind", "prompt", "answer")]
    if not isinstance(wrong, list) or not wrong or not all(isinstance(one, str) and one for one in [*texts, *wrong]):
        raise ArgumentError("each field is a text, and 'wrong' a list of one text at least")
    return Question(texts[0], texts[1], texts[2], tuple(wrong))
