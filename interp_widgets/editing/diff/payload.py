"""The picture of an edit diff as data; the shape is `EditPayload` in labextension/src/views/edit/payload.ts.

1. The tokens of all continuations are one list of boxes; `samples` say which are whose. What differs is marked word by
   word.
2. A part of the evaluation is a group with one line that sums it up, and its rows, the worst first where not all are
   drawn; a single row needs no such line.
3. Numbers are written here, so that card, table and text agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_widgets.editing.diff.checks import Tally, outcomes, tallies
from interp_widgets.editing.diff.result import SIDES, EditDiff, FirstChoice, Sample, Spoken
from interp_widgets.editing.diff.verdict import percent
from interp_widgets.editing.fact import Fact
from interp_widgets.results.boxes import boxes
from interp_widgets.results.differences import word_differences
from interp_widgets.results.numbers import count, plain, probability
from interp_widgets.results.provenance import call, provenance_line
from interp_widgets.results.text import named, visible

if TYPE_CHECKING:
    from interp_widgets.editing.evaluating.evaluation_result import EditEvaluation

MIME_TYPE = "application/vnd.interp.edit.v1+json"
QUESTION = "What changed?"
FOLDED = ("neighbour",)  # parts that are one line until they are opened
FEW = 6  # rows that stand open
MARKS = {"ok": "\u25cf", "warn": "\u25b2", "bad": "\u25a0"}
Payload = dict[str, Any]


def diff_payload(result: EditDiff) -> Payload:
    """JSON values only."""
    drawn: list[dict[str, Any]] = []
    offset = 0
    samples = []
    for sample in result.samples:
        flags = word_differences(*([*side.tokens] for side in (sample.before, sample.after)))
        texts = []
        for name, spoken, differs in zip(SIDES, (sample.before, sample.after), flags, strict=True):
            start = len(drawn)
            drawn += _boxes(spoken, differs, offset)
            offset += len(spoken.tokens)
            texts.append({"name": name, "start": start, "end": len(drawn)})
        samples.append(_sample(result, sample, texts))
    return {
        "version": 1,
        "title": _title(result),
        "verdict": {
            "word": result.verdict.word,
            "sentence": result.verdict.sentence,
            "why": list(result.verdict.why),
        },
        "method": method_words(result.label, result.layers or tuple(result.settings.get("layers", ()))),
        "edit": visible(result.edit),
        "boxes": drawn,
        "samples": samples,
        "groups": [] if result.evaluation is None else _groups(result, result.evaluation),
        "changes": [
            {"name": one.where, "value": float(f"{one.size:.4g}"), "label": percent(one.size)} for one in result.changes
        ],
        "others": list(result.others),
        "whole": _whole(result),
        "provenance": provenance_line(result.provenance, _amount(result)),
        "code": _code(result),
    }  # fmt: skip


def method_words(label: str, layers: Sequence[int]) -> str:
    """Such as "ROME, layer 5", "MEMIT, layers 3 to 7"."""
    if not layers:
        return label
    if len(layers) == 1:
        return f"{label}, layer {layers[0]}"
    if list(layers) == list(range(layers[0], layers[-1] + 1)):
        return f"{label}, layers {layers[0]} to {layers[-1]}"
    return f"{label}, layers {', '.join(map(str, layers))}"


def _title(result: EditDiff) -> list[dict[str, Any]]:
    if len(result.facts) != 1:
        return [{"text": f"{QUESTION} {count(len(result.facts), 'fact')}"}]
    (fact,) = result.facts
    parts: list[dict[str, Any]] = [{"text": f"{QUESTION} {visible(fact.subject)}: "}]
    if fact.original:
        parts += [{"text": named(fact.original), "quote": True}, {"text": " \u2192 "}]
    return [*parts, {"text": named(fact.target), "quote": True}]


def _boxes(spoken: Spoken, differs: Sequence[bool], offset: int) -> list[dict[str, Any]]:
    spans = np.asarray(spoken.spans, np.int64).reshape(-1, 2)
    return [
        {
            "text": visible(box.text),
            "name": named(box.text),
            "tokens": [offset + i for i in box.tokens],
            "parts": list(box.parts),
            "probability": probability(math.prod(spoken.probabilities[i] for i in box.tokens)),
            "differs": any(differs[i] for i in box.tokens),
        }
        for box in boxes(spoken.text, spoken.tokens, spans, np.zeros(len(spoken.tokens)))
    ]


def prompt_words(prompt: Any) -> str:
    """A prompt in one text: of a chat the last message, of token ids their numbers."""
    if isinstance(prompt, str):
        return prompt
    if prompt and isinstance(prompt[0], dict):
        return f"{prompt[-1]['role']}: {prompt[-1]['content']}"
    return " ".join(map(str, prompt))


def _sample(result: EditDiff, sample: Sample, texts: list[dict[str, Any]]) -> dict[str, Any]:
    fact: Fact | None = None if sample.record is None else result.facts[sample.record]
    wanted = () if fact is None else tuple(text for text in (fact.target, fact.original) if text)
    return {
        "prompt": visible(prompt_words(sample.prompt)),
        "name": visible(fact.subject) if fact is not None else "another prompt",
        "texts": texts,
        "next": [
            {
                "name": named(one.text),
                "before": probability(one.before),
                "after": probability(one.after),
                # An answer of several tokens is told by its first.
                "role": _role(one.text, wanted),
            }
            for one in sample.next
        ],
    }


def _role(text: str, answers: Sequence[str]) -> str | None:
    """Whether a token is, or begins, the new answer or the original one; what begins both is neither."""
    begins = [bool(text.strip()) and answer.startswith(text) for answer in answers]
    if not begins or (all(begins) and len(begins) > 1):
        return None
    return "new" if begins[0] else "original" if len(begins) > 1 and begins[1] else None


def _groups(result: EditDiff, judged: EditEvaluation) -> list[dict[str, Any]]:
    told = outcomes(judged)
    choices = {one.row: one for one in result.firsts}
    groups = []
    for part, tally in tallies(judged).items():
        rows = [row for row in choices if judged.parts[row] == part]  # in the order in which they were chosen
        groups.append(
            {
                "key": part,
                "words": tally.words,
                "before": _stand(tally, tally.before),
                "after": _stand(tally, tally.after),
                "tone": tally.tone,
                "mark": MARKS[tally.tone],
                "word": _group_word(tally),
                "open": part not in FOLDED and len(rows) <= FEW,
                "rest": _rest(tally, len(rows)),
                "rows": [_row(judged, row, *told[row], choices[row]) for row in rows],
            }
        )
    return groups


def _stand(tally: Tally, n: int) -> str:
    verb = "right" if tally.part == "neighbour" else "ahead"
    return f"{n} of {tally.n} {verb}" if tally.n > 1 else verb if n else f"not {verb}"


def _group_word(tally: Tally) -> str:
    if tally.part == "neighbour":
        return f"{tally.lost} lost" if tally.lost else "none lost"
    if tally.after == tally.n:
        return "hold" if tally.first_after == tally.n else f"{tally.first_after} of {tally.n} first"
    return f"{tally.n - tally.after} not reached"


def _rest(tally: Tally, drawn: int) -> str | None:
    if drawn == tally.n:
        return None
    return f"{drawn} of {tally.words} are shown, the worst first; to_frame() holds all."


def _row(judged: EditEvaluation, row: int, tone: str, word: str, choice: FirstChoice) -> dict[str, Any]:
    numbers = [
        [None if not np.isfinite(x) else probability(float(np.exp(x))) for x in side[row]]
        for side in (judged.before, judged.after)
    ]
    pairs = [(judged.wanted[row], 0), (judged.other[row], 1)]
    return {
        "prompt": visible(judged.prompts[row]),
        "subject": visible(judged.subjects[int(judged.record[row])]),
        "before": {"name": named(choice.before[0]), "label": probability(choice.before[1])},
        "after": {"name": named(choice.after[0]), "label": probability(choice.after[1])},
        "tone": tone,
        "mark": MARKS[tone],
        "word": word,
        # Probability a token: the geometric mean over an answer's tokens.
        "answers": [
            {
                "name": named(text),
                "wanted": at == 0,
                "before": numbers[0][at],
                "after": numbers[1][at],
            }
            for text, at in pairs
            if text and numbers[0][at] is not None
        ],
    }


def _whole(result: EditDiff) -> dict[str, Any] | None:
    """What became of the model as a whole: by the alarm, or where it did not read, by the evaluation."""
    alarm, judged = result.alarm, result.evaluation
    source = alarm or judged
    if source is None:
        return None
    pairs = (source.perplexity, source.entropy)
    names = (("perplexity of neutral text", ""), ("entropy of what it writes", " bits"))
    facts = [
        f"{name} {_number(pair[0])} \u2192 {_number(pair[1])}{unit}"
        for (name, unit), pair in zip(names, pairs, strict=True)
        if pair is not None
    ]
    if not facts:
        return None
    if alarm is None:
        return {"tone": None, "mark": "", "word": "no alarm was set", "facts": facts, "crossed": []}
    if math.isfinite(alarm.alignment):
        facts.append(f"alignment of keys {plain(alarm.alignment)}")
    crossed = [visible(one) for one in alarm.crossed]
    tone = "bad" if crossed else "ok"
    words = count(len(crossed), "line crossed", "lines crossed") if crossed else "no line crossed"
    return {"tone": tone, "mark": MARKS[tone], "word": f"collapse alarm: {words}", "facts": facts, "crossed": crossed}


def _number(x: float) -> str:
    return plain(x) if math.isfinite(x) else "no number"


def _amount(result: EditDiff) -> str:
    parts = [count(len(result.facts), "fact")]
    if result.evaluation is not None:
        parts.append(count(len(result.evaluation.prompts), "prompt"))
    return ", ".join(parts)


def _code(result: EditDiff) -> str:
    """The calls that make the edit and compare again; of many facts only their number is said."""
    layers = list(result.settings.get("layers", result.layers))
    where = repr(layers[0]) if len(layers) == 1 else repr(layers)
    lines = []
    if len(result.facts) == 1:
        lines.append(f"fact = {fact_code(result.facts[0])}")
        name = "fact"
    else:
        lines.append(f"# facts: the {len(result.facts)} that were edited")
        name = "facts"
    layer = f", layer={where}" if layers else ""
    own = [sample.prompt for sample in result.samples if sample.record is None]
    compared = call(
        result.provenance, "iw.edit_diff", ["e", *([f"prompts={own!r}"] if own else [])]
    )  # fmt: skip
    return "\n".join([*lines, f"e = iw.edit(lm, {name}, method={result.method!r}{layer})", compared])


def fact_code(fact: Fact) -> str:
    """As it is written in Python."""
    given = [repr(fact.template), f"subject={fact.subject!r}", f"target={fact.target!r}"]
    for name in ("original", "paraphrases", "neighbours", "ripple"):
        value = getattr(fact, name)
        if value:
            given.append(f"{name}={list(value) if isinstance(value, tuple) else value!r}")
    return f"iw.Fact({', '.join(given)})"
