"""The picture of a faithfulness result as data; the shape is `FaithfulnessPayload` in
labextension/src/views/faithfulness/payload.ts.

1. Each question that travels has its sentences, and every answer that was asked for after a changed reasoning: cut
   after a sentence, without a sentence, and what was tried by hand. The view looks up what a person does among them.
2. At most `MOST` sentences travel; `rest` says how many questions were left out. Those with necessary sentences come
   first then.
3. Tables and remarks are those of the text form, so that card, table and text agree.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.faithfulness.areas import Interval
from interp_widgets.faithfulness.asking import Choice
from interp_widgets.faithfulness.by_hand import tried_of
from interp_widgets.faithfulness.questions import LETTERS, question_set, question_sets
from interp_widgets.faithfulness.records import CONTROL, CUES, EARLY, FILLER, MISTAKES, PARAPHRASING, TESTS
from interp_widgets.faithfulness.text import interval, provenance, remarks, tables
from interp_widgets.results.numbers import count, probability, signed
from interp_widgets.results.provenance import call
from interp_widgets.results.text import visible

if TYPE_CHECKING:
    from interp_widgets.faithfulness.records import Cued, Record, Step
    from interp_widgets.faithfulness.result import FaithfulnessResult

MIME_TYPE = "application/vnd.interp.faithfulness.v1+json"
QUESTION = "Does the answer follow from the reasoning?"
MOST = 500  # sentences
NAMES = {
    EARLY: "early answering",
    MISTAKES: "adding mistakes",
    PARAPHRASING: "paraphrasing",
    FILLER: "filler tokens",
    CONTROL: "continued unchanged",
}
CUE_NAMES = {CUES[0]: "a suggested answer", CUES[1]: "worked questions all answered A"}
TROUBLES = {
    "no reasoning": "Not tested: the model wrote no reasoning.",
    "no answer": "Not tested: no answer could be read after the reasoning.",
}
Payload = dict[str, Any]


def faithfulness_payload(result: FaithfulnessResult) -> Payload:
    """JSON values only."""
    chosen = travelling(result.records)
    struck = bool(result.settings.get("strike", True))
    return {
        "version": 1,
        "title": [{"text": QUESTION}],
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "boxes": [],
        "model": visible(result.backend),
        "questions": [_question(number, result.records[number], struck) for number in chosen],
        "start": _start(result, chosen),
        "rest": _rest(len(result.records), len(chosen)),
        "curves": _curves(result),
        "areas": _areas(result),
        "cues": _cues(result),
        "failures": _failures(result),
        "tables": [
            {"heading": heading, "head": list(head), "rows": [list(row) for row in rows]}
            for heading, (head, rows) in tables(result)
        ],
        "remarks": remarks(result),
        "provenance": provenance(result).split(" \u00b7 "),
        "code": _code(result),
    }


# Questions


def travelling(records: tuple[Record, ...]) -> list[int]:
    """Numbers of the questions that travel, in their order."""
    order = list(range(len(records)))
    if sum(len(one.steps) for one in records) > MOST:
        order.sort(key=lambda i: -sum(step.necessary for step in records[i].steps))
    found: list[int] = []
    total = 0
    for i in order:
        total += len(records[i].steps)
        if total > MOST and found:
            break
        found.append(i)
    return sorted(found)


def _start(result: FaithfulnessResult, chosen: list[int]) -> int:
    """The place in the list of the first question whose reasoning decides something, or else that has any."""
    found = [result.records[number].steps for number in chosen]
    deciding = [place for place, steps in enumerate(found) if any(step.necessary for step in steps)]
    return next(iter([*deciding, *(place for place, steps in enumerate(found) if steps)]), 0)


def _rest(n: int, drawn: int) -> str | None:
    if drawn == n:
        return None
    return (
        f"{drawn} of {count(n, 'question')} are here, those with necessary sentences first; `result.records` has all."
    )


def _question(number: int, record: Record, struck: bool) -> Payload:
    question = record.question
    early = {one.place: one.choice for one in record.of(EARLY)}
    n = len(record.steps)
    necessary = sum(step.necessary for step in record.steps)
    return {
        "number": number,
        "name": f"{number} \u00b7 {_short(question.question)}",
        "told": _told(n, necessary if struck else None),
        "topic": visible(question.topic),
        "question": visible(question.question),
        "options": [
            {"letter": letter, "text": visible(text), "right": i == question.answer}
            for i, (letter, text) in enumerate(zip(question.letters, question.options, strict=True))
        ],
        "trouble": TROUBLES.get(record.trouble, record.trouble),
        "at_once": choice_of(record.at_once),
        "sentences": [_sentence(record, i, step, struck) for i, step in enumerate(record.steps)],
        # After the first i sentences; the last is the whole reasoning.
        "cuts": [*(choice_of(early[i]) if i in early else None for i in range(n)), choice_of(record.full)],
        "tried": [
            {
                "kept": change.kept,
                "struck": list(change.struck),
                "rewritten": [[i, text] for i, text in change.rewritten],
                "choice": choice_of(choice),
            }
            for change, choice in tried_of(record)
        ],
        "changes": [
            {"test": NAMES[one.test], "place": one.place, "text": visible(one.changed), "choice": choice_of(one.choice)}
            for one in record.readings
            if one.changed and one.test in (MISTAKES, PARAPHRASING)
        ],
        "cues": [_cue_of(cue) for cue in record.cues],
    }


def choice_of(choice: Choice) -> Payload:
    """A distribution over the options: numbers as they are written."""
    return {
        "labels": [probability(p) for p in choice.probabilities],
        "option": choice.option,
        "none": probability(choice.unparsed) if choice.unparsed else None,
        "samples": choice.samples,
    }


def _told(n: int, necessary: int | None) -> str:
    if not n:
        return "no reasoning"
    return count(n, "sentence") if necessary is None else f"{necessary} of {count(n, 'sentence')} necessary"


def _sentence(record: Record, i: int, step: Step, struck: bool) -> Payload:
    """struck: whether its necessity was measured."""
    added = record.inside.sentences if record.inside is not None else ()
    return {
        "text": visible(step.text.strip()),
        "necessity": round(step.necessity, 4) if struck else None,
        "label": signed(step.necessity, 1.0) if struck else "",
        "necessary": struck and step.necessary,
        "states": None if step.states is None else LETTERS[step.states],
        "without": choice_of(step.without) if struck else None,
        "added": signed(added[i]) if i < len(added) else None,
    }


def _cue_of(cue: Cued) -> Payload:
    def letter(option: int | None) -> str:
        return "none" if option is None else cue.question.letters[option]

    became = "followed" if cue.followed else "not followed" if cue.tested else "answered so already"
    return {
        "name": CUE_NAMES[cue.cue],
        "toward": letter(cue.toward),
        "before": letter(cue.plain.option),
        "after": letter(cue.biased.option),
        "word": became,
        "admits": visible(cue.admits) if cue.admits else None,
    }


def _short(text: str, most: int = 60) -> str:
    one = visible(" ".join(text.split()))
    return one if len(one) <= most else f"{one[: most - 1].rstrip()}\u2026"


# Over all questions


def _curves(result: FaithfulnessResult) -> list[Payload]:
    found = []
    for test, curve in result.curves.items():
        points = [
            {
                "share": round(float(share), 4),
                "value": round(float(row[0]), 4),
                "low": round(float(row[1]), 4),
                "high": round(float(row[2]), 4),
                "label": _spoken((float(row[0]), float(row[1]), float(row[2]))),
            }
            for share, row in zip(curve.share, curve.agreement, strict=True)
            if np.isfinite(row).all()
        ]
        found.append({"test": test, "name": NAMES[test], "questions": curve.questions, "points": points})
    return found


def _spoken(one: Interval) -> str:
    """Such as "0.90, 95 %: 0.80 to 1.00"."""
    value, span = interval(one)
    return f"{value}, 95 %: {span}" if span else value


def _areas(result: FaithfulnessResult) -> list[Payload]:
    return [
        {
            "test": test,
            "name": NAMES[test],
            "value": _bar(result.aoc[test]),
            "label": _spoken(result.aoc[test]),
        }
        for test in TESTS
        if test in result.aoc
    ]


def _bar(one: Interval) -> list[float] | None:
    """Value, low and high; None where nothing was measured."""
    return None if math.isnan(one[0]) else [round(x, 4) for x in one]


def _cues(result: FaithfulnessResult) -> list[Payload]:
    found = []
    for one in result.cues.values():
        went = one.admitted + one.silent
        found.append(
            {
                "name": CUE_NAMES[one.cue],
                "followed": _bar(one.followed),
                "followed_label": f"{went} of {one.tested}",
                "followed_span": interval(one.followed)[1],
                "admitted": one.admitted / went if went else None,
                "admitted_label": f"{one.admitted} of {went}",
                "drop": interval(one.drop, points=True)[0],
                "drop_span": interval(one.drop, points=True)[1],
            }
        )
    return found


def _failures(result: FaithfulnessResult) -> Payload:
    failed = {name: n for name, n in result.parse_failures.items() if n and name != "reasoning"}
    answers = sum(result.answers.values())
    n = sum(failed.values())
    told = ", ".join(f"{name.replace('_', ' ')} {k}" for name, k in failed.items())
    return {
        "some": n > 0 or bool(result.untested),
        "answers": f"{n} of {count(answers, 'answer')} name no option{f': {told}' if told else ''}.",
        "untested": [
            f"Question {number} counts for no test of the reasoning: {why}." for number, why in result.untested
        ],
    }


def _code(result: FaithfulnessResult) -> str:
    how = result.settings
    asked = tuple(one.question for one in result.records)
    named = next((name for name in ("all", *question_sets()) if question_set(name)[: len(asked)] == asked), None)
    told: list[str] = []
    if named is None:
        told.append(f"# questions: the {len(asked)} that were asked\n")
        what = "questions"
    elif len(question_set(named)) == len(asked):
        what = repr(named)
    else:
        what = f"iw.faithfulness.question_set({named!r})[:{len(asked)}]"
    defaults = {"strike": True, "places": 3, "writer": "rules", "max_tokens": 120, "temperature": 0.0}
    given = [what]
    if result.tests != TESTS:
        given.append(f"tests={list(result.tests)!r}")
    given += [f"{name}={how[name]!r}" for name, value in defaults.items() if how.get(name, value) != value]
    source = result.provenance
    if source.fingerprint:
        return call(source, "iw.cot_faithfulness", given, told)
    given += [f"seed={source.seed!r}"] if source.seed else []
    return (
        f"{''.join(told)}# backend: iw.faithfulness.ServerBackend of {source.model}\n"
        f"iw.cot_faithfulness(backend, {', '.join(given)})"
    )
