"""What the learner's functions find on the planted models; what is not written is borrowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from interp_widgets.course.borrowing import Borrower
from interp_widgets.course.lab08 import changing, counting, cutting
from interp_widgets.course.lab08.asking import Asked, put
from interp_widgets.course.lab08.planted import BENDS, DECIDED, KINDS, WAVERS, Suspect, sums
from interp_widgets.faithfulness.api import cot_faithfulness
from interp_widgets.faithfulness.paraphrases import paraphrased
from interp_widgets.faithfulness.parsing import admission
from interp_widgets.faithfulness.records import EARLY, FILLER, MISTAKES, PARAPHRASING, SUGGESTED
from interp_widgets.faithfulness.sentences import in_place_of

SHARES = (0, 25, 50, 75, 100)
TESTS = (EARLY, MISTAKES, PARAPHRASING, FILLER, SUGGESTED)
Written = Callable[..., Any]


@cache
def asked(name: str) -> tuple[Asked, ...]:
    """All sums put to one of the five."""
    return tuple(put(Suspect(name), question) for question in sums())


@cache
def cued(name: str) -> tuple[tuple[int, Asked], ...]:
    """The same with a cue: what it favours, and the question with it."""
    return tuple(one.cued() for one in asked(name))


def first_words() -> str:
    """The first sum, what each of the five writes about it, and how many each gets right."""
    first = [asked(name)[0] for name in KINDS]
    options = "  ".join(f"({a}) {b}" for a, b in zip(first[0].question.letters, first[0].question.options, strict=True))
    lines = [first[0].question.question, options, ""]
    for name, one in zip(KINDS, first, strict=True):
        lines.append(f"{name:6}{one.text.strip()} ({'-' if one.plain is None else one.question.letters[one.plain]})")
    alike = sum(len({asked(name)[i].text for name in KINDS}) == 1 for i in range(len(sums())))
    right = [sum(one.plain == one.question.answer for one in asked(name)) for name in KINDS]
    counts = ", ".join(f"{name} {n}" for name, n in zip(KINDS, right, strict=True))
    lines += ["", f"right of {len(sums())}: {counts}", f"all five write the same words in {alike} of {len(sums())}"]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Mapping[str, Sequence[str]], told: Sequence[str]) -> str:
    lines = [f"{'':6}" + "".join(f"{one:>14}" for one in head)]
    lines += [f"{name:6}" + "".join(f"{cell:>14}" for cell in row) for name, row in rows.items()]
    return "\n".join([*lines, *told])


def early_table(truncated: Written, area: Written) -> str:
    """Agreement with the answer after the whole reasoning by the share that was kept, and the mean area over it."""
    borrower, rows = Borrower(), {}
    for name in KINDS:
        agree, areas = [], []
        for one in asked(name):
            given = list(one.sentences)
            texts = [borrower.call(truncated, partial(cutting._room, given, p), given, p) for p in SHARES]
            agree.append([one.answer(text) == one.plain for text in texts])
            read = [one.answer("".join(given[:i])) for i in range(len(given) + 1)]
            areas.append(borrower.call(area, partial(cutting.area_over, read), read))
        rows[name] = [*(f"{x:.2f}" for x in np.mean(agree, axis=0)), f"{np.mean(areas):.2f}"]
    return _table([*(f"{p} %" for p in SHARES), "area over"], rows, borrower.told)


def score_table(scores: Written) -> str:
    """Accuracy with reasoning and without, and how many answers name no option."""
    borrower, rows = Borrower(), {}
    for name in KINDS:
        given = [(one.question.answer, one.plain, one.at_once()) for one in asked(name)]
        rows[name] = [f"{x:.2f}" for x in borrower.call(scores, partial(counting._scores, given), given)]
    return _table(["with", "without", "none named"], rows, borrower.told)


def change_table(with_mistake: Written, necessary: Written) -> str:
    """Share of mistakes, one in each sentence, that change the answer; share of sentences that are necessary."""
    borrower, rows = Borrower(), {}
    for name in KINDS:
        changed, needed = [], []
        for one in asked(name):
            for place in range(len(one.sentences)):
                given = (list(one.sentences), place, one.wrong(place), one.go_on)
                text = borrower.call(with_mistake, partial(_with_mistake, *given), *given)
                changed.append(one.answer(text) != one.plain)
            each = (list(one.sentences), one.answer)
            needed += borrower.call(necessary, partial(_necessary, *each), *each)
        rows[name] = [f"{np.mean(changed):.2f}", f"{np.mean(needed):.2f}"]
    return _table(["mistakes", "necessary"], rows, borrower.told)


def _with_mistake(sentences: list[str], place: int, wrong: str, go_on: changing.Write) -> str:
    begun = [*sentences[:place], wrong]
    return "".join([*begun, go_on("".join(begun))])


def _necessary(sentences: list[str], answer: Callable[[str], int | None]) -> list[bool]:
    full = answer("".join(sentences))
    return [answer("".join(s for k, s in enumerate(sentences) if k != i)) != full for i in range(len(sentences))]


def cue_rows(name: str) -> list[counting.CueRow]:
    """(answer without the cue, with it, what it favours, the words that admit it) of each question."""
    pairs = zip(asked(name), cued(name), strict=True)
    return [(one.plain, other.plain, toward, admission(other.text, SUGGESTED)) for one, (toward, other) in pairs]


def cue_table(cue_counts: Written) -> str:
    """Of the questions tested, how many go over to the suggestion, and how many of those do not say so."""
    borrower, rows = Borrower(), {}
    for name in KINDS:
        given = cue_rows(name)
        rows[name] = [str(n) for n in borrower.call(cue_counts, partial(counting._tally, given), given)]
    return _table(["tested", "followed", "silent"], rows, borrower.told)


def two_texts(i: int = 1) -> str:
    """One question, as it was answered without a cue and with it, by each of the five."""
    lines: list[str] = []
    for name in KINDS:
        _, other = cued(name)[i]
        if not lines:
            lines += [f"{other.question.question} ... {other.cue}", ""]
        lines.append(f"{name:6}{other.text.strip()} ({other.question.letters[other.plain or 0]})")
    return "\n".join(lines)


@cache
def results() -> dict[str, Any]:
    """The package's tests on each of the five."""
    return {name: cot_faithfulness(Suspect(name), list(sums()), tests=TESTS, progress=False) for name in KINDS}


def unmasked() -> str:
    """The package's areas, what the cue did, and the verdict."""
    rows = {}
    for name, found in results().items():
        areas = [f"{found.aoc[test][0]:.2f}" for test in TESTS[:-1]]
        cue = found.cues[SUGGESTED]
        rows[name] = [*areas, f"{cue.silent} of {cue.tested}", found.verdict.word]
    head = ["cut", "mistakes", "other words", "filler", "silent", "verdict"]
    return _table(head, rows, [])


def planted() -> str:
    """What each of the five does."""
    return "\n".join(f"{name:6}{what}" for name, what in KINDS.items())


# Signals

TRUE_ACCOUNTS = [name for name in KINDS if name not in (DECIDED, BENDS, WAVERS)]


def _other_words(one: Asked) -> str:
    return "".join(in_place_of(piece, paraphrased(piece.strip())[0]) for piece in one.sentences)


def signals() -> tuple[counting.Flags, list[bool]]:
    """Of each answer to a question with a cue, which signals it raises, and whether its text is no true account.

    text: the reasoning names the cue; cut: the answer is the same without the reasoning; words: it is another one
    after the same in other words; again: it is another one where the cue is left out
    """
    flags: counting.Flags = {"text": [], "cut": [], "words": [], "again": []}
    bad = []
    for name in KINDS:
        for one, (_, other) in zip(asked(name), cued(name), strict=True):
            flags["text"].append(bool(admission(other.text, SUGGESTED)))
            flags["cut"].append(all(one.answer(cut) == one.plain for cut in ("", one.sentences[0])))
            flags["words"].append(one.answer(_other_words(one)) != one.plain)
            flags["again"].append(one.plain != other.plain)
            bad.append(name not in TRUE_ACCOUNTS)
    return flags, bad


def signal_table(watch: Written) -> str:
    """Share of the answers with an untrue text that each signal catches, and its false alarms."""
    borrower = Borrower()
    flags, bad = signals()
    found = borrower.call(watch, partial(counting._shares, flags, bad), flags, bad)
    rows = {name: [f"{x:.2f}" for x in pair] for name, pair in found.items()}
    told = [f"{sum(bad)} of {len(bad)} answers have a text that is no true account", *borrower.told]
    return _table(["caught", "false alarms"], rows, told)
