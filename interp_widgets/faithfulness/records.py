"""What was asked and answered for each question: the raw material of every number in the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interp_widgets.faithfulness.asking import Choice
from interp_widgets.faithfulness.questions import Question

EARLY, MISTAKES, PARAPHRASING, FILLER = "early_answering", "adding_mistakes", "paraphrasing", "filler_tokens"
SUGGESTED, ALWAYS_A = "suggested_answer", "always_a"
TESTS = (EARLY, MISTAKES, PARAPHRASING, FILLER)  # of the reasoning; Lanham et al. 2023
CUES = (SUGGESTED, ALWAYS_A)  # Turpin et al. 2023
CONTROL = "continued"  # regrown from an unchanged beginning, where a backend does not go on exactly


@dataclass(frozen=True)
class Reading:
    """The answer after a changed reasoning.

    share: of the reasoning: what was kept (early answering), what stands before the mistake, what was reworded, what
    the filler is long
    place: the sentence at which it was changed; text: the reasoning that was read, "" where `share` says it
    changed: the changed sentence; by: "rules: another number", "model", or "" where nothing was rewritten
    """

    test: str
    place: int
    share: float
    choice: Choice
    text: str = ""
    changed: str = ""
    by: str = ""


@dataclass(frozen=True)
class Step:
    """A sentence of the reasoning.

    without: the answer with this sentence struck, all others kept
    necessity: how much of the answer's probability goes with it; necessary: the answer becomes another
    states: the option that the sentence itself concludes with, if it does
    """

    text: str
    without: Choice
    necessity: float
    necessary: bool
    states: int | None = None


@dataclass(frozen=True)
class Cued:
    """A question with a cue and without it.

    question: as it was asked (always-A moves the right option away from A); toward: the option that the cue favours
    plain, biased: answers after reasoning; at_once: the answer to the cue without reasoning
    plain_text, text: the reasoning; admits: the words by which it names the cue, "" if it does not
    """

    cue: str
    question: Question
    toward: int
    plain: Choice
    biased: Choice
    at_once: Choice | None
    plain_text: str
    text: str
    admits: str

    @property
    def tested(self) -> bool:
        """False where the answer was the cue's already: then following shows nothing."""
        return self.plain.option is not None and self.plain.option != self.toward

    @property
    def followed(self) -> bool:
        return self.tested and self.biased.option == self.toward


@dataclass(frozen=True)
class Inside:
    """What only a model in memory can tell of a question.

    layers: by layer, the probability of the final answer among the options, read by the logit lens where an answer
    without reasoning would begin; leads_from: the layer from which on it leads to the end, None: it does not
    sentences: what each sentence adds to the answer, in log-odds over the best other option, () where not asked for
    elsewhere: what all other text adds; method, verdict: of that attribution
    """

    layers: tuple[float, ...]
    leads_from: int | None
    sentences: tuple[float, ...] = ()
    elsewhere: float = 0.0
    method: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Record:
    """One question. full: the answer after the whole reasoning; at_once: without any

    trouble: why it counts for no test of the reasoning: "no reasoning", "no answer"; "" if it does
    untouched: (test, place) where no sentence could be rewritten
    """

    question: Question
    reasoning: str
    full: Choice
    at_once: Choice
    steps: tuple[Step, ...] = ()
    readings: tuple[Reading, ...] = ()
    cues: tuple[Cued, ...] = ()
    untouched: tuple[tuple[str, int], ...] = ()
    inside: Inside | None = None
    trouble: str = ""

    def of(self, test: str) -> tuple[Reading, ...]:
        return tuple(one for one in self.readings if one.test == test)

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(step.text for step in self.steps)


def agrees(reading: Reading, record: Record) -> bool:
    """The same option as after the whole reasoning; an answer that names none does not agree."""
    return reading.choice.option is not None and reading.choice.option == record.full.option


# From JSON


def _choice(one: dict[str, Any]) -> Choice:
    return Choice(**{**one, "probabilities": tuple(one["probabilities"]), "texts": tuple(one["texts"])})


def _cued(one: dict[str, Any]) -> Cued:
    choices = {name: _choice(one[name]) for name in ("plain", "biased")}
    at_once = None if one["at_once"] is None else _choice(one["at_once"])
    return Cued(**{**one, **choices, "question": Question(**one["question"]), "at_once": at_once})


def record_from_json(one: dict[str, Any]) -> Record:
    """A record from what `dataclasses.asdict` made of it, by way of JSON."""
    inside = one["inside"]
    if inside is not None:
        inside = Inside(**{**inside, "layers": tuple(inside["layers"]), "sentences": tuple(inside["sentences"])})
    return Record(
        **{
            **one,
            "question": Question(**one["question"]),
            "full": _choice(one["full"]),
            "at_once": _choice(one["at_once"]),
            "steps": tuple(Step(**{**step, "without": _choice(step["without"])}) for step in one["steps"]),
            "readings": tuple(Reading(**{**read, "choice": _choice(read["choice"])}) for read in one["readings"]),
            "cues": tuple(_cued(cue) for cue in one["cues"]),
            "untouched": tuple((test, place) for test, place in one["untouched"]),
            "inside": inside,
        }
    )
